#!/bin/sh
# anthropic client, openai provider
CLIENT=anthropic PROVIDER=openai
. "$CASE/pair.inc"
