#!/bin/sh
# ernie's first API to openai: pieces of result, "normal" is stop, the end is is_end; the mark of the end is added. Its errors come
# with status 200: a limit of the day is no credit, not an empty answer; a token that has ended is the gateway's matter (the controller
# fetches another: tests/play/test_oauth.py).
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai '"stream":true,"stream_options":{"include_usage":true},' >asked
both_ways openai ernie completions_pro asked <<'END'
data: {"id":"as-1","object":"chat.completion","created":1707245236,"sentence_id":0,"is_end":false,"is_truncated":false,"result":"你好，","need_clear_history":false,"finish_reason":"normal","usage":{"prompt_tokens":2,"completion_tokens":0,"total_tokens":2}}

data: {"id":"as-1","object":"chat.completion","created":1707245237,"sentence_id":1,"is_end":false,"is_truncated":false,"result":"我可以帮你。","need_clear_history":false,"finish_reason":"normal","usage":{"prompt_tokens":2,"completion_tokens":0,"total_tokens":2}}

data: {"id":"as-1","object":"chat.completion","created":1707245238,"sentence_id":2,"is_end":true,"is_truncated":false,"result":"","need_clear_history":false,"finish_reason":"normal","usage":{"prompt_tokens":2,"completion_tokens":36,"total_tokens":38}}

END
error() { # NUMBER
    echo "== $1"
    printf '{"error_code":%s,"error_msg":"said by the provider","id":"as-2"}\n' "$1" >body
    answer openai ernie completions_pro asked <body
    { printf 'data: ' && cat body && echo; } | both_ways openai ernie completions_pro asked
}
for number in 17 19 18 4 110 111 336501 336003 336100 336000 6 3 1; do
    error $number
done
