#!/bin/sh
# openai to gemini 3: the first call of a step must carry its signature; the word that Google gives for calls that it
# did not make stands in its place, and the calls beside it need none. A signature in the id of a call comes out of it, and no provider sees that part of the id.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
cat >without <<'END'
{"model":"m","tools":[{"type":"function","function":{"name":"f"}}],"messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":null,"tool_calls":[
{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
{"id":"call_2","type":"function","function":{"name":"f","arguments":"{\"a\":2}"}}]},
{"role":"tool","tool_call_id":"call_1","content":"one"},
{"role":"tool","tool_call_id":"call_2","content":"two"}]}
END
sed 's/"call_1"/"call_1__thought__QUJD"/' without >with
echo "== without"
request openai gemini gemini-3-flash <without
echo "== with"
request openai gemini gemini-3-flash <with
for provider in openai anthropic responses; do
    echo "== with, to $provider"
    request openai $provider m <with
done
