#!/bin/sh
# gemini client, openai provider
CLIENT=gemini PROVIDER=openai
. "$CASE/pair.inc"
