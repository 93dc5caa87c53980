#!/bin/sh
# responses client, openai provider
export CLIENT=responses PROVIDER=openai
# shellcheck source=/dev/null
. "$CASE/pair.inc"
