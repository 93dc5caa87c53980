#!/bin/sh
# openai client, gemini provider
export CLIENT=openai PROVIDER=gemini
# shellcheck source=/dev/null
. "$CASE/pair.inc"
