#!/bin/sh
# Nothing and null are empty objects; broken JSON of an earlier turn is put into one, or refused when the request is
# strict.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
for arguments in '""' '"null"' '"{\"a\":1"'; do
    cat >ask <<END
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":$arguments}}]},{"role":"tool","tool_call_id":"c1","content":"ok"}]}
END
    request openai anthropic claude-sonnet-4-5 <ask
done
(export STRICT=1; request openai anthropic claude-sonnet-4-5 <ask)
