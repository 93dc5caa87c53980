#!/bin/sh
# A text or a list of texts; Claude refuses blank ones and empty lists.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for stop in '"END"' '["\n\n","END"]' null '[]'; do
    request openai anthropic claude-sonnet-4-5 <<END
{"model":"m","max_tokens":9,"stop":$stop,"messages":[{"role":"user","content":"u"}]}
END
done
