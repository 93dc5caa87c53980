#!/bin/sh
# Gemini's tokens become OpenAI's, with the bytes of their UTF-8. Claude has none: the wish is left out and named (not
# refused), a false one silently.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"logprobs":true,"top_logprobs":2,"messages":[{"role":"user","content":"u"}]}' >ask
echo '{"model":"m","max_tokens":9,"logprobs":false,"messages":[{"role":"user","content":"u"}]}' >none
answer openai gemini gemini-2.5-flash ask <<'END'
{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"finishReason":"STOP","logprobsResult":{"chosenCandidates":[{"token":"Hello","logProbability":-0.00001}],"topCandidates":[{"candidates":[{"token":"Hello","logProbability":-0.00001},{"token":"é","logProbability":-11.5}]}]}}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2},"modelVersion":"gemini-2.5-flash","responseId":"r1"}
END
request openai anthropic claude-sonnet-4-5 <ask
request openai anthropic claude-sonnet-4-5 <none
