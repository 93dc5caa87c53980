#!/bin/sh
# anthropic client, gemini provider
export CLIENT=anthropic PROVIDER=gemini
# shellcheck source=/dev/null
. "$CASE/pair.inc"
