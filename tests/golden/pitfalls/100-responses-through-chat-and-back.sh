#!/bin/sh
# responses to chat completions and back: strict stays absent where it was; reasoning, words and a call are three items in this order, whose events
# are numbered without gaps; an answer that was cut by its length is incomplete.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
cat >asked <<'END'
{"model":"m","stream":true,"input":"hi","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}]}
END
echo "== request"
request responses openai-compatible m <asked
echo "== answer"
answer responses openai-compatible m asked <<'END'
{"id":"c1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","reasoning_content":"Hm","content":"I look.","tool_calls":[{"id":"call_a","type":"function","function":{"name":"f","arguments":"{}"}}]}}],"usage":{"prompt_tokens":3,"completion_tokens":9,"total_tokens":12}}
END
echo "== stream"
cat >said <<'END'
data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"Hm"},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"I look."},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

END
both_ways responses openai-compatible m asked <said
echo "== numbers"
sed -n 's/.*"sequence_number":\([0-9]*\).*/\1/p' whole | tr '\n' ' '
echo
echo "== length"
sed 's/"tool_calls"}/"length"}/' said | both_ways responses openai-compatible m asked | tail -n 3
answer responses openai-compatible m asked <<'END'
{"id":"c1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"finish_reason":"length","message":{"role":"assistant","content":"I lo"}}],"usage":{"prompt_tokens":3,"completion_tokens":9,"total_tokens":12}}
END
