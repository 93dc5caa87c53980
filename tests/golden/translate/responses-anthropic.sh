#!/bin/sh
# responses client, anthropic provider
CLIENT=responses PROVIDER=anthropic
. "$CASE/pair.inc"
