#!/bin/sh
# gemini to openai: thoughts are counted beside the candidates there, within the completion here; a count that is missing is 0.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai >asked
usage() {
    answer openai gemini gemini-2.5-flash asked <<END
{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"yo"}]},"finishReason":"STOP"}],"responseId":"r1","modelVersion":"gemini-2.5-flash",
"usageMetadata":$1}
END
}
usage '{"promptTokenCount":10,"candidatesTokenCount":12,"thoughtsTokenCount":5,"totalTokenCount":27}'
usage '{"promptTokenCount":10,"totalTokenCount":10}'
