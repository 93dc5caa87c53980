#!/bin/sh
# anthropic to openai: an answer that is cut into blocks by its citations is one content, with nothing put between.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai >asked
answer openai anthropic claude-sonnet-4-5 asked <<'END'
{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
{"type":"text","text":"The sky is "},
{"type":"text","text":"blue","citations":[{"type":"web_search_result_location","url":"https://example.com/sky","title":"Sky","encrypted_index":"E","cited_text":"It is blue."}]},
{"type":"text","text":"."}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}
END
both_ways openai anthropic claude-sonnet-4-5 asked <<'END'
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"The sky is "}}

data: {"type":"content_block_stop","index":0}

data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":[]}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"It is blue.","document_index":0,"document_title":"Sky","start_char_index":0,"end_char_index":11}}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"blue"}}

data: {"type":"content_block_stop","index":1}

data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":"."}}

data: {"type":"content_block_stop","index":2}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}

data: {"type":"message_stop"}

END
