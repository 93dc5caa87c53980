#!/bin/sh
# openai to openai, where the bytes pass: the gateway asks for usage in any case. Who did not ask sees neither the chunk
# nor the member; who asked gets a chunk of its own, also from those that put usage beside the finish reason.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai '"stream":true,' >silent
ask openai '"stream":true,"stream_options":{"include_usage":true},' >asking
cat >apart <<'END'
data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a \"usage\":null"},"finish_reason":null}],"usage":null}

data: {"id":"c1","usage": null, "object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

data: [DONE]

END
cat >beside <<'END'
data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":null}

: keep-alive

data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1}},"x_groq":{"id":"r","usage":{"prompt_tokens":3}}}

data: [DONE]

END
for said in apart beside; do
    for request in silent asking; do
        echo "== $said, $request"
        translate pass openai openai m $request <$said
    done
done
echo "== both: only one is apart"
{ sed '/DONE/,$d' beside && sed -n '/choices":\[\]/,$p' apart; } | translate pass openai openai m asking
echo "== translated, asking"
answer_of() { both_ways openai anthropic claude-sonnet-4-5 "$1"; }
cat >anthropic <<'END'
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}

data: {"type":"message_stop"}

END
answer_of asking <anthropic
echo "== translated, silent"
answer_of silent <anthropic
