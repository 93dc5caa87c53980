#!/bin/sh
# Groq refuses names, nulls and empty settings.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai groq llama-3.3-70b-versatile <<'END'
{"model":"m","max_tokens":9,"logprobs":null,"logit_bias":{},"messages":[{"role":"user","content":"u","name":"bob"}]}
END
