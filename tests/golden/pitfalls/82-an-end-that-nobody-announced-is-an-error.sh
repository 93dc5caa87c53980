#!/bin/sh
# any: bytes that are over without the provider's own end are an error event, never a finish that nobody said. What was
# used until then is recorded.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
cut_stream() { # CLIENT PROVIDER MODEL
    cat >said
    both_ways "$@" asked <said
    translate used "$@" asked <said
}
ask openai '"stream":true,' >asked
echo "== anthropic to openai"
cut_stream openai anthropic claude-sonnet-4-5 <<'END'
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":17,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Half"}}

END
echo "== gemini to openai"
cut_stream openai gemini gemini-2.5-flash <<'END'
data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Half"}]},"index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4},"responseId":"r1","modelVersion":"gemini-2.5-flash"}

END
ask anthropic '"stream":true,' >asked
echo "== openai to anthropic"
cut_stream anthropic openai gpt-5-mini <<'END'
data: {"id":"c1","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Half"},"finish_reason":null}]}

END
echo "== responses to anthropic"
cut_stream anthropic responses gpt-5-mini <<'END'
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1700000000,"status":"in_progress","model":"gpt-5-mini","output":[]}}

data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}

data: {"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}

data: {"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Half"}

END
