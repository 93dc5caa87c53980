#!/bin/sh
# mistral's content may be a list, whose thinking has a list of its own. Openai's clients expect a text, so its models that
# reason are translated for them too (openai_fit.c; tests/play/test_first_words.py).
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
for client in openai anthropic gemini; do
    ask $client >asked
    echo "== $client"
    answer $client mistral magistral-medium-latest asked <<'END'
{"id":"c1","object":"chat.completion","created":1700000000,"model":"magistral-medium-latest","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":[
{"type":"thinking","thinking":[{"type":"text","text":"t"}]},{"type":"text","text":"x"}]}}],"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14}}
END
    both_ways $client mistral magistral-medium-latest asked <<'END'
data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"magistral-medium-latest","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"magistral-medium-latest","choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"t"}]}]},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"magistral-medium-latest","choices":[{"index":0,"delta":{"content":[{"type":"text","text":"x"}]},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1700000000,"model":"magistral-medium-latest","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14}}

data: [DONE]

END
done
