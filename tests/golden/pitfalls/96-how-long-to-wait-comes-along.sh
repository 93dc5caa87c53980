#!/bin/sh
# gemini to openai: a delay becomes whole seconds, rounded up; a quota of the day is no credit, which waiting does not help; a key that is
# not valid is refused with 400 there, and is the gateway's.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
retry() { # QUOTA
    printf '{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[
{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"%s"}]},
{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}]}}' "$1"
}
for client in openai anthropic gemini; do
    echo "== $client"
    retry GenerateRequestsPerMinutePerProjectPerModel-FreeTier | complaint $client 429
    retry GenerateRequestsPerDayPerProjectPerModel-FreeTier | complaint $client 429
    printf '{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}' |
        complaint $client 400
done
