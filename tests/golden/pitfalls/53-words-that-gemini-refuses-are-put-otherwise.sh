#!/bin/sh
# openai to gemini: a constant is an enum of one, an enum of numbers is left out, a list has items, formats of texts
# are few, and only properties that there are can be required.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai gemini gemini-2.0-flash <<'END'
{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f",
"parameters":{"type":"object","properties":{
"constant":{"const":"x"},
"numbers":{"type":"integer","enum":[1,2]},
"list":{"type":"array"},
"address":{"type":"string","format":"uri"}},
"required":["zz"]}}}]}
END
