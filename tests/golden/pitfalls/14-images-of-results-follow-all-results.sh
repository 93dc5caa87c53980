#!/bin/sh
# Chat completions have no images in results: the user shows them after the last one. Responses and Claude have.
# shellcheck source=/dev/null
. "$CASE/cases.inc"
request anthropic openai gpt-4o <<'END'
{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}},{"type":"tool_use","id":"v","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},{"type":"tool_result","tool_use_id":"v","content":"two"}]}]}
END
request responses anthropic claude-sonnet-4-5 <<'END'
{"model":"m","max_output_tokens":9,"input":[{"role":"user","content":"u"},{"type":"function_call","call_id":"t","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"t","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]}]}
END
