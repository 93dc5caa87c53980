#!/bin/sh
# Gemini wants as many responses as calls, in one message, in the calls' order.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai gemini gemini-2.5-flash <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"get_a","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"get_b","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c2","content":"B"},{"role":"tool","tool_call_id":"c1","content":"A"}]}
END
