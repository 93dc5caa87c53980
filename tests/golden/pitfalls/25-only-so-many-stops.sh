#!/bin/sh
# Gemini takes five, OpenAI four, o3 none; what is cut is named.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"stop_sequences":["1","2","3","4","5","6","7"],"messages":[{"role":"user","content":"u"}]}' >ask
request anthropic gemini gemini-2.5-flash <ask
request anthropic openai gpt-4o <ask
request anthropic openai o3 <ask
