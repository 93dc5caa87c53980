#!/bin/sh
# Neither an empty list nor a choice among nothing is written.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"tools":[],"tool_choice":"auto","messages":[{"role":"user","content":"u"}]}' >empty
echo '{"model":"m","max_tokens":9,"tool_choice":"auto","messages":[{"role":"user","content":"u"}]}' >none
for ask in empty none; do
    request openai anthropic claude-sonnet-4-5 <$ask
    request openai gemini gemini-2.5-flash <$ask
done
