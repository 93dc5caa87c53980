#!/bin/sh
# openai to anthropic: an effort that a model does not know becomes the next below; a budget is less than max_tokens and
# at least 1024; where that is not possible the model does not think.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
effort() { # EFFORT MAX_TOKENS MODEL
    echo "== $*"
    printf '{"model":"m","reasoning_effort":"%s","max_tokens":%s,"messages":[{"role":"user","content":"hi"}]}\n' "$1" "$2" |
        request openai anthropic "$3"
}
effort xhigh 20000 claude-opus-4-6
effort xhigh 20000 claude-opus-4-7
effort high 4096 claude-sonnet-4-5
effort high 1025 claude-sonnet-4-5
effort high 800 claude-sonnet-4-5
effort high 64000 claude-sonnet-4-5
effort none 4096 claude-sonnet-4-5
