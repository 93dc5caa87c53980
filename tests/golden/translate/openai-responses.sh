#!/bin/sh
# openai client, responses provider
export CLIENT=openai PROVIDER=responses
# shellcheck source=/dev/null
. "$CASE/pair.inc"
