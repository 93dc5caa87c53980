#!/bin/sh
# groq to anthropic and to openai's own: an error event behind some reasoning, and no end mark. (In its own dialect it goes on as
# it came and is recorded as failed: tests/play/test_first_words.py.)
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
cat >said <<'END'
data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}],"x_groq":{"id":"req_1"}}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"reasoning":"I call it.","channel":"analysis"},"finish_reason":null}]}

event: error
data: {"error":{"message":"Failed to call a function.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"{\"name\": \"f\"","status_code":400}}

END
for client in anthropic gemini; do
    ask $client '"stream":true,' >asked
    both_ways $client groq m asked <said
done
echo "== at once: a status, and one that no other target is tried for"
ask anthropic '"stream":true,' >asked
sed '1,/I call it/d' said | both_ways anthropic groq m asked
echo "== in its own dialect"
ask openai '"stream":true,' >asked
translate pass openai openai m asked <said
echo "exit: $?"
