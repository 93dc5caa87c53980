#!/bin/sh
# A developer's text is the system's, everywhere but at OpenAI.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"messages":[{"role":"developer","content":[{"type":"text","text":"D"}]},{"role":"user","content":"hi"}]}' >ask
request openai anthropic claude-sonnet-4-5 <ask
request openai gemini gemini-2.5-flash <ask
request openai deepseek deepseek-chat <ask
request openai alibaba qwen-plus <ask
request openai mistral mistral-large-latest <ask
request openai zhipu glm-4.6 <ask
