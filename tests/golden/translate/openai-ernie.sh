#!/bin/sh
# openai client, ernie provider
export CLIENT=openai PROVIDER=ernie
request=$CASE/said/openai.words.json
export request
# shellcheck source=/dev/null
. "$CASE/pair.inc"
