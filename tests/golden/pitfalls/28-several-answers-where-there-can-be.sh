#!/bin/sh
# Claude gives one answer: more is refused, not ignored. Gemini gives as many, numbered in their order.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for n in 2 1 null; do
    echo '{"model":"m","max_tokens":9,"n":'$n',"messages":[{"role":"user","content":"u"}]}' >ask-$n
    request openai anthropic claude-sonnet-4-5 <ask-$n
done
request openai gemini gemini-2.5-flash <ask-2
answer openai gemini gemini-2.5-flash ask-2 <<'END'
{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]},"finishReason":"STOP"},{"content":{"role":"model","parts":[{"text":"b"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3},"modelVersion":"gemini-2.5-flash","responseId":"r1"}
END
