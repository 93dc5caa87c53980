#!/bin/sh
# To deepseek: its old models refused reasoning that is sent back, and it has no use for it; the newer ones want that of
# each turn that called tools, in all requests that follow, and answer 400 without it. So it is kept between calls of tools
# and after them, and left out of turns without calls. (A request of an openai client that has any is written anew for it.)
# shellcheck source=/dev/null
. "$CASE/cases.inc"
echo "== in the loop"
request anthropic deepseek deepseek-chat <<'END'
{"model":"m","max_tokens":100,"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"aigw.openai."},
{"type":"tool_use","id":"c1","name":"f","input":{}}]},
{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"ok"}]}]}
END
echo "== after it, and a turn without calls"
request anthropic deepseek deepseek-chat <<'END'
{"model":"m","max_tokens":100,"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[
{"role":"user","content":"hi"},
{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"aigw.openai."},
{"type":"tool_use","id":"c1","name":"f","input":{}}]},
{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"ok"}]},
{"role":"assistant","content":[{"type":"thinking","thinking":"aha","signature":""},{"type":"text","text":"done"}]},
{"role":"user","content":"and now?"},
{"role":"assistant","content":[{"type":"thinking","thinking":"nothing to do","signature":""},{"type":"text","text":"rest"}]},
{"role":"user","content":"and then?"}]}
END
echo "== an openai client's, in the loop and after it"
request openai deepseek deepseek-chat <<'END'
{"model":"m","tools":[{"type":"function","function":{"name":"f"}}],"messages":[
{"role":"user","content":"first"},
{"role":"assistant","content":"yes","reasoning_content":"earlier"},
{"role":"user","content":"hi"},
{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
{"role":"tool","tool_call_id":"c1","content":"ok"}]}
END
