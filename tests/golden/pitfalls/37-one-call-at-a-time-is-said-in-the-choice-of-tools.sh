#!/bin/sh
# Claude's word for it stands in the choice of tools: there is one then, if there are tools at all.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"messages":[{"role":"user","content":"u"}]}
END
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_tokens":9,"parallel_tool_calls":false,"messages":[{"role":"user","content":"u"}]}
END
