#!/bin/sh
# xai counts the completion without the reasoning, but the total with it; all others within it, which stay as they are.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
usage() { # CLIENT PROVIDER USAGE
    ask "$1" >asked
    answer "$1" "$2" m asked <<END
{"id":"c1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"yo"}}],
"usage":$3}
END
}
excluded='{"prompt_tokens":12,"completion_tokens":1,"total_tokens":241,"completion_tokens_details":{"reasoning_tokens":228}}'
included='{"prompt_tokens":12,"completion_tokens":229,"total_tokens":241,"completion_tokens_details":{"reasoning_tokens":228}}'
for client in anthropic gemini responses; do
    usage $client xai "$excluded"
done
usage anthropic openai "$excluded"
usage anthropic xai "$included"
usage anthropic openai "$included"
