"""Anthropic's messages, as strict as the real service; what it says comes from scenarios.py.

Refuses what the documented rules refuse: unknown members, missing max_tokens or version, empty texts,
roles that do not begin with the user, calls without results right after them, results after text,
reasoning that is missing or edited.
"""
import json
import re

from harness import pictures, scenarios
from harness.scenarios import Asked, Trouble, pieces

FIELDS = set("""model max_tokens messages system stop_sequences stream temperature top_p top_k metadata
service_tier thinking output_config tools tool_choice cache_control container inference_geo""".split())
COUNT_FIELDS = FIELDS - {"max_tokens", "stream", "stop_sequences", "temperature", "top_p", "top_k"}
BLOCK_FIELDS = {
    "text": "text citations cache_control", "image": "source cache_control",
    "document": "source title context citations cache_control",
    "tool_use": "id name input cache_control caller",
    "tool_result": "tool_use_id content is_error cache_control",
    "thinking": "thinking signature", "redacted_thinking": "data"}
ROLE_BLOCKS = {"user": {"text", "image", "document", "tool_result"},
               "assistant": {"text", "tool_use", "thinking", "redacted_thinking"}}
KINDS = {"bad": "invalid_request_error", "key": "authentication_error",
         "forbidden": "permission_error", "missing": "not_found_error",
         "limited": "rate_limit_error", "broken": "api_error", "overloaded": "overloaded_error",
         "hidden": "overloaded_error"}
NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
HEADERS = (("request-id", "req_011fake"), ("anthropic-organization-id", "org-fake"),
           ("anthropic-ratelimit-requests-limit", "50"))
USAGE = {"input_tokens": scenarios.USAGE["input"] - scenarios.USAGE["cached"],
         "cache_creation_input_tokens": 0, "cache_read_input_tokens": scenarios.USAGE["cached"],
         "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
         "output_tokens": scenarios.USAGE["output"],
         "output_tokens_details": {"thinking_tokens": scenarios.USAGE["reasoning"]},
         "service_tier": "standard"}


def bad(message):
    raise Trouble("bad", message)


def need(truth, message):
    if not truth:
        bad(message)


def check_members(value, allowed, where):
    for name in value:
        need(name in allowed, "%s%s: Extra inputs are not permitted" % (where, name))


def check_text(text, where):
    need(isinstance(text, str), where + ": Input should be a valid string")
    need(text != "", "messages: text content blocks must be non-empty")
    need(text.strip(), "messages: text content blocks must contain non-whitespace text")


def blocks_of(content, where):
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    need(isinstance(content, list), where + ": Input should be a valid list")
    return content


def check_block(block, role, where):
    kind = block.get("type")
    need(kind in ROLE_BLOCKS[role], "%s: Input tag %r is not allowed for role %s" % (where, kind, role))
    check_members({name for name in block if name != "type"}, BLOCK_FIELDS[kind].split(), where + ".")
    if kind == "text":
        check_text(block.get("text"), where)
    if kind == "tool_use":
        need(isinstance(block.get("input"), dict), where + ".input: Input should be a valid dictionary")
        need(NAME.match(block.get("id", "")), where + ".id: String should match pattern")
    if kind == "tool_result":
        for at, part in enumerate(blocks_of(block.get("content") or [], where)):
            need(part.get("type") in ("text", "image", "document"), where + ".content: bad tag")
            if part["type"] == "text":
                check_text(part.get("text"), where)
    if kind == "image":
        measured(block, where)


def measured(block, where):
    source = block.get("source", {})
    need(source.get("type") == "base64", where + ".source: only base64 is expected here")
    try:
        return pictures.measure(source.get("media_type"), source.get("data"))
    except ValueError as error:
        bad("%s.source.base64: %s" % (where, error))


def merged(messages):
    """Neighbours of one role are one turn, as the service has it."""
    turns = []
    for at, message in enumerate(messages):
        where = "messages.%d" % at
        check_members(message, ("role", "content"), where + ".")
        role = message.get("role")
        need(role in ROLE_BLOCKS, where + ".role: Input should be 'user' or 'assistant'")
        blocks = blocks_of(message.get("content"), where)
        need(blocks or at == len(messages) - 1 and role == "assistant",
             where + ": all messages must have non-empty content except for the optional final "
             "assistant message")
        for number, block in enumerate(blocks):
            check_block(block, role, "%s.content.%d" % (where, number))
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, list(blocks)))
    return turns


def check_pairs(turns, thinking):
    need(turns and turns[0][0] == "user", "messages: first message must use the \"user\" role")
    need(turns[-1][0] == "user", "This model does not support assistant message prefill.")
    waiting = []
    for at, (role, blocks) in enumerate(turns):
        kinds = [block["type"] for block in blocks]
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if role == "user":
            unknown = [name for name in results if name not in waiting]
            need(not unknown, "messages.%d: unexpected `tool_use_id` found in `tool_result` blocks: "
                 "%s" % (at, unknown))
            first = kinds[:len(waiting)] == ["tool_result"] * len(waiting)
            need(first and sorted(results) == sorted(waiting),
                 "messages.%d: `tool_use` ids were found without `tool_result` blocks immediately "
                 "after: %s" % (at - 1, ", ".join(waiting)))
        else:
            waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
            need(len(waiting) == len(set(waiting)), "messages: `tool_use` ids must be unique")
            if thinking and waiting and "tool_result" in [b["type"] for b in turns[-1][1]]:
                need(at != len(turns) - 2 or kinds[0] in ("thinking", "redacted_thinking"),
                     "messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but "
                     "found `%s`" % (at, kinds[0]))
            continue
        waiting = []


def check_options(body):
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens", 0)
        need(budget >= 1024, "thinking.enabled.budget_tokens: Input should be >= 1024")
        need(budget < body["max_tokens"], "`max_tokens` must be greater than "
             "`thinking.budget_tokens`")
        need(body.get("temperature", 1) == 1, "`temperature` may only be set to 1 when thinking")
        need("top_k" not in body, "`top_k` must be unset when thinking is enabled")
    need(0 <= body.get("temperature", 1) <= 1, "temperature: range: 0..1")
    need(not ("temperature" in body and "top_p" in body),
         "`temperature` and `top_p` cannot both be specified for this model.")
    check_members(body.get("metadata") or {}, ("user_id",), "metadata.")
    check_members(body.get("output_config") or {}, ("effort", "format"), "output_config.")
    for at, tool in enumerate(body.get("tools") or []):
        schema = tool.get("input_schema")
        need(isinstance(schema, dict), "tools.%d.custom.input_schema: Field required" % at)
        need(schema.get("type") == "object", "tools.%d.input_schema.type: should be 'object'" % at)
        need(NAME.match(tool.get("name", "")), "tools.%d.name: String should match pattern" % at)
        check_members(tool, "name description input_schema type strict cache_control "
                      "input_examples defer_loading eager_input_streaming allowed_callers".split(),
                      "tools.%d." % at)
    if body.get("tool_choice"):
        need(body.get("tools"), "tool_choice may only be specified while providing tools.")
        need(body["tool_choice"].get("type") in ("auto", "any", "tool", "none"), "tool_choice: tag")
        need(thinking.get("type") not in ("enabled", "adaptive")
             or body["tool_choice"]["type"] in ("auto", "none"),
             "Thinking may not be enabled when tool_choice forces tool use.")


def understand(body, turns):
    asked = Asked()
    asked.system = "\n".join(block["text"] for block in blocks_of(body.get("system") or "", "system"))
    asked.tools = [tool["name"] for tool in body.get("tools") or []]
    asked.schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    asked.thinks = (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    asked.stream = bool(body.get("stream"))
    for role, blocks in turns:
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        if role == "user" and text:
            asked.new_question(text, [measured(block, "") for block in blocks
                                      if block["type"] == "image"])
        calls = [(block["id"], block["name"], block["input"]) for block in blocks
                 if block["type"] == "tool_use"]
        if calls:
            asked.calls.append(calls)
        for block in blocks:
            if block["type"] == "thinking":
                need(block.get("thinking") == scenarios.THOUGHT,
                     "Invalid `signature` in `thinking` block")
                asked.signatures.append(block.get("signature"))
            if block["type"] == "tool_result":
                parts = blocks_of(block.get("content") or [], "")
                asked.results.append((block["tool_use_id"],
                                      "".join(part.get("text", "") for part in parts)))
    return asked


def read(body):
    check_members(body, FIELDS, "")
    for name in ("model", "max_tokens", "messages"):
        need(name in body, name + ": Field required")
    need(isinstance(body["max_tokens"], int) and body["max_tokens"] >= 1, "max_tokens: Input should "
         "be a valid integer")
    for at, block in enumerate(blocks_of(body.get("system") or [], "system")):
        check_text(block.get("text"), "system.%d" % at)
    check_options(body)
    turns = merged(body["messages"])
    check_pairs(turns, (body.get("thinking") or {}).get("type") == "enabled")
    return understand(body, turns)


def content(answer):
    blocks = []
    if answer.thought:
        blocks.append({"type": "thinking", "thinking": answer.thought,
                       "signature": answer.signature})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    return blocks + [{"type": "tool_use", "id": "toolu_" + name, "name": called, "input": arguments}
                     for name, called, arguments in answer.calls]


def message(body, answer, blocks, stop):
    return {"id": "msg_01fake", "type": "message", "role": "assistant", "model": body["model"],
            "content": blocks, "stop_reason": stop, "stop_sequence": None, "usage": USAGE}


def block_events(at, block):
    kind = block["type"]
    start, deltas = {
        "text": lambda: ({"type": "text", "text": ""},
                         [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]),
        "thinking": lambda: ({"type": "thinking", "thinking": "", "signature": ""},
                             [{"type": "thinking_delta", "thinking": piece}
                              for piece in pieces(block["thinking"])]
                             + [{"type": "signature_delta", "signature": block["signature"]}]),
        "tool_use": lambda: ({**block, "input": {}},
                             [{"type": "input_json_delta", "partial_json": piece}
                              for piece in [""] + pieces(json.dumps(block["input"]))]),
    }[kind]()
    yield {"type": "content_block_start", "index": at, "content_block": start}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": at, "delta": delta}
    yield {"type": "content_block_stop", "index": at}


def send_event(connection, value):
    connection.chunk("event: %s\ndata: %s\n\n" % (value["type"], json.dumps(value)))


def send_stream(connection, body, answer, blocks, stop):
    connection.open_stream(HEADERS)
    opening = message(body, answer, [], None)
    opening["usage"] = {**USAGE, "output_tokens": 1}
    send_event(connection, {"type": "message_start", "message": opening})
    send_event(connection, {"type": "ping"})
    if answer.manner == "forever":
        send_event(connection, next(block_events(0, blocks[0])))
        connection.talk_until_ended(
            lambda n: {"type": "content_block_delta", "index": 0,
                       "delta": {"type": "text_delta", "text": "word %d " % n}})
        return
    for at, block in enumerate(blocks):
        for number, event in enumerate(block_events(at, block)):
            send_event(connection, event)
            if answer.manner == "cut" and number == 3:
                return connection.reset()
            if answer.manner == "break" and number == 3:
                send_event(connection, failure(Trouble("overloaded")))
                return connection.end_stream()
            if answer.manner == "ping":
                send_event(connection, {"type": "ping"})
    send_event(connection, {"type": "message_delta", "usage": {
        "output_tokens": USAGE["output_tokens"]},
        "delta": {"stop_reason": stop, "stop_sequence": None}})
    send_event(connection, {"type": "message_stop"})
    connection.end_stream()


def failure(trouble):
    return {"type": "error", "error": {"type": KINDS[trouble.kind], "message": str(trouble)},
            "request_id": "req_011fake"}


def send_trouble(connection, trouble):
    status = trouble.status(1)
    if trouble.kind == "html":
        return connection.send_page(scenarios.HTML, status)
    more = ((("retry-after", str(scenarios.RETRY_AFTER_S)),) if trouble.kind == "limited" else ())
    connection.send_json(failure(trouble), status, "Trouble", HEADERS + more)


def serve(request, connection):
    body = request.json()
    need(request.header("anthropic-version"), "anthropic-version: header is required")
    if not (request.header("x-api-key") or request.header("authorization")):
        raise Trouble("key", "x-api-key header is required")
    path = request.target.partition("?")[0]
    if path == "/v1/messages/count_tokens":
        check_members(body, COUNT_FIELDS, "")
        return connection.send_json({"input_tokens": 42}, headers=HEADERS)
    if path != "/v1/messages":
        raise Trouble("missing", "Not Found")
    answer = scenarios.decide(read(body))
    blocks = content(answer)
    stop = "tool_use" if answer.calls else "end_turn"
    if body.get("stream"):
        return send_stream(connection, body, answer, blocks, stop)
    connection.send_json(message(body, answer, blocks, stop), headers=HEADERS)


def answer(request, connection):
    try:
        serve(request, connection)
    except Trouble as trouble:
        send_trouble(connection, trouble)
    except ValueError:
        send_trouble(connection, Trouble("bad", "The request body is not valid JSON"))
