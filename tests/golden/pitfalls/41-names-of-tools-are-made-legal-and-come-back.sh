#!/bin/sh
# Other characters and long names are replaced, uniquely; answers and streams have the client's own names.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
long=a23456789b23456789c23456789d23456789e23456789f23456789g234567890
echo '{"model":"m","max_tokens":9,"stream":true,"tools":[{"type":"function","function":{"name":"my.tool/v2"}},{"type":"function","function":{"name":"my/tool.v2"}},{"type":"function","function":{"name":"'$long'_left"}},{"type":"function","function":{"name":"'$long'_right"}}],"messages":[{"role":"user","content":"u"}]}' >ask
request openai anthropic claude-sonnet-4-5 <ask | tee asked
grep -o '"name":"[^"]*"' asked | cut -d'"' -f4 >names
awk 'length($0) > 64 { print "too long: " $0 }' names
for line in 1 2 3 4; do
    name=$(sed -n ${line}p names)
    printf 'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\nevent: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"%s","input":{}}}\n\nevent: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":2}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n' "$name" |
        stream openai anthropic claude-sonnet-4-5 ask | grep -o '"name":"[^"]*"'
    echo '{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"tool_use","id":"toolu_1","name":"'"$name"'","input":{}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}' |
        answer openai anthropic claude-sonnet-4-5 ask | grep -o '"name":"[^"]*"'
done
