#!/bin/sh
# max_tokens is needed: the longest answer that the model has, or 8192 where that is not known.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for model in claude-3-haiku-20240307 claude-3-5-haiku-latest claude-sonnet-4-5 someone-elses; do
    request openai anthropic $model <<'END'
{"model":"m","messages":[{"role":"user","content":"u"}]}
END
done
