#!/bin/sh
# gemini client, responses provider
export CLIENT=gemini PROVIDER=responses
# shellcheck source=/dev/null
. "$CASE/pair.inc"
