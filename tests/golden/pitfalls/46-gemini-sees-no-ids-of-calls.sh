#!/bin/sh
# Names and order pair calls and responses; ids are not sent.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai gemini gemini-2.5-flash <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"ok"}]}
END
