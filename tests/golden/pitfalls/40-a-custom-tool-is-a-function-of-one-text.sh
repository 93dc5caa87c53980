#!/bin/sh
# A tool with free input becomes a function with one string; its call comes back as a custom one.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"tools":[{"type":"custom","custom":{"name":"sql"}}],"messages":[{"role":"user","content":"u"}]}' >ask
request openai anthropic claude-sonnet-4-5 <ask
answer openai anthropic claude-sonnet-4-5 ask <<'END'
{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"tool_use","id":"toolu_1","name":"sql","input":{"input":"SELECT 1"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}
END
