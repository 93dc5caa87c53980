#!/bin/sh
# The part of Bedrock's pitfalls that any provider may have: usage behind the finish reason, words in a block that nobody
# opened, members that nobody knows. (Its frames are a later provider's.)
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai '"stream":true,"stream_options":{"include_usage":true},' >asked
both_ways openai anthropic claude-sonnet-4-5 asked <<'END'
data: {"type":"message_start","p":"abcdef","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[]}}

data: {"type":"content_block_delta","p":"ab","index":0,"delta":{"type":"text_delta","text":"Hi"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}

data: {"type":"message_delta","delta":{},"usage":{"input_tokens":3,"output_tokens":2}}

data: {"type":"message_stop"}

END
ask anthropic '"stream":true,' >asked
both_ways anthropic openai m asked <<'END'
data: {"id":"c1","object":"chat.completion.chunk","created":0,"model":"m","p":"abcd","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"id":"c1","object":"chat.completion.chunk","created":0,"model":"m","p":"a","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

data: [DONE]

END
