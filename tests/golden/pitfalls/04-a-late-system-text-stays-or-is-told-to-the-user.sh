#!/bin/sh
# A system text between the messages stays where the model knows such; else the user's turn quotes it.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u1"},{"role":"assistant","content":"a1"},{"role":"user","content":"u2"},{"role":"system","content":"S2"},{"role":"assistant","content":"a2"},{"role":"user","content":"u3"}]}' >ask
request openai anthropic claude-opus-4-8 <ask
request openai anthropic claude-sonnet-4-5 <ask
request openai gemini gemini-2.5-flash <ask
request openai vllm any <ask
