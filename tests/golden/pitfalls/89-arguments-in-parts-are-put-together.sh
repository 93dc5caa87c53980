#!/bin/sh
# gemini to openai: arguments that come by path, in parts; a call that has none; one whose closing mark is missing ends with
# the answer.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai '"stream":true,' >asked
record() { # PART [MORE OF THE CANDIDATE]
    printf 'data: {"candidates":[{"content":{"role":"model","parts":[%s]}%s}],"responseId":"r1","modelVersion":"gemini-3-flash"}\n\n' "$1" "${2:-}"
}
part() { # JSON PATH, VALUE, GOES ON
    record "{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":\"$1\",$2}]$3}}"
}
screen() {
    record '{"functionCall":{"name":"read_screen","willContinue":true}}'
    part '$.id' "\"stringValue\":\"$1\",\"willContinue\":true" ',"willContinue":true'
    part '$.id' '"stringValue":""' ',"willContinue":true'
    record '{"functionCall":{}}'
}
echo "== four calls"
{
    record '{"text":"First the theme.","thought":true}'
    record '{"functionCall":{"name":"read_theme"},"thoughtSignature":"QUJD"}'
    screen A
    screen B
    screen C
    record '{"text":""}' ',"finishReason":"STOP"'
} | both_ways openai gemini gemini-3-flash asked
item() { # NUMBER TEXT ID PRICE GOES ON
    part "\$.operations[$1].action" '"stringValue":"add","willContinue":true' ',"willContinue":true'
    part "\$.operations[$1].action" '"stringValue":""' ',"willContinue":true'
    part "\$.operations[$1].description" "\"stringValue\":\"$2\",\"willContinue\":true" ',"willContinue":true'
    part "\$.operations[$1].description" '"stringValue":""' ',"willContinue":true'
    part "\$.operations[$1].itemid" "\"stringValue\":\"$3\",\"willContinue\":true" ',"willContinue":true'
    part "\$.operations[$1].itemid" '"stringValue":""' ',"willContinue":true'
    part "\$.operations[$1].price" "\"numberValue\":$4" "$5"
}
echo "== a call that nobody closes"
{
    record '{"functionCall":{"name":"writeItems","willContinue":true},"thoughtSignature":"QUJD"}'
    item 0 "Fresh red apple" apple_001 0.5 ',"willContinue":true'
    item 1 "Ripe yellow banana" banana_001 0.3 ''
    record '{"text":""}' ',"finishReason":"STOP"'
} | both_ways openai gemini gemini-3-flash asked
