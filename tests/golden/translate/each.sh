#!/bin/sh
# usage: each.sh                lists the cases, PAIR/CASE
#        each.sh PAIR/CASE      says what the pair makes of the case
#
# PAIR is CLIENT-PROVIDER. What the client asks is asks/CLIENT/CASE.json (where a case is about
# the answer: text.json), what the provider answers is answers/PROVIDER/CASE.json, .sse or .error,
# whose first line is the status.
set -u
here=$(dirname "$0")
clients="openai responses anthropic gemini"
providers="$clients dashscope ernie"

list() {
    for client in $clients; do
        for provider in $providers; do
            [ "$client" = "$provider" ] && continue
            for file in "$here/asks/$client"/* "$here/answers/$provider"/*; do
                case=${file##*/}
                echo "$client-$provider/${case%.*}"
            done | sort -u
        done
    done
}

# A model that takes what the case is about: model_of PROVIDER/CASE.
model_of() {
    case $1 in
    openai/reasoning) echo gpt-5-mini ;;
    openai/hosted) echo gpt-4o-search-preview ;;
    dashscope/images) echo qwen3-vl-plus ;;
    openai/*) echo gpt-4.1 ;;
    responses/*) echo gpt-5-mini ;;
    anthropic/*) echo claude-sonnet-4-5 ;;
    gemini/*) echo gemini-2.5-flash ;;
    dashscope/*) echo qwen-plus ;;
    ernie/*) echo completions_pro ;;
    esac
}

# The same, however its bytes are cut.
stream() {
    translate stream "$client" "$provider" "$model" "$ask" <"$answer.sse" >whole.sse
    cat whole.sse
    for bytes in 1 7 100; do
        translate stream "$client" "$provider" "$model" "$ask" $bytes <"$answer.sse" >cut.sse
        cmp whole.sse cut.sse || echo "differs when cut after $bytes bytes"
    done
}

say() {
    client=${1%%-*}
    provider=${1#*-}
    provider=${provider%%/*}
    model=$(model_of "$provider/${1#*/}")
    answer=$here/answers/$provider/${1#*/}
    ask=$here/asks/$client/${1#*/}.json
    if [ -f "$ask" ]; then
        echo "== $client asks, $provider is asked"
        translate request "$client" "$provider" "$model" <"$ask"
    else
        ask=$here/asks/$client/text.json
    fi
    if [ -f "$answer.json" ]; then
        echo "== $provider answers, $client is answered"
        translate answer "$client" "$provider" "$model" "$ask" <"$answer.json"
    fi
    if [ -f "$answer.sse" ]; then
        echo "== $provider streams, $client is streamed"
        stream
    fi
    if [ -f "$answer.error" ]; then
        echo "== $provider refuses, $client is refused"
        tail -n +2 "$answer.error" | translate complaint "$client" "$(head -n 1 "$answer.error")"
    fi
    return 0
}

if [ $# -eq 0 ]; then list; else say "$1"; fi
