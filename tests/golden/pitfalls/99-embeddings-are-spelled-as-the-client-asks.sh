#!/bin/sh
# Singles as base64 for who asks for them, from a provider that gives numbers; numbers for who does not, from one that gives
# base64. (In its own dialect an answer passes as it came.)
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
echo '{"model":"m","input":"hi","encoding_format":"base64"}' >asked
translate vectors openai gemini text-embedding-004 asked <<'END'
{"embeddings":[{"values":[1.0,-2.0]}]}
END
echo '{"model":"m","input":"hi"}' >asked
translate vectors openai gemini text-embedding-004 asked <<'END'
{"embeddings":[{"values":[1.0,-2.0]}]}
END
echo '{"content":{"parts":[{"text":"hi"}]}}' >asked
translate vectors gemini openai text-embedding-3-small asked <<'END'
{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAMA="}],"model":"text-embedding-3-small","usage":{"prompt_tokens":1,"total_tokens":1}}
END
