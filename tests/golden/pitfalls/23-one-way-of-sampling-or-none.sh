#!/bin/sh
# Claude 4.5 takes temperature or top_p, newer ones neither, and none while it thinks.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
ask='"temperature":0.2,"top_p":0.9,"messages":[{"role":"user","content":"u"}]}'
echo '{"model":"m","max_tokens":9,'"$ask" | request openai anthropic claude-sonnet-4-5
echo '{"model":"m","max_tokens":9,'"$ask" | request openai anthropic claude-opus-4-8
echo '{"model":"m","max_tokens":4000,"reasoning_effort":"low",'"$ask" | request openai anthropic claude-sonnet-4-5
echo '{"model":"m","max_tokens":4000,"reasoning_effort":"low",'"$ask" | request openai anthropic claude-sonnet-4-0
