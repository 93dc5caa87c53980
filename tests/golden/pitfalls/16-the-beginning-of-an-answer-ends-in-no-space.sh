#!/bin/sh
# What the answer shall begin with loses the space at its end; where the model takes no such message last, and while it
# thinks, the user says to go on.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
ask='"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"The answer is ( "}]}'
echo '{"model":"m","max_tokens":9,'"$ask" | request openai anthropic claude-sonnet-4-5
echo '{"model":"m","max_tokens":9,'"$ask" | request openai anthropic claude-opus-4-6
echo '{"model":"m","max_tokens":4000,"reasoning_effort":"low",'"$ask" | request openai anthropic claude-sonnet-4-5
