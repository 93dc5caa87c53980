#!/bin/sh
# The framing of records: ends of lines, the space behind the colon, comments, several data lines, a mark of the byte order at
# the beginning, a last record without its blank line, a large one. The same records at every cut.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask anthropic '"stream":true,' >asked
first='{"id":"c1","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"雪€"},"finish_reason":null}]}'
second='{"id":"c1","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
every_cut() { # NAME < stream
    echo "== $1"
    cat >spelled
    both_ways anthropic openai m asked <spelled >said
    [ -f usual ] || cp said usual
    cmp usual said
    size=$(wc -c <spelled)
    bytes=2
    while [ $bytes -lt "$size" ]; do
        stream anthropic openai m asked $bytes <spelled >pieced || echo "failed in pieces of $bytes"
        cmp whole pieced || echo "differs in pieces of $bytes"
        bytes=$((bytes + 1))
    done
}
printf 'data: %s\n\ndata: %s\n\ndata: [DONE]\n\n' "$first" "$second" | every_cut "as usual"
cat usual
printf 'data: %s\r\n\r\ndata: %s\r\n\r\ndata: [DONE]\r\n\r\n' "$first" "$second" | every_cut "ends of lines of two"
printf 'data: %s\r\rdata: %s\r\rdata: [DONE]\r\r' "$first" "$second" | every_cut "carriage returns only"
printf 'data:%s\n\ndata:%s\n\ndata:[DONE]\n\n' "$first" "$second" | every_cut "no space"
printf ': ping\n\ndata: %s\n\n: ping\n\nid: 7\nretry: 10\ndata: %s\n\ndata: [DONE]\n\n' "$first" "$second" | every_cut "comments and other fields"
printf 'event: x\ndata: {\ndata: %s\n\ndata: %s\n\ndata: [DONE]\n\n' "${first#?}" "$second" | every_cut "two data lines"
printf '\357\273\277data: %s\n\ndata: %s\n\ndata: [DONE]\n\n' "$first" "$second" | every_cut "mark of the byte order"
printf 'data: %s  \n\ndata: %s\n\ndata: [DONE] \n\n' "$first" "$second" | every_cut "spaces behind"
printf 'data: %s\n\ndata: %s\n\ndata: [DONE]' "$first" "$second" | every_cut "no blank line at the end"
echo "== 5 MB in one"
{
    printf 'data: {"id":"c1","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":{"content":"'
    head -c 5000000 /dev/zero | tr '\0' Q
    printf '"},"finish_reason":null}]}\n\ndata: %s\n\ndata: [DONE]\n\n' "$second"
} >large
for bytes in 1000000000 4096 777777; do
    stream anthropic openai m asked $bytes <large | tr -dc Q | wc -c
done
