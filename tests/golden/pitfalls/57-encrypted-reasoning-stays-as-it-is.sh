#!/bin/sh
# anthropic to anthropic, where the bytes are not forwarded but written anew (as for an openai client that echoes the
# blocks): redacted reasoning keeps its data and its place, is not merged with its neighbour, and no mark of a cache
# stands at reasoning.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo "== anthropic"
request anthropic anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":20000,"thinking":{"type":"enabled","budget_tokens":2000},"messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":[
{"type":"thinking","thinking":"a","signature":"S1=="},
{"type":"redacted_thinking","data":"EmwKAhgB/+8="},
{"type":"redacted_thinking","data":"EmwKAhgC/+8="},
{"type":"thinking","thinking":"b","signature":"S2=="},
{"type":"text","text":"yo","cache_control":{"type":"ephemeral"}}]},
{"role":"user","content":[{"type":"text","text":"on"}]}]}
END
echo "== openai"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":20000,"reasoning_effort":"low","messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":"yo","thinking_blocks":[
{"type":"thinking","thinking":"a","signature":"S1=="},
{"type":"redacted_thinking","data":"EmwKAhgB/+8="},
{"type":"redacted_thinking","data":"EmwKAhgC/+8="}]},
{"role":"user","content":"on"}]}
END
