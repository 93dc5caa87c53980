#!/bin/sh
# azure to openai's kin and to anthropic: the first chunk has no choices, no id and no model, which come with the next; a choice without a
# delta has nothing to say; what Azure adds after the end changes it no more. A stream that its filter stops ends so.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
filter='"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"content_filter_offsets":{"check_offset":65,"start_offset":65,"end_offset":99}'
cat >blocked <<END
data: {"id":"","object":"","created":0,"model":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}],"choices":[],"usage":null}

data: {"id":"chatcmpl-8","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"finish_reason":null,"delta":{"role":"assistant"}}],"usage":null}

data: {"id":"chatcmpl-8","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"finish_reason":null,"delta":{"content":"Hey"}}],"usage":null}

data: {"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,$filter}],"usage":null}

data: {"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":"content_filter",$filter}],"usage":null}

data: [DONE]

END
cat >fine <<END
data: {"id":"","object":"","created":0,"model":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}],"choices":[],"usage":null}

data: {"id":"chatcmpl-8","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"finish_reason":null,"delta":{"role":"assistant","content":"Hey"}}],"usage":null}

data: {"id":"chatcmpl-8","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"finish_reason":"stop","delta":{}}],"usage":null}

data: {"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,$filter}],"usage":null}

data: [DONE]

END
for client in anthropic gemini; do
    ask $client '"stream":true,' >asked
    for said in blocked fine; do
        echo "== $client, $said"
        both_ways $client azure gpt-4o asked <$said
    done
done
