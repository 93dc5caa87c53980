#!/bin/sh
# anthropic's answer to an openai client keeps the signature of its reasoning; echoed, the block goes back as it was,
# before the call. A client that lost it, in a loop of calls, makes a request without thinking: the provider refuses
# calls that no reasoning precedes.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
# shellcheck source=/dev/null
. "$CASE/streams.inc"
ask openai '"reasoning_effort":"high",' >asked
echo "== answer"
answer openai anthropic claude-sonnet-4-5 asked <<'END'
{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[
{"type":"thinking","thinking":"t","signature":"SIG="},
{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}],
"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":7}}
END
echo "== echoed"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","reasoning_effort":"high","max_tokens":20000,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":null,"reasoning_content":"t",
"thinking_blocks":[{"type":"thinking","thinking":"t","signature":"SIG="}],
"tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
{"role":"tool","tool_call_id":"toolu_1","content":"ok"}]}
END
echo "== lost in a loop of calls"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","reasoning_effort":"high","max_tokens":20000,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":null,"tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
{"role":"tool","tool_call_id":"toolu_1","content":"ok"}]}
END
echo "== lost before: another turn of the user has begun"
request openai anthropic claude-sonnet-4-5 <<'END'
{"model":"m","reasoning_effort":"high","max_tokens":20000,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":null,"tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
{"role":"tool","tool_call_id":"toolu_1","content":"ok"},
{"role":"assistant","content":"done"},
{"role":"user","content":"and now?"}]}
END
