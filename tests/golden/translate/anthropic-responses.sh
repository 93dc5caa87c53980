#!/bin/sh
# anthropic client, responses provider
export CLIENT=anthropic PROVIDER=responses
# shellcheck source=/dev/null
. "$CASE/pair.inc"
