#!/bin/sh
# openrouter to anthropic: the whole call again in a second piece, arguments "" and then "{}", {} at once, none at first,
# null, or not at all: one call, whose arguments are {} once. The id "0" is one.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask anthropic '"stream":true,' >asked
ask responses '"stream":true,' >asking
chunk() { # DELTA FINISH
    printf 'data: {"id":"gen-1","provider":"P","model":"m","object":"chat.completion.chunk","created":1700000000,"choices":[{"index":0,"delta":%s,"finish_reason":%s,"native_finish_reason":null,"logprobs":null}],"system_fingerprint":""}\n\n' "$1" "$2"
}
call() { # INSIDE OF FUNCTION
    chunk "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"0\",\"type\":\"function\",\"function\":{$1}}]}" null
}
variant() { # NAME < pieces
    echo "== $1"
    {
        chunk '{"role":"assistant","content":""}' null
        cat
        chunk '{"role":"assistant","content":""}' '"tool_calls"'
        printf 'data: [DONE]\n\n'
    } >said
    both_ways anthropic openrouter m asked <said
    stream responses openrouter m asking <said | sed -n 's/.*"type":"\(response.function_call_arguments.done\)".*\("arguments":.*\)}/\1 \2/p'
}
{ call '"name":"version","arguments":""' && call '"name":"version","arguments":"{}"'; } | variant "empty, then all again"
call '"name":"version","arguments":"{}"' | variant "at once"
{ call '"name":"version"' && call '"arguments":"{}"'; } | variant "later"
call '"name":"version","arguments":null' | variant "null"
call '"name":"version"' | variant "never"
