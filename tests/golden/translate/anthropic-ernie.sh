#!/bin/sh
# anthropic client, ernie provider
export CLIENT=anthropic PROVIDER=ernie
request=$CASE/said/anthropic.words.json
export request
# shellcheck source=/dev/null
. "$CASE/pair.inc"
