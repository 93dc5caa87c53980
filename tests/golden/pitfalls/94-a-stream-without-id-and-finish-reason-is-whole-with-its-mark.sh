#!/bin/sh
# openai to anthropic: no id, no role but in each delta, no finish reason, only [DONE]: the answer gets an id, and ends.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask anthropic '"stream":true,' >asked
both_ways anthropic openai-compatible m asked <<'END'
data: {"choices":[{"delta":{"content":"4","refusal":"","role":"assistant","tool_calls":null},"index":0,"logprobs":{"content":null,"refusal":null}}],"created":0,"id":"","model":"m","object":"chat.completion.chunk","service_tier":"","system_fingerprint":""}

data: {"choices":[{"delta":{"content":"","refusal":"","role":"assistant","tool_calls":null},"index":0,"logprobs":{"content":null,"refusal":null}}],"created":0,"id":"","model":"m","object":"chat.completion.chunk","service_tier":"","system_fingerprint":""}

data: {"choices":[],"created":0,"id":"","model":"m","object":"chat.completion.chunk","usage":{"completion_tokens":5,"prompt_tokens":22,"total_tokens":27}}

data: [DONE]

END
