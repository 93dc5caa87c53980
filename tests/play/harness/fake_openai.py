"""What the real OpenAI service answers, as far as the scenarios need it, and what it refuses.

`answer` is the default handler of a fake provider: chat completions (stream and not), completions,
embeddings and models. It refuses what the documented rules refuse, so that a gateway that damages
a request is caught here.
"""
import json
import struct
import base64

CHAT_FIELDS = set("""messages model max_completion_tokens max_tokens temperature top_p n stream
stream_options stop presence_penalty frequency_penalty logit_bias logprobs top_logprobs seed user
response_format tools tool_choice parallel_tool_calls functions function_call reasoning_effort
verbosity modalities audio prediction web_search_options service_tier store metadata
prompt_cache_key prompt_cache_retention prompt_cache_options safety_identifier
moderation""".split())
ROLES = {"developer", "system", "user", "assistant", "tool", "function"}
LIMITS = {"temperature": (0, 2), "top_p": (0, 1), "n": (1, 128), "presence_penalty": (-2, 2),
          "frequency_penalty": (-2, 2), "top_logprobs": (0, 20)}
USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19,
         "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
         "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                                       "accepted_prediction_tokens": 0,
                                       "rejected_prediction_tokens": 0}}
RATE_HEADERS = (("x-ratelimit-limit-requests", "500"), ("x-ratelimit-remaining-requests", "499"),
                ("openai-processing-ms", "12"), ("openai-version", "2020-10-01"))


class Refused(Exception):
    def __init__(self, message, param=None, code=None, status=400, kind="invalid_request_error"):
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error(message, kind, code=None, param=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def check_messages(messages):
    if not isinstance(messages, list):
        raise Refused("Invalid type for 'messages'", "messages", "invalid_type")
    if not messages:
        raise Refused("Invalid 'messages': empty array.", "messages", "empty_array")
    waiting = []
    for at, message in enumerate(messages):
        role = message.get("role")
        where = "messages[%d]" % at
        if role not in ROLES:
            raise Refused("Invalid value for role", where + ".role", "invalid_value")
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                raise Refused("messages with role 'tool' must be a response to a preceeding "
                              "message with 'tool_calls'", where + ".role")
            waiting.remove(message["tool_call_id"])
        elif waiting:
            raise Refused("An assistant message with 'tool_calls' must be followed by tool "
                          "messages responding to each 'tool_call_id'.", where + ".role")
        if role == "assistant":
            waiting = [call["id"] for call in message.get("tool_calls") or []]
        elif "content" not in message:
            raise Refused("Missing required parameter", where + ".content",
                          "missing_required_parameter")


def check_chat(body, unknown_allowed):
    if "model" not in body:
        raise Refused("you must provide a model parameter", None)
    if "messages" not in body:
        raise Refused("Missing required parameter: 'messages'.", "messages",
                      "missing_required_parameter")
    for name in body:
        if name not in CHAT_FIELDS and not unknown_allowed:
            raise Refused("Unrecognized request argument supplied: " + name)
    check_messages(body["messages"])
    if body.get("stream_options") is not None and body.get("stream") is not True:
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                      "stream_options")
    if body.get("tools") == []:
        raise Refused("Invalid 'tools': empty array.", "tools", "empty_array")
    if "parallel_tool_calls" in body and not body.get("tools"):
        raise Refused("'parallel_tool_calls' is only allowed when 'tools' are specified.",
                      "parallel_tool_calls")
    for name, (low, high) in LIMITS.items():
        value = body.get(name)
        if value is not None and not low <= value <= high:
            raise Refused("Invalid '%s'" % name, name, "invalid_value")


def last_text(body):
    content = body["messages"][-1].get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def chat_answer(body):
    message = {"role": "assistant", "content": "You said: " + last_text(body), "refusal": None,
               "annotations": []}
    reason = "stop"
    if body.get("tools") and body["messages"][-1]["role"] != "tool":
        message["content"] = None
        message["tool_calls"] = [
            {"id": "call_%d" % at, "type": "function",
             "function": {"name": tool["function"]["name"], "arguments": "{\"city\":\"K\\u00f6ln\"}"}}
            for at, tool in enumerate(body["tools"])]
        reason = "tool_calls"
    return {"id": "chatcmpl-fake", "object": "chat.completion", "created": 1755137737,
            "model": body["model"] + "-2025-08-07",
            "choices": [{"index": 0, "message": message, "logprobs": None,
                         "finish_reason": reason}],
            "usage": USAGE, "service_tier": "default", "system_fingerprint": None}


def chunk(model, delta, reason=None, usage=False):
    """One chunk; usage False: the member is absent (nobody asked), None: "usage":null."""
    value = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1755137737,
             "model": model, "service_tier": "default", "system_fingerprint": None,
             "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}
    if usage is not False:
        value["usage"] = usage
    return value


def usage_chunk(model):
    value = chunk(model, {}, None, USAGE)
    value["choices"] = []
    return value


def chat_chunks(body):
    """The chunks of a streamed answer, in the service's exact order."""
    asked = (body.get("stream_options") or {}).get("include_usage")
    usage = None if asked else False
    model = body["model"] + "-2025-08-07"
    whole = chat_answer(body)["choices"][0]
    message = whole["message"]
    chunks = [chunk(model, {"role": "assistant", "content": None if message["content"] is None
                            else "", "refusal": None}, None, usage)]
    for word in (message["content"] or "").split(" ") if message["content"] else []:
        chunks.append(chunk(model, {"content": word + " "}, None, usage))
    for at, call in enumerate(message.get("tool_calls") or []):
        opening = {"index": at, "id": call["id"], "type": "function",
                   "function": {"name": call["function"]["name"], "arguments": ""}}
        chunks.append(chunk(model, {"tool_calls": [opening]}, None, usage))
        text = call["function"]["arguments"]
        for begin in range(0, len(text), 5):
            piece = {"index": at, "function": {"arguments": text[begin:begin + 5]}}
            chunks.append(chunk(model, {"tool_calls": [piece]}, None, usage))
    chunks.append(chunk(model, {}, whole["finish_reason"], usage))
    if asked:
        chunks.append(usage_chunk(model))
    return chunks


def serve_chat(request, connection, unknown_allowed=False):
    body = request.json()
    check_chat(body, unknown_allowed)
    if not body.get("stream"):
        connection.send_json(chat_answer(body), headers=RATE_HEADERS)
        return
    connection.open_stream(RATE_HEADERS)
    for value in chat_chunks(body):
        connection.event(value)
    connection.event("[DONE]")
    connection.end_stream()


def serve_embeddings(request, connection):
    body = request.json()
    for name in ("model", "input"):
        if name not in body:
            raise Refused("Missing required parameter: '%s'." % name, name,
                          "missing_required_parameter")
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vector = [0.25, -0.5, 1.0]
    if body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack("<3f", *vector)).decode()
    connection.send_json({
        "object": "list", "model": body["model"],
        "data": [{"object": "embedding", "index": at, "embedding": vector}
                 for at in range(len(inputs))],
        "usage": {"prompt_tokens": 5, "total_tokens": 5}})


def serve_completions(request, connection):
    body = request.json()
    for name in ("model", "prompt"):
        if name not in body:
            raise Refused("Missing required parameter: '%s'." % name, name,
                          "missing_required_parameter")
    whole = {"id": "cmpl-fake", "object": "text_completion", "created": 1755137737,
             "model": body["model"],
             "choices": [{"text": "legacy text", "index": 0, "logprobs": None,
                          "finish_reason": "stop"}]}
    if not body.get("stream"):
        connection.send_json({**whole, "usage": {"prompt_tokens": 3, "completion_tokens": 2,
                                                 "total_tokens": 5}})
        return
    connection.open_stream()
    connection.event(whole)
    if (body.get("stream_options") or {}).get("include_usage"):
        connection.event({**whole, "choices": [], "usage": {
            "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
    connection.event("[DONE]")
    connection.end_stream()


def serve_models(_, connection):
    connection.send_json({"object": "list", "data": [
        {"id": name, "object": "model", "created": 1755137737, "owned_by": "fake"}
        for name in ("gpt-5-mini", "gpt-5-nano", "text-embedding-3-small")]})


ROUTES = {("POST", "/v1/chat/completions"): serve_chat, ("POST", "/v1/embeddings"): serve_embeddings,
          ("POST", "/v1/completions"): serve_completions, ("GET", "/v1/models"): serve_models}


def answer(request, connection):
    """The default handler: strict."""
    serve = ROUTES.get((request.method, request.target))
    try:
        if serve is None:
            raise Refused("Invalid URL (%s %s)" % (request.method, request.target), status=404)
        if request.method == "POST":
            kind = (request.header("content-type") or "").split(";")[0].strip()
            if kind != "application/json":
                raise Refused("wrong content type %r" % kind, status=415)
        if not (request.header("authorization") or "").startswith("Bearer "):
            raise Refused("You didn't provide an API key.", status=401)
        serve(request, connection)
    except Refused as refusal:
        connection.send_json(refusal.body, refusal.status, "Refused")
    except ValueError:
        connection.send_json(error("We could not parse the JSON body of your request.",
                                   "invalid_request_error"), 400, "Bad Request")


def lenient(request, connection):
    """As answer, but takes unknown members, as the compatible services of others do."""
    try:
        serve_chat(request, connection, unknown_allowed=True)
    except Refused as refusal:
        connection.send_json(refusal.body, refusal.status, "Refused")


def echo_bytes(request, connection):
    """Answers without looking at the body at all: for requests no JSON reader should judge."""
    connection.send_json({"id": "chatcmpl-fake", "object": "chat.completion", "created": 1,
                          "model": "any", "choices": [], "usage": USAGE})


def fails(status, reason, message, kind, code=None, headers=()):
    """A handler that answers with one error."""
    def handler(_, connection):
        connection.send_json(error(message, kind, code), status, reason, headers)
    return handler
