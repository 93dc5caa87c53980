#!/bin/sh
# anthropic to openai and back: an error that comes first in a stream of 200 is an answer with its own status (and the next target may
# be tried: tests/play/test_first_words.py); behind content it is an error in the stream, which has no end mark then.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
error='event: error
data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
start='event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}'
word='event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Half"}}'
ask openai '"stream":true,' >asked
echo "== first"
printf '%s\n\n' "$error" | both_ways openai anthropic claude-sonnet-4-5 asked
echo "== behind a beginning without content"
printf '%s\n\n' "$start" "$error" | both_ways openai anthropic claude-sonnet-4-5 asked
echo "== behind content"
printf '%s\n\n' "$start" "$word" "$error" | both_ways openai anthropic claude-sonnet-4-5 asked
ask anthropic '"stream":true,' >asked
echo "== first, from openai to anthropic"
printf 'data: {"error":{"message":"Overloaded","type":"server_error","param":null,"code":503}}\n\n' |
    both_ways anthropic openai m asked
ask gemini >asked
echo "== first, to gemini"
printf '%s\n\n' "$error" | both_ways gemini anthropic claude-sonnet-4-5 asked
