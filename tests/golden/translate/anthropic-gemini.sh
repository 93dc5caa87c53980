#!/bin/sh
# anthropic client, gemini provider
CLIENT=anthropic PROVIDER=gemini
. "$CASE/pair.inc"
