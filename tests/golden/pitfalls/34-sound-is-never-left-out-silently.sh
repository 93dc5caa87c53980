#!/bin/sh
# Claude does not hear: refused. Gemini does.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}]}]}' >ask
request openai anthropic claude-sonnet-4-5 <ask
request openai gemini gemini-2.5-flash <ask
