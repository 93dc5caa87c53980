#!/bin/sh
# A system text stands apart from the messages.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"system","content":"S"},{"role":"user","content":"hi"}]}
END
