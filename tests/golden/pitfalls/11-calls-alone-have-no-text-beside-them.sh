#!/bin/sh
# Content that is null, empty or blank beside calls makes no block of text.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for content in null '""' '"  "'; do
    request openai anthropic claude-sonnet-4-5 <<END
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","content":$content,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"ok"}]}
END
done
