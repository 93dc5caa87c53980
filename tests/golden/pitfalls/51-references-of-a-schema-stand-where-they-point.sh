#!/bin/sh
# openai to gemini: what a reference points to stands in its place; $defs, $schema and
# additionalProperties are no words of Gemini's schemas.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai gemini gemini-2.0-flash <<'END'
{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f",
"parameters":{"type":"object","properties":{"p":{"$ref":"#/$defs/P"}},"$defs":{"P":{"type":"object",
"properties":{"n":{"type":"string"}},"additionalProperties":false}},
"$schema":"https://json-schema.org/draft/2020-12/schema","additionalProperties":false}}}]}
END
