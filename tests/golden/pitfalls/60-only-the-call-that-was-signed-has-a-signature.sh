#!/bin/sh
# gemini to openai: of calls in parallel only the first is signed. A signature of an empty last text makes no words, but is
# kept where Google's own layer has it, and goes back from there.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai >asked
echo "== answer"
answer openai gemini gemini-3-flash asked <<'END'
{"candidates":[{"index":0,"content":{"role":"model","parts":[
{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"QUJD"},
{"functionCall":{"name":"f","args":{"a":2}}}]},"finishReason":"STOP"}],
"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"totalTokenCount":7},"responseId":"r1","modelVersion":"gemini-3-flash"}
END
echo "== stream"
both_ways openai gemini gemini-3-flash asked <<'END'
data: {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"QUJD"},{"functionCall":{"name":"f","args":{"a":2}}}]},"index":0}],"responseId":"r1","modelVersion":"gemini-3-flash"}

data: {"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"finishReason":"STOP","index":0}],"responseId":"r1","modelVersion":"gemini-3-flash"}

END
echo "== signature of the end"
both_ways openai gemini gemini-3-flash asked <<'END'
data: {"candidates":[{"content":{"role":"model","parts":[{"text":"yo"}]},"index":0}],"responseId":"r1","modelVersion":"gemini-3-flash"}

data: {"candidates":[{"content":{"role":"model","parts":[{"text":"","thoughtSignature":"REVG"}]},"finishReason":"STOP","index":0}],"responseId":"r1","modelVersion":"gemini-3-flash"}

END
echo "== signature of the end, whole"
answer openai gemini gemini-3-flash asked <<'END'
{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"yo"},{"text":"","thoughtSignature":"REVG"}]},"finishReason":"STOP"}],"responseId":"r1","modelVersion":"gemini-3-flash"}
END
echo "== echoed"
request openai gemini gemini-3-flash <<'END'
{"model":"m","messages":[{"role":"user","content":"hi"},
{"role":"assistant","content":"yo","extra_content":{"google":{"thought_signature":"REVG"}}},
{"role":"user","content":"on"}]}
END
echo "== to another"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","messages":[{"role":"user","content":"hi"},
{"role":"assistant","content":"yo","extra_content":{"google":{"thought_signature":"REVG"}}},
{"role":"user","content":"on"}]}
END
