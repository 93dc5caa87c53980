#!/bin/sh
# An empty message goes and its neighbours join. A conversation of nothing else is refused here, not by the provider.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":""},{"role":"user","content":"b"}]}
END
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":""}]}
END
