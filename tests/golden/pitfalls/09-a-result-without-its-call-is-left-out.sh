#!/bin/sh
# A result that no call asked for is left out and named; a strict request is refused.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"},{"role":"tool","tool_call_id":"c9","content":"x"},{"role":"user","content":"go on"}]}' >ask
request openai anthropic claude-sonnet-4-5 <ask
(export STRICT=1; request openai anthropic claude-sonnet-4-5 <ask)
