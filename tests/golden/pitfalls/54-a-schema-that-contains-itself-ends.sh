#!/bin/sh
# openai to gemini: a schema that refers to itself comes to an end, where it would begin again; one that is too deep, or whose
# references multiply without end, is refused. (10000 levels are no JSON that the gateway reads.) Models that take JSON
# Schema itself get it as it is, in 51 to 53 as well.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
tool() {
    printf '{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":'
    cat
    printf '}}]}\n'
}
echo "== to its root"
tool <<'END' | request openai gemini gemini-2.0-flash
{"type":"object","properties":{"name":{"type":"string"},"next":{"$ref":"#"},"all":{"type":"array","items":{"$ref":"#"}}}}
END
echo "== in a circle"
tool <<'END' | request openai gemini gemini-2.0-flash
{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"$ref":"#/$defs/B"},"B":{"$ref":"#/$defs/A"}}}
END
echo "== 10000 deep"
awk 'BEGIN { for (i = 0; i < 10000; i++) printf "{\"type\":\"object\",\"properties\":{\"a\":"
    printf "{}"; for (i = 0; i < 10000; i++) printf "}}" }' | tool >deep
request openai gemini gemini-2.0-flash <deep
echo "exit: $?"
echo "== 40 deep"
awk 'BEGIN { for (i = 0; i < 40; i++) printf "{\"type\":\"object\",\"properties\":{\"a\":"
    printf "{}"; for (i = 0; i < 40; i++) printf "}}" }' | tool >deep
request openai gemini gemini-2.0-flash <deep
echo "exit: $?"
echo "== 15 deep"
awk 'BEGIN { for (i = 0; i < 15; i++) printf "{\"type\":\"object\",\"properties\":{\"a\":"
    printf "{\"type\":\"string\"}"; for (i = 0; i < 15; i++) printf "}}" }' | tool >deep
request openai gemini gemini-2.0-flash <deep
echo "== references that multiply"
awk 'BEGIN { printf "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/L0\"}},\"$defs\":{"
    for (i = 0; i < 15; i++) printf "\"L%d\":{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/$defs/L%d\"},\"y\":{\"$ref\":\"#/$defs/L%d\"}}},", i, i + 1, i + 1
    printf "\"L15\":{\"type\":\"string\"}}}" }' | tool >many
request openai gemini gemini-2.0-flash <many
echo "exit: $?"
echo "== to a model that takes references"
tool <<'END' | request openai gemini gemini-2.5-flash
{"type":"object","properties":{"next":{"$ref":"#"}}}
END
