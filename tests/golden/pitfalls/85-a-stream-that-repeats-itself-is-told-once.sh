#!/bin/sh
# dashscope to openai: without incremental_output each record has all that was said so far; only what is new goes on. "null", ""
# and no finish_reason at all mean that it runs. (The gateway asks for increments; old models do not know the word.)
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai '"stream":true,' >asked
record() { # MESSAGE TOKENS FINISH
    printf 'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"output":{"choices":[{"message":{"role":"assistant",%s}%s}]},"usage":{"input_tokens":3,"output_tokens":%s},"request_id":"r1"}\n\n' "$1" "$3" "$2"
}
runs=',"finish_reason":"null"'
ends=',"finish_reason":"stop"'
echo "== all so far"
{
    record '"content":""' 1 "$runs"
    record '"content":"He"' 1 "$runs"
    record '"content":"Hello"' 2 ',"finish_reason":""'
    record '"content":"Hello!"' 3 ''
    record '"content":"Hello!"' 3 "$ends"
} | both_ways openai dashscope qwen-plus asked
echo "== all so far, of a thought too"
{
    record '"content":"","reasoning_content":"Hm"' 1 "$runs"
    record '"content":"","reasoning_content":"Hm, so"' 2 "$runs"
    record '"content":"A","reasoning_content":"Hm, so"' 3 "$runs"
    record '"content":"A b","reasoning_content":"Hm, so"' 4 "$runs"
    record '"content":"A b c","reasoning_content":"Hm, so"' 5 "$ends"
} | both_ways openai dashscope qwen-plus asked
echo "== pieces, of which some are like those before"
{
    record '"content":"ha"' 1 "$runs"
    record '"content":"ha"' 2 "$runs"
    record '"content":"haha!"' 4 "$runs"
    record '"content":""' 4 "$ends"
} | both_ways openai dashscope qwen-plus asked
call() { # ARGUMENTS
    printf '"content":"","tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"f","arguments":"%s"}}]' "$1"
}
echo "== arguments so far"
{
    record "$(call '{\"a')" 1 "$runs"
    record "$(call '{\"a\": 1}')" 2 "$runs"
    record "$(call '{\"a\": 1}')" 3 ',"finish_reason":"tool_calls"'
} | both_ways openai dashscope qwen-plus asked
