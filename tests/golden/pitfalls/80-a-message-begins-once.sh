#!/bin/sh
# anthropic to openai: a second beginning before any content is nothing; in the middle two answers were spliced, which is a
# broken stream: never the call of one glued to that of the other.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai '"stream":true,' >asked
start() {
    printf 'data: {"type":"message_start","message":{"id":"%s","type":"message","role":"assistant","model":"claude-3-haiku","content":[],"usage":{"input_tokens":17,"output_tokens":1}}}\n\n' "$1"
}
call() { # ID INPUT
    printf 'data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"%s","name":"f","input":{}}}\n\n' "$1"
    printf 'data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"%s"}}\n\n' "$2"
}
end() {
    printf 'data: {"type":"content_block_stop","index":0}\n\n'
    printf 'data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":65}}\n\ndata: {"type":"message_stop"}\n\n'
}
echo "== twice"
{ start msg_first && start msg_first && call toolu_1 '{\"value\":\"Sparkle Day\"}' && end; } | both_ways openai anthropic claude-3-haiku asked
echo "== spliced"
{ start msg_first && call toolu_1 '{\"value\":\"Spark' && start msg_second && call toolu_2 '{\"value\":\"Sparkle Day\"}' && end; } |
    both_ways openai anthropic claude-3-haiku asked
