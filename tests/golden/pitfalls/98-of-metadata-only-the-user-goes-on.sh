#!/bin/sh
# anthropic to openai and back: the user's id is carried over; metadata would need "store" there, and unknown members are
# refused here.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask anthropic '"metadata":{"user_id":"u","team":"x"},' | request anthropic openai gpt-4o
ask anthropic '"metadata":{"user_id":"u"},' | request anthropic responses gpt-4o
ask openai '"metadata":{"a":"b"},' | request openai anthropic claude-sonnet-4-5
ask openai '"user":"u",' | request openai anthropic claude-sonnet-4-5
