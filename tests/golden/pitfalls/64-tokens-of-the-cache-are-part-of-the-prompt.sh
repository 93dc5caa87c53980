#!/bin/sh
# anthropic to openai: what came from the cache is counted beside the input there, within the prompt here.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai >asked
answer openai anthropic claude-sonnet-4-5 asked <<'END'
{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"yo"}],
"stop_reason":"end_turn","usage":{"input_tokens":3883,"cache_read_input_tokens":30464,"cache_creation_input_tokens":0,"output_tokens":49}}
END
ask openai '"stream":true,"stream_options":{"include_usage":true},' >asked
both_ways openai anthropic claude-sonnet-4-5 asked <<'END'
event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":3883,"cache_read_input_tokens":30464,"cache_creation_input_tokens":0,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"yo"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":49}}

event: message_stop
data: {"type":"message_stop"}

END
