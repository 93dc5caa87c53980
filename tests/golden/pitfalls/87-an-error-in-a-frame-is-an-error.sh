#!/bin/sh
# dashscope to openai: an error that is framed as an event although it came with its own status.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
framed() { printf 'id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"%s","message":"%s","request_id":"r"}' "$1" "$2"; }
framed InvalidParameter m | complaint openai 400
framed InvalidParameter m | complaint anthropic 400
framed DataInspectionFailed "Not this." | complaint openai 400
framed Arrearage "Pay." | complaint openai 400
framed Throttling.RateQuota "Slow down." | complaint openai 429
printf '{"code":"InvalidApiKey","message":"Invalid API-key sk-secret provided.","request_id":"r"}' | complaint openai 401
printf '{"code":"PrepaidBillOverdue","message":"Pay.","request_id":"r"}' | complaint openai 429
printf '{"code":"ModelNotFound","message":"No such model.","request_id":"r"}' | complaint openai 404
