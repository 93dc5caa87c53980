#!/bin/sh
# responses client, openai provider
CLIENT=responses PROVIDER=openai
. "$CASE/pair.inc"
