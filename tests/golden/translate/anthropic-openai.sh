#!/bin/sh
# anthropic client, openai provider
export CLIENT=anthropic PROVIDER=openai
# shellcheck source=/dev/null
. "$CASE/pair.inc"
