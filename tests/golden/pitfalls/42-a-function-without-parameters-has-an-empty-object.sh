#!/bin/sh
# Claude wants a schema in any case, Gemini none when there is nothing in it.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"u"}]}' >absent
echo '{"model":"m","max_tokens":9,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"messages":[{"role":"user","content":"u"}]}' >empty
for ask in absent empty; do
    request openai anthropic claude-sonnet-4-5 <$ask
    request openai gemini gemini-2.5-flash <$ask
done
