#!/bin/sh
# openai client, anthropic provider
CLIENT=openai PROVIDER=anthropic
. "$CASE/pair.inc"
