#!/bin/sh
# From gpt-5.3 on OpenAI refuses tools in chat completions while the model reasons, and takes them in responses: what
# would reason goes there, also where the model does so unasked (gpt-5.6), and what would not stays. A provider without
# responses hears no effort, or that there shall be none, and the client what was left out.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
tools='"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],"messages":[{"role":"user","content":"u"}]}'
echo '{"model":"m","max_tokens":900,"stream":true,"reasoning_effort":"high",'"$tools" >high
echo '{"model":"m","max_tokens":900,"reasoning_effort":"none",'"$tools" >none
echo '{"model":"m","max_tokens":900,'"$tools" >absent
echo '{"model":"m","max_tokens":900,"reasoning_effort":"high","messages":[{"role":"user","content":"u"}]}' >toolless
echo "== what goes"
request openai openai gpt-5.6 <high
request openai openai gpt-5.6 <absent
echo "== what stays"
request openai openai gpt-5.6 <none
request openai openai gpt-5.6 <toolless
request openai openai gpt-5.4 <absent
request openai openai gpt-5.1 <high
echo "== no responses"
request openai openrouter openai/gpt-5.6 <absent
request openai openai-compatible gpt-5.4 <high
echo "== a client of another dialect"
request anthropic openai gpt-5.6 <<'END'
{"model":"m","max_tokens":900,"thinking":{"type":"enabled","budget_tokens":10000},"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"messages":[{"role":"user","content":"u"}]}
END
request gemini openai gpt-5.6 <<'END'
{"contents":[{"role":"user","parts":[{"text":"u"}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}],"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}
END
echo "== answer"
answer openai openai gpt-5.6 high <<'END'
{"id":"resp_1","object":"response","created_at":1755137737,"status":"completed","model":"gpt-5.6","output":[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"ZW5j"},{"type":"function_call","id":"fc_1","call_id":"call_a","name":"f","arguments":"{}","status":"completed"}],"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":0},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":15}}
END
echo "== stream"
stream openai openai gpt-5.6 high <<'END'
event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1755137737,"status":"in_progress","model":"gpt-5.6","output":[]}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"call_a","name":"f","arguments":"","status":"in_progress"}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","sequence_number":2,"item_id":"fc_1","output_index":0,"delta":"{}"}

event: response.function_call_arguments.done
data: {"type":"response.function_call_arguments.done","sequence_number":3,"item_id":"fc_1","output_index":0,"arguments":"{}"}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"call_a","name":"f","arguments":"{}","status":"completed"}}

event: response.completed
data: {"type":"response.completed","sequence_number":5,"response":{"id":"resp_1","object":"response","created_at":1755137737,"status":"completed","model":"gpt-5.6","output":[{"type":"function_call","id":"fc_1","call_id":"call_a","name":"f","arguments":"{}","status":"completed"}],"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":0},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":15}}}

END
