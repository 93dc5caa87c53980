#!/bin/sh
# openai to gemini: null as a type, alone in a union or among others, is Gemini's "nullable".
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai gemini gemini-2.0-flash <<'END'
{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f",
"parameters":{"type":"object","properties":{
"one":{"type":["string","null"]},
"union":{"anyOf":[{"type":"integer"},{"type":"null"}]},
"several":{"type":["string","integer","null"]}}}}}]}
END
