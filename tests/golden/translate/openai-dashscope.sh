#!/bin/sh
# openai client, dashscope provider
export CLIENT=openai PROVIDER=dashscope
# shellcheck source=/dev/null
. "$CASE/pair.inc"
