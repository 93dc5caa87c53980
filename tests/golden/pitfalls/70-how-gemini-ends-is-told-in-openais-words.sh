#!/bin/sh
# gemini to openai: the reasons to end, with what is missing beside some of them; an unknown one is no crash.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai >asked
ends() { # CANDIDATE
    echo "== $1"
    printf '{%s,"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3},"responseId":"r1","modelVersion":"gemini-2.5-flash"}\n' "$1" >said
    answer openai gemini gemini-2.5-flash asked <said
    { printf 'data: ' && cat said && echo; } | both_ways openai gemini gemini-2.5-flash asked
}
ends '"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}]'
ends '"candidates":[{"content":{},"finishReason":"SAFETY","index":0}]'
ends '"candidates":[{"content":{"role":"model"},"finishReason":"MAX_TOKENS"}]'
ends '"promptFeedback":{"blockReason":"SAFETY"}'
ends '"candidates":[{"content":{"role":"model","parts":[{"text":"yo"}]},"finishReason":"SOMETHING_NEW"}]'
