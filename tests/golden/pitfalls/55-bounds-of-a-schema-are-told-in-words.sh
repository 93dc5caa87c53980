#!/bin/sh
# openai to anthropic: a format's schema is closed, and bounds that the provider refuses are told to the model in the
# description.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{
"name":"out","schema":{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}}}}
END
