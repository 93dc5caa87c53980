"""OpenAI's responses, as strict as the real service without a store; what it says: scenarios.py.

Refuses unknown members, what only chat completions have, calls without output and output without call,
reasoning that is not followed by what it produced or came back edited, ids of items that were not
stored.
"""
import json

from harness import pictures, scenarios
from harness.scenarios import Asked, Trouble, pieces

FIELDS = set("""model input instructions previous_response_id conversation store stream stream_options
background include tools tool_choice parallel_tool_calls max_output_tokens max_tool_calls temperature
top_p top_logprobs text reasoning truncation context_management prompt metadata service_tier user
safety_identifier prompt_cache_key prompt_cache_retention prompt_cache_options moderation""".split())
ITEMS = {"message": "role content phase id status", "function_call": "call_id name arguments id status",
         "function_call_output": "call_id output id status",
         "reasoning": "id summary content encrypted_content status"}
PARTS = {"user": {"input_text", "input_image", "input_file"}, "assistant": {"output_text", "refusal"},
         "system": {"input_text"}, "developer": {"input_text"}}
USAGE = {"input_tokens": scenarios.USAGE["input"],
         "input_tokens_details": {"cached_tokens": scenarios.USAGE["cached"]},
         "output_tokens": scenarios.USAGE["output"],
         "output_tokens_details": {"reasoning_tokens": scenarios.USAGE["reasoning"]},
         "total_tokens": scenarios.USAGE["input"] + scenarios.USAGE["output"]}
HEADERS = (("openai-version", "2020-10-01"), ("x-ratelimit-limit-requests", "500"))
# kind: type and code
ERRORS = {"bad": ("invalid_request_error", None), "key": ("invalid_request_error", "invalid_api_key"),
          "forbidden": ("request_forbidden", "unsupported_country_region_territory"),
          "missing": ("invalid_request_error", "model_not_found"),
          "limited": ("requests", "rate_limit_exceeded"), "broken": ("server_error", None),
          "overloaded": ("service_unavailable_error", None), "hidden": ("server_error", None)}


def need(truth, message, param=None):
    if not truth:
        raise Trouble("bad", message, param)


def parts_of(content, role, where):
    if isinstance(content, str):
        return [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    need(isinstance(content, list), "Invalid type for '%s.content'" % where, where)
    for part in content:
        need(part.get("type") in PARTS[role], "Invalid value: '%s'. Supported values are: %s"
             % (part.get("type"), sorted(PARTS[role])), where + ".content")
    return content


def image_of(part):
    need(isinstance(part.get("image_url"), str), "image_url must be a string")
    try:
        return pictures.measure_url(part["image_url"])
    except ValueError as error:
        raise Trouble("bad", "Invalid image: %s" % error) from None


def check_item(item, at):
    where = "input[%d]" % at
    kind = item.get("type", "message")
    need(kind in ITEMS, "Invalid value: '%s'." % kind, where)
    for name in item:
        need(name == "type" or name in ITEMS[kind].split(), "Unknown parameter: '%s.%s'." % (where, name),
             where + "." + name)
    if kind == "message":
        need(item.get("role") in PARTS, "Invalid value for role", where + ".role")
    if kind == "function_call":
        need(isinstance(item.get("arguments"), str), "Invalid type for arguments", where + ".arguments")
    if "id" in item and item["id"] is not None:
        begin = {"message": "msg", "function_call": "fc", "reasoning": "rs",
                 "function_call_output": "fc"}[kind]
        need(item["id"].startswith(begin), "Invalid '%s.id': '%s'. Expected an ID that begins with '%s'."
             % (where, item["id"], begin), where + ".id")
    return kind


def check_pairs(items):
    calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
    outputs = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    for name in calls:
        need(1 <= len(name) <= 64, "call_id: string too long", "input")
        need(name in outputs, "No tool output found for function call %s." % name, "input")
    for name in outputs:
        need(name in calls, "No tool call found for function call output with call_id %s." % name, "input")
    for item, after in zip(items, items[1:] + [{}]):
        if item.get("type") == "reasoning":
            follows = after.get("type", "message") in ("function_call", "message", "reasoning")
            need(after and follows and after.get("role", "assistant") == "assistant",
                 "Item '%s' of type 'reasoning' was provided without its required following item."
                 % item.get("id"), "input")
            need(item.get("encrypted_content"), "Item '%s' not found. Items are not persisted when "
                 "`store` is set to false." % item.get("id"), "input")


def check_tools(body):
    for at, tool in enumerate(body.get("tools") or []):
        need(tool.get("type") == "function", "only functions are expected here", "tools[%d]" % at)
        need("name" in tool, "Missing required parameter: 'tools[%d].name'." % at, "tools[%d].name" % at)
        schema = tool.get("parameters") or {}
        if tool.get("strict", True):
            need(schema.get("additionalProperties") is False and sorted(schema.get("required", []))
                 == sorted(schema.get("properties", {})), "Invalid schema for function '%s': "
                 "'additionalProperties' is required to be supplied and to be false." % tool["name"],
                 "tools[%d].parameters" % at)
    need("tools" not in body or body["tools"] is not None, "Invalid type for 'tools'", "tools")


def understand(body, items):
    asked = Asked()
    systems = [body["instructions"]] if body.get("instructions") else []
    asked.tools = [tool["name"] for tool in body.get("tools") or []]
    asked.schema = ((body.get("text") or {}).get("format") or {}).get("schema")
    asked.thinks = bool((body.get("reasoning") or {}).get("effort"))
    fresh = False
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            parts = parts_of(item.get("content"), item["role"], "input")
            text = "".join(part.get("text", "") for part in parts)
            if item["role"] in ("system", "developer"):
                systems.append(text)
            elif item["role"] == "user":
                asked.new_question(text, [image_of(part) for part in parts
                                          if part["type"] == "input_image"])
        elif kind == "function_call":
            if not fresh:
                asked.calls.append([])
            asked.calls[-1].append((item["call_id"], item["name"], json.loads(item["arguments"])))
        elif kind == "function_call_output":
            output = item["output"]
            asked.results.append((item["call_id"], output if isinstance(output, str) else "".join(
                part.get("text", "") for part in output)))
        elif kind == "reasoning":
            asked.signatures.append(item["encrypted_content"])
        fresh = kind == "function_call"
    asked.system = "\n".join(systems)
    return asked


def read(body):
    for name in body:
        need(name in FIELDS, "Unknown parameter: '%s'." % name, name)
    need("model" in body, "Missing required parameter: 'model'.", "model")
    need("input" in body, "Missing required parameter: 'input'.", "input")
    need(body.get("max_output_tokens") is None or body["max_output_tokens"] >= 16,
         "Invalid 'max_output_tokens': integer below minimum value.", "max_output_tokens")
    need(body.get("temperature") is None or "gpt-5" not in body["model"],
         "Unsupported parameter: 'temperature' is not supported with this model.", "temperature")
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        need("name" in form and "schema" in form, "Missing required parameter: 'text.format.name'.",
             "text.format.name")
    check_tools(body)
    items = body["input"]
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    for at, item in enumerate(items):
        check_item(item, at)
    check_pairs(items)
    return understand(body, items)


def output_of(answer, encrypted):
    items = []
    if answer.thought:
        item = {"type": "reasoning", "id": "rs_fake0",
                "summary": [{"type": "summary_text", "text": answer.thought}]}
        items.append({**item, "encrypted_content": answer.signature} if encrypted else item)
    if answer.text:
        items.append({"type": "message", "id": "msg_fake0", "status": "completed", "role": "assistant",
                      "content": [{"type": "output_text", "text": answer.text, "annotations": [],
                                   "logprobs": []}]})
    return items + [{"type": "function_call", "id": "fc_" + name, "call_id": name, "name": called,
                     "arguments": json.dumps(arguments), "status": "completed"}
                    for name, called, arguments in answer.calls]


def response(body, output, status="completed", usage=None):
    return {"id": "resp_fake", "object": "response", "created_at": 1755137737, "status": status,
            "error": None, "incomplete_details": None, "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"), "model": body["model"],
            "output": output, "parallel_tool_calls": True, "previous_response_id": None,
            "reasoning": {"effort": "medium", "summary": None}, "store": body.get("store", True),
            "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto",
            "tools": body.get("tools") or [], "top_p": 1.0, "truncation": "disabled",
            "usage": usage, "user": None, "metadata": {}}


def text_events(at, item):
    where = {"item_id": item["id"], "output_index": at, "content_index": 0}
    part = item["content"][0]
    yield "response.content_part.added", {**where, "part": {**part, "text": ""}}
    for piece in pieces(part["text"]):
        yield "response.output_text.delta", {**where, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**where, "text": part["text"], "logprobs": []}
    yield "response.content_part.done", {**where, "part": part}


def call_events(at, item):
    where = {"item_id": item["id"], "output_index": at}
    for piece in pieces(item["arguments"]):
        yield "response.function_call_arguments.delta", {**where, "delta": piece}
    yield "response.function_call_arguments.done", {**where, "arguments": item["arguments"]}


def reasoning_events(at, item):
    where = {"item_id": item["id"], "output_index": at, "summary_index": 0}
    part = item["summary"][0]
    yield "response.reasoning_summary_part.added", {**where, "part": {**part, "text": ""}}
    for piece in pieces(part["text"]):
        yield "response.reasoning_summary_text.delta", {**where, "delta": piece}
    yield "response.reasoning_summary_text.done", {**where, "text": part["text"]}
    yield "response.reasoning_summary_part.done", {**where, "part": part}


KINDS = {"message": (text_events, {"content": [], "status": "in_progress"}),
         "function_call": (call_events, {"arguments": "", "status": "in_progress"}),
         "reasoning": (reasoning_events, {"summary": []})}


class Sender:
    def __init__(self, connection):
        self.connection = connection
        self.number = 0

    def send(self, kind, members):
        value = {"type": kind, "sequence_number": self.number, **members}
        self.number += 1
        self.connection.chunk("event: %s\ndata: %s\n\n" % (kind, json.dumps(value)))


def send_stream(connection, body, answer, output):
    connection.open_stream(HEADERS)
    sender = Sender(connection)
    for kind in ("response.created", "response.in_progress"):
        sender.send(kind, {"response": response(body, [], "in_progress")})
    for at, item in enumerate(output):
        events, opening = KINDS[item["type"]]
        sender.send("response.output_item.added", {"output_index": at, "item": {**item, **opening}})
        if answer.manner == "forever":
            connection.talk_until_ended(lambda n, where=at, name=item["id"]: {
                "type": "response.output_text.delta", "sequence_number": n + 3, "item_id": name,
                "output_index": where, "content_index": 0, "delta": "word ", "logprobs": []})
            return None
        for number, (kind, members) in enumerate(events(at, item)):
            sender.send(kind, members)
            if answer.manner == "cut" and number == 3:
                return connection.reset()
            if answer.manner == "break" and number == 3:
                return send_break(connection, sender, body)
            if answer.manner == "ping":
                sender.send("keepalive", {})
        sender.send("response.output_item.done", {"output_index": at, "item": item})
    sender.send("response.completed", {"response": response(body, output, usage=USAGE)})
    return connection.end_stream()


def send_break(connection, sender, body):
    error = failure(Trouble("overloaded"))["error"]
    sender.send("error", {"error": error})
    broken = response(body, [], "failed")
    broken["error"] = {"code": "server_error", "message": error["message"]}
    sender.send("response.failed", {"response": broken})
    connection.end_stream()


def failure(trouble):
    kind, code = ERRORS[trouble.kind]
    return {"error": {"message": str(trouble), "type": kind, "param": trouble.param, "code": code}}


def send_trouble(connection, trouble):
    if trouble.kind == "html":
        return connection.send_page(scenarios.HTML, trouble.status(0))
    more = ((("retry-after", str(scenarios.RETRY_AFTER_S)),) if trouble.kind == "limited" else ())
    return connection.send_json(failure(trouble), trouble.status(0), "Trouble", HEADERS + more)


def serve(request, connection):
    if request.target != "/v1/responses":
        raise Trouble("missing", "Invalid URL (%s %s)" % (request.method, request.target))
    if not (request.header("authorization") or "").startswith("Bearer "):
        raise Trouble("key", "You didn't provide an API key.")
    body = request.json()
    answer = scenarios.decide(read(body))
    output = output_of(answer, "reasoning.encrypted_content" in (body.get("include") or []))
    if body.get("stream"):
        return send_stream(connection, body, answer, output)
    return connection.send_json(response(body, output, usage=USAGE), headers=HEADERS)


def answer(request, connection):
    try:
        serve(request, connection)
    except Trouble as trouble:
        send_trouble(connection, trouble)
    except ValueError:
        send_trouble(connection, Trouble("bad", "We could not parse the JSON body of your request."))
