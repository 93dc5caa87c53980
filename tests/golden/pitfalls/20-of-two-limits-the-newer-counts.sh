#!/bin/sh
# max_completion_tokens goes before max_tokens, and only the one that the target knows is written.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":50,"max_completion_tokens":70,"messages":[{"role":"user","content":"u"}]}' >ask
request openai anthropic claude-sonnet-4-5 <ask
request openai deepseek deepseek-chat <ask
request openai openai gpt-4o <ask
