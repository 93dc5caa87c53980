#!/bin/sh
# responses client, gemini provider
export CLIENT=responses PROVIDER=gemini
# shellcheck source=/dev/null
. "$CASE/pair.inc"
