#!/bin/sh
# openai to anthropic: cached and written tokens come off the prompt, which does not wrap below 0.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask anthropic >asked
usage() {
    answer anthropic openai gpt-5-mini asked <<END
{"id":"c1","object":"chat.completion","created":1700000000,"model":"gpt-5-mini","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"yo"}}],
"usage":$1}
END
}
usage '{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"prompt_tokens_details":{"cached_tokens":300,"cache_write_tokens":200}}'
usage '{"prompt_tokens":5,"completion_tokens":10,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":9}}'
