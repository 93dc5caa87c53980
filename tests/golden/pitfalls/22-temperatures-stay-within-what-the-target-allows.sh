#!/bin/sh
# Claude ends at 1, ERNIE begins above 0, Zhipu switches sampling off instead of 0.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for temperature in 1.6 2 0; do
    request openai anthropic claude-sonnet-4-5 <<END
{"model":"m","max_tokens":9,"temperature":$temperature,"messages":[{"role":"user","content":"u"}]}
END
done
for temperature in 0 1.6; do
    request openai ernie completions_pro <<END
{"model":"m","temperature":$temperature,"messages":[{"role":"user","content":"u"}]}
END
done
request openai zhipu glm-4.6 <<'END'
{"model":"m","temperature":0,"messages":[{"role":"user","content":"u"}]}
END
