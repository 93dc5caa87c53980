#!/bin/sh
# The name comes from the call; what is no JSON object is wrapped in one.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for content in text '{\"temp\":1}' '[1,2]' 5; do
    request openai gemini gemini-2.5-flash <<END
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"$content"}]}
END
done
