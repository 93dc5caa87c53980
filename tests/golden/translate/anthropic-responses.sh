#!/bin/sh
# anthropic client, responses provider
CLIENT=anthropic PROVIDER=responses
. "$CASE/pair.inc"
