#!/bin/sh
# openai to anthropic: what another provider thought has no signature, so it cannot be a thinking block; it is left out.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":20000,"reasoning_effort":"low","messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":"yo","reasoning_content":"I think, therefore"},
{"role":"user","content":"on"}]}
END
