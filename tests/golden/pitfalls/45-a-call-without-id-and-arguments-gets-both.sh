#!/bin/sh
# Gemini's calls may have neither; the id that is made is unique, and one in a stream.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"stream":true,"tools":[{"type":"function","function":{"name":"read_theme"}}],"messages":[{"role":"user","content":"u"}]}' >ask
answer openai gemini gemini-2.5-flash ask <<'END'
{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"read_theme"}},{"functionCall":{"name":"read_theme"}}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3},"modelVersion":"gemini-2.5-flash","responseId":"r1"}
END
stream openai gemini gemini-2.5-flash ask <<'END'
data: {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"read_theme"}}]},"index":0}],"modelVersion":"gemini-2.5-flash","responseId":"r1"}

data: {"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3},"modelVersion":"gemini-2.5-flash","responseId":"r1"}

END
