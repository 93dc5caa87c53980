#!/bin/sh
# alibaba to any: later pieces of a call have an empty id and no name, which stay those of the first; a choice without
# finish_reason is no end, and neither is an empty one.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
cat >said <<'END'
data: {"choices":[{"delta":{"content":null,"role":"assistant"},"index":0,"logprobs":null,"finish_reason":null}],"object":"chat.completion.chunk","usage":null,"created":1700000000,"model":"qwen3-max","id":"chatcmpl-1"}

data: {"choices":[{"delta":{"content":null,"tool_calls":[{"index":0,"id":"call_a1","type":"function","function":{"name":"weather","arguments":"{\"loc"}}]},"index":0,"finish_reason":null}],"object":"chat.completion.chunk","usage":null,"created":1700000000,"model":"qwen3-max","id":"chatcmpl-1"}

data: {"choices":[{"delta":{"content":null,"tool_calls":[{"index":0,"id":"","type":"function","function":{"arguments":"ation\": \"Rome"}}]},"index":0,"finish_reason":""}],"object":"chat.completion.chunk","usage":null,"created":1700000000,"model":"qwen3-max","id":"chatcmpl-1"}

data: {"choices":[{"delta":{"content":null,"tool_calls":[{"index":0,"id":"","type":"function","function":{"arguments":"\"}"}}]},"index":0}],"object":"chat.completion.chunk","usage":null,"created":1700000000,"model":"qwen3-max","id":"chatcmpl-1"}

data: {"choices":[{"delta":{"content":""},"finish_reason":"tool_calls","index":0}],"object":"chat.completion.chunk","usage":null,"created":1700000000,"model":"qwen3-max","id":"chatcmpl-1"}

data: {"choices":[],"object":"chat.completion.chunk","usage":{"prompt_tokens":200,"completion_tokens":20,"total_tokens":220},"created":1700000000,"model":"qwen3-max","id":"chatcmpl-1"}

data: [DONE]

END
for client in anthropic gemini; do
    echo "== $client"
    ask $client >asked
    both_ways $client alibaba qwen3-max asked <said
done
