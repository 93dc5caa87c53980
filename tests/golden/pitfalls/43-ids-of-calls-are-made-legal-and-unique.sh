#!/bin/sh
# A call and its result get the same new id; of two calls with one id the second gets another.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"functions.get:0","type":"function","function":{"name":"get","arguments":"{}"}}]},{"role":"tool","tool_call_id":"functions.get:0","content":"ok"}]}
END
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"n\":1}"}},{"id":"c","type":"function","function":{"name":"f","arguments":"{\"n\":2}"}}]},{"role":"tool","tool_call_id":"c","content":"one"},{"role":"tool","tool_call_id":"c","content":"two"}]}
END
