#!/bin/sh
# The content of a tool's message is never null.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request anthropic openai gpt-4o <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true}]}]}
END
