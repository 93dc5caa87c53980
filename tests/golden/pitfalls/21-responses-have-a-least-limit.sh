#!/bin/sh
# The responses API refuses less than 16; chat completions take any number.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":8,"messages":[{"role":"user","content":"u"}]}' >ask
request anthropic responses gpt-4o <ask
request anthropic openai gpt-4o <ask
