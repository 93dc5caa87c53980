#!/bin/sh
# openai client, gemini provider
CLIENT=openai PROVIDER=gemini
. "$CASE/pair.inc"
