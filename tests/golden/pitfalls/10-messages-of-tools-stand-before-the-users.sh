#!/bin/sh
# OpenAI wants results right after their calls, whatever the user wrote before them.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request anthropic openai gpt-4o <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]},{"role":"user","content":[{"type":"text","text":"note"},{"type":"tool_result","tool_use_id":"t1","content":"r"}]}]}
END
