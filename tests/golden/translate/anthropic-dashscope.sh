#!/bin/sh
# anthropic client, dashscope provider
export CLIENT=anthropic PROVIDER=dashscope
request=$CASE/said/anthropic.words.json
export request
# shellcheck source=/dev/null
. "$CASE/pair.inc"
