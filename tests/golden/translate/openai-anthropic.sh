#!/bin/sh
# openai client, anthropic provider
export CLIENT=openai PROVIDER=anthropic
# shellcheck source=/dev/null
. "$CASE/pair.inc"
