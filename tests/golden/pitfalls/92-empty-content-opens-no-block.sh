#!/bin/sh
# openai to anthropic: content "" beside the pieces of a call says nothing.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask anthropic '"stream":true,' >asked
piece() { # DELTA FINISH
    printf 'data: {"id":"c1","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n' "$1" "$2"
}
{
    piece '{"role":"assistant","content":""}' null
    piece '{"content":"","tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"f","arguments":""}}]}' null
    piece '{"content":"","tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}' null
    piece '{"content":""}' null
    piece '{"content":"","tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}' null
    piece '{"content":""}' '"tool_calls"'
    printf 'data: [DONE]\n\n'
} | both_ways anthropic openai m asked
