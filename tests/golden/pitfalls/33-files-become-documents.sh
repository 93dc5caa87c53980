#!/bin/sh
# A PDF is a document with its name as title; a file that another provider keeps is refused.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}}]}]}' >ask
request openai anthropic claude-sonnet-4-5 <ask
request openai gemini gemini-2.5-flash <ask
echo '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-abc"}}]}]}' >kept
request openai anthropic claude-sonnet-4-5 <kept
request openai gemini gemini-2.5-flash <kept
request openai openai gpt-4o <kept
