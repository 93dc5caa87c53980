"""OpenAI's chat completions with the scenarios of scenarios.py: the rules of fake_openai.py and more.

Reasoning has no words and no signature here: it shows in the usage alone, as with the real service.
"""
import base64
import json
import struct

from harness import fake_openai, fake_responses, pictures, scenarios
from harness.scenarios import Asked, Trouble, pieces

MESSAGE = {"system": "content name", "developer": "content name", "user": "content name",
           "assistant": "content refusal name audio tool_calls function_call annotations",
           "tool": "content tool_call_id name", "function": "content name"}
EMBED = ("model", "input", "encoding_format", "dimensions", "user")
PARTS = {"user": {"text", "image_url", "input_audio", "file"}, "assistant": {"text", "refusal"},
         "system": {"text"}, "developer": {"text"}, "tool": {"text"}}
USAGE = {"prompt_tokens": scenarios.USAGE["input"], "completion_tokens": scenarios.USAGE["output"],
         "total_tokens": scenarios.USAGE["input"] + scenarios.USAGE["output"],
         "prompt_tokens_details": {"cached_tokens": scenarios.USAGE["cached"], "audio_tokens": 0},
         "completion_tokens_details": {"reasoning_tokens": scenarios.USAGE["reasoning"]}}
need = fake_responses.need


def parts_of(message, where):
    content = message.get("content")
    if content is None:
        need(message["role"] == "assistant", "Invalid value for 'content': expected a string, got null.",
             where + ".content")
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    for part in content:
        need(part.get("type") in PARTS[message["role"]], "Invalid value: '%s'." % part.get("type"),
             where + ".content")
    return content


def image_of(part):
    try:
        return pictures.measure_url(part["image_url"]["url"])
    except ValueError as error:
        raise Trouble("bad", "Invalid image: %s" % error) from None


def check_message(message, where):
    for name in message:
        need(name == "role" or name in MESSAGE[message["role"]].split(),
             "Unknown parameter: '%s.%s'." % (where, name), where + "." + name)
    for call in message.get("tool_calls") or []:
        need(set(call) == {"id", "type", "function"}, "Unknown parameter in a tool call: %s"
             % sorted(call), where + ".tool_calls")
        need(len(call["id"]) <= 64, "tool_calls.id: string too long", where + ".tool_calls")
        need(isinstance(call["function"]["arguments"], str), "arguments must be a string")
    need(message["role"] != "assistant" or message.get("content") is not None
         or message.get("tool_calls"), "Invalid value for 'content': expected a string, got null.")


def check_options(body):
    if "gpt-5" in body["model"]:
        need("max_tokens" not in body, "Unsupported parameter: 'max_tokens' is not supported with this "
             "model. Use 'max_completion_tokens' instead.", "max_tokens")
        for name in ("temperature", "top_p", "stop", "presence_penalty", "frequency_penalty"):
            need(body.get(name) is None, "Unsupported parameter: '%s'" % name, name)
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        need("name" in form.get("json_schema", {}), "Missing required parameter: "
             "'response_format.json_schema.name'.", "response_format")
    for tool in body.get("tools") or []:
        need(set(tool) <= {"type", "function"}, "Unknown parameter in a tool: %s" % sorted(tool), "tools")
        need(set(tool["function"]) <= {"name", "description", "parameters", "strict"},
             "Unknown parameter in a function: %s" % sorted(tool["function"]), "tools")


def understand(body):
    asked = Asked()
    asked.tools = [tool["function"]["name"] for tool in body.get("tools") or []]
    asked.schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    asked.thinks = bool(body.get("reasoning_effort"))
    systems = []
    for at, message in enumerate(body["messages"]):
        where = "messages[%d]" % at
        check_message(message, where)
        parts = parts_of(message, where)
        text = "".join(part.get("text", "") for part in parts)
        if message["role"] in ("system", "developer"):
            systems.append(text)
        elif message["role"] == "user":
            asked.new_question(text, [image_of(part) for part in parts if part["type"] == "image_url"])
        elif message["role"] == "tool":
            asked.results.append((message["tool_call_id"], text))
        elif message.get("tool_calls"):
            asked.calls.append([(call["id"], call["function"]["name"],
                                 json.loads(call["function"]["arguments"]))
                                for call in message["tool_calls"]])
    asked.system = "\n".join(systems)
    return asked


def read(body):
    try:
        fake_openai.check_chat(body, unknown_allowed=False)
    except fake_openai.Refused as refusal:
        raise Trouble("bad", str(refusal), refusal.body["error"]["param"]) from None
    check_options(body)
    return understand(body)


def tool_call(call):
    name, called, arguments = call
    return {"id": name, "type": "function",
            "function": {"name": called, "arguments": json.dumps(arguments)}}


def completion(body, answer):
    message = {"role": "assistant", "content": answer.text or None, "refusal": None, "annotations": []}
    if answer.calls:
        message["tool_calls"] = [tool_call(call) for call in answer.calls]
    return {"id": "chatcmpl-fake", "object": "chat.completion", "created": 1755137737,
            "model": body["model"], "choices": [{
                "index": 0, "message": message, "logprobs": None,
                "finish_reason": "tool_calls" if answer.calls else "stop"}],
            "usage": USAGE, "service_tier": "default", "system_fingerprint": None}


def deltas(answer):
    yield {"role": "assistant", "content": None if answer.calls else "", "refusal": None}
    for piece in pieces(answer.text):
        yield {"content": piece}
    for at, call in enumerate(tool_call(call) for call in answer.calls):
        yield {"tool_calls": [{"index": at, **call,
                               "function": {"name": call["function"]["name"], "arguments": ""}}]}
        for piece in pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}


def send_stream(connection, body, answer):
    asked = (body.get("stream_options") or {}).get("include_usage")
    usage = None if asked else False
    model = body["model"]
    connection.open_stream(fake_openai.RATE_HEADERS)
    if answer.manner == "forever":
        connection.talk_until_ended(lambda n: fake_openai.chunk(model, {"content": "word "}, None, usage))
        return None
    for number, delta in enumerate(deltas(answer)):
        connection.event(fake_openai.chunk(model, delta, None, usage))
        if answer.manner == "cut" and number == 3:
            return connection.reset()
        if answer.manner == "break" and number == 3:
            connection.event(fake_responses.failure(Trouble("overloaded")))
            return connection.end_stream()
        if answer.manner == "ping":
            connection.chunk(": keep-alive\n\n")
    connection.event(fake_openai.chunk(model, {}, "tool_calls" if answer.calls else "stop", usage))
    if asked:
        last = fake_openai.chunk(model, {}, None, USAGE)
        last["choices"] = []
        connection.event(last)
    connection.event("[DONE]")
    return connection.end_stream()


def embed(body):
    """A vector for each text, which begins with the text's length."""
    for name in body:
        need(name in EMBED, "Unknown parameter: '%s'." % name, name)
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    rows = []
    for at, text in enumerate(texts):
        vector = [float(len(text)), -0.5, 1.0][:body.get("dimensions", 3)]
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<%df" % len(vector), *vector)).decode()
        rows.append({"object": "embedding", "index": at, "embedding": vector})
    return {"object": "list", "model": body["model"], "data": rows,
            "usage": {"prompt_tokens": 5, "total_tokens": 5}}


def serve(request, connection):
    if request.target == "/v1/embeddings":
        return connection.send_json(embed(request.json()), headers=fake_openai.RATE_HEADERS)
    if request.target != "/v1/chat/completions":
        raise Trouble("missing", "Invalid URL (%s %s)" % (request.method, request.target))
    if not (request.header("authorization") or "").startswith("Bearer "):
        raise Trouble("key", "You didn't provide an API key.")
    body = request.json()
    answer = scenarios.decide(read(body), signs="never")
    if body.get("stream"):
        return send_stream(connection, body, answer)
    return connection.send_json(completion(body, answer), headers=fake_openai.RATE_HEADERS)


def answer(request, connection):
    try:
        serve(request, connection)
    except Trouble as trouble:
        fake_responses.send_trouble(connection, trouble)
    except ValueError:
        fake_responses.send_trouble(connection, Trouble("bad", "We could not parse the JSON body."))
