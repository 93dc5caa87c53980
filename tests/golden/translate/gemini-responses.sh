#!/bin/sh
# gemini client, responses provider
CLIENT=gemini PROVIDER=responses
. "$CASE/pair.inc"
