#!/bin/sh
# A call that nobody answered gets an error as its result; a strict request is refused, and told which call.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x"},{"role":"user","content":"stop"}]}' >ask
request openai anthropic claude-sonnet-4-5 <ask
(export STRICT=1; request openai anthropic claude-sonnet-4-5 <ask)
