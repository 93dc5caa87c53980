#!/bin/sh
# responses client, gemini provider
CLIENT=responses PROVIDER=gemini
. "$CASE/pair.inc"
