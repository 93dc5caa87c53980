#!/bin/sh
# The tools of earlier calls stay described when none may be called now.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"tool_choice":"none","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"messages":[{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"ok"}]}
END
