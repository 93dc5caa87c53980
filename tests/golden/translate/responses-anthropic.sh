#!/bin/sh
# responses client, anthropic provider
export CLIENT=responses PROVIDER=anthropic
# shellcheck source=/dev/null
. "$CASE/pair.inc"
