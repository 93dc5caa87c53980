#!/bin/sh
# Gemini's seed has 32 bits: a larger one is left out, not cut. Claude has none.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"seed":1099511627776,"messages":[{"role":"user","content":"u"}]}' >large
echo '{"model":"m","max_tokens":9,"seed":2147483647,"messages":[{"role":"user","content":"u"}]}' >fits
request openai gemini gemini-2.5-flash <large
request openai gemini gemini-2.5-flash <fits
request openai anthropic claude-sonnet-4-5 <fits
