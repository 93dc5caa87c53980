#!/bin/sh
# anthropic to gemini: a budget of 0 switches it off, where the model cannot it is the least one; the newer have levels.
# Never both.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for model in gemini-2.5-flash gemini-2.5-pro gemini-2.5-flash-lite gemini-3-flash gemini-3-pro gemini-3.1-pro gemini-2.0-flash; do
    echo "== $model"
    request anthropic gemini $model <<'END'
{"model":"m","max_tokens":100,"thinking":{"type":"disabled"},"messages":[{"role":"user","content":"hi"}]}
END
    request anthropic gemini $model <<'END'
{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"hi"}]}
END
done
