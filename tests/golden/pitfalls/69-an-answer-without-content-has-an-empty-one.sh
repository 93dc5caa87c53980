#!/bin/sh
# anthropic to openai: no blocks are content "", not null; a refusal's explanation is the refusal.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai >asked
for end in '"stop_reason":"refusal"' '"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","explanation":"Not this."}' '"stop_reason":"end_turn"'; do
    answer openai anthropic claude-sonnet-4-5 asked <<END
{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],$end,"usage":{"input_tokens":3,"output_tokens":4}}
END
    both_ways openai anthropic claude-sonnet-4-5 asked <<END
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}

data: {"type":"message_delta","delta":{$end},"usage":{"output_tokens":4}}

data: {"type":"message_stop"}

END
done
