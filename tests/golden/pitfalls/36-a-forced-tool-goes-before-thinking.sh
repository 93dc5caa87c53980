#!/bin/sh
# Claude does not think while a tool is forced: the client's choice of tool stays, the thinking is left out.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":4000,"reasoning_effort":"high","tool_choice":"required","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"messages":[{"role":"user","content":"u"}]}
END
