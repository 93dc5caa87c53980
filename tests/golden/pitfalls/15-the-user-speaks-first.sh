#!/bin/sh
# Claude wants the user's message first: one is put there.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":"hello"},{"role":"user","content":"x"}]}
END
