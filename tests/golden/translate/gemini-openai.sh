#!/bin/sh
# gemini client, openai provider
export CLIENT=gemini PROVIDER=openai
# shellcheck source=/dev/null
. "$CASE/pair.inc"
