#!/bin/sh
# gemini client, anthropic provider
export CLIENT=gemini PROVIDER=anthropic
# shellcheck source=/dev/null
. "$CASE/pair.inc"
