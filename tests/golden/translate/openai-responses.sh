#!/bin/sh
# openai client, responses provider
CLIENT=openai PROVIDER=responses
. "$CASE/pair.inc"
