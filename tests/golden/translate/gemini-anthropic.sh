#!/bin/sh
# gemini client, anthropic provider
CLIENT=gemini PROVIDER=anthropic
. "$CASE/pair.inc"
