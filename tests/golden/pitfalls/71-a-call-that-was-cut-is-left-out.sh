#!/bin/sh
# openai to anthropic: at the limit of its length a call has half its arguments. Its input would not be an object, so there is
# no tool_use of it; whole calls before it stay.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask anthropic >asked
answer anthropic openai gpt-5-mini asked <<'END'
{"id":"c1","object":"chat.completion","created":1700000000,"model":"gpt-5-mini","choices":[{"index":0,"finish_reason":"length","message":{"role":"assistant","content":"Let me see","tool_calls":[
{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"location\": \"Rome\"}"}},
{"id":"call_2","type":"function","function":{"name":"weather","arguments":"{\"location\": \"Par"}}]}}],
"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14}}
END
echo "== stream"
both_ways anthropic openai gpt-5-mini asked <<'END'
data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-5-mini","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_2","type":"function","function":{"name":"weather","arguments":""}}]},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-5-mini","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"location\": \"Par"}}]},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-5-mini","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}

data: [DONE]

END
