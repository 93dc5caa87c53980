#!/bin/sh
# gemini to openai: without alt=sse the stream is one array; an error in its middle may be bare too.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai '"stream":true,' >asked
echo "== array"
both_ways openai gemini gemini-2.5-flash asked <<'END'
[{
  "candidates": [{"content": {"role": "model", "parts": [{"text": "He"}]}, "index": 0}],
  "responseId": "r1", "modelVersion": "gemini-2.5-flash"
}
,
{
  "candidates": [{"content": {"role": "model", "parts": [{"text": "llo"}]}, "finishReason": "STOP", "index": 0}],
  "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
  "responseId": "r1", "modelVersion": "gemini-2.5-flash"
}
]
END
echo "== bare error in the middle"
{
    printf 'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"He"}]},"index":0}],"responseId":"r1","modelVersion":"gemini-2.5-flash"}\r\n\r\n'
    printf '[{\n  "error": {\n    "code": 503,\n    "message": "The model is overloaded.",\n    "status": "UNAVAILABLE"\n  }\n}\n]\n'
} | both_ways openai gemini gemini-2.5-flash asked
echo "== error as an event"
{
    printf 'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"He"}]},"index":0}],"responseId":"r1","modelVersion":"gemini-2.5-flash"}\r\n\r\n'
    printf 'data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\r\n\r\n'
} | both_ways openai gemini gemini-2.5-flash asked
