#!/bin/sh
# Chat completions say "stop" only; vLLM's stop_reason is Claude's stop_sequence.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"}]}' >ask
answer openai anthropic claude-sonnet-4-5 ask <<'END'
{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"x"}],"stop_reason":"stop_sequence","stop_sequence":"END","usage":{"input_tokens":1,"output_tokens":2}}
END
answer anthropic vllm any ask <<'END'
{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"any","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop","stop_reason":"END"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}
END
