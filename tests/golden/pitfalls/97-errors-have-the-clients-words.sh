#!/bin/sh
# Each dialect has its own status for an overloaded provider, and bodies that are no JSON become short messages.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
overloaded='{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
for client in openai responses anthropic gemini; do
    echo "== $client"
    printf '%s' "$overloaded" | complaint $client 529
    printf '{"error":{"message":"The engine is busy.","type":"server_error","param":null,"code":null}}' | complaint $client 503
    printf '<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>' | complaint $client 502
    printf '<html>busy</html>' | complaint $client 503
    printf '' | complaint $client 500
done
echo "== long words are cut"
head -c 2000 /dev/zero | tr '\0' x | complaint openai 500 | wc -c
