#!/bin/sh
# Anthropic refuses empty texts.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"system","content":"A"},{"role":"system","content":"   "},{"role":"system","content":"B"},{"role":"user","content":"x"}]}
END
