#!/bin/sh
# A provider that refuses the gateway's key: to the client it is the gateway that failed, and no part of the key shows. (The
# client's own wrong key is 401: tests/play/test_keys.py.)
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
for client in openai anthropic gemini responses; do
    printf '{"error":{"message":"Incorrect API key provided: sk-proj-abcd****wxyz.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}' |
        complaint $client 401
    printf '{"type":"error","error":{"type":"permission_error","message":"Your key sk-ant-1234 may not."}}' |
        complaint $client 403
    printf 'sk-1234 is not known here' | complaint $client 401
done
