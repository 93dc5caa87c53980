"""Gemini's generateContent, as strict as the real service; what it says comes from scenarios.py.

Refuses unknown members, empty parts, calls and results that do not match in number or place, calls
whose thought signature is missing or edited, a forced name without mode ANY, schemas with members
that the old schema form has not. A first call of a step is always signed, as by Gemini 3.
"""
import json
import re

from harness import fake_chat, pictures, scenarios
from harness.scenarios import Asked, Trouble, pieces

FIELDS = set("""contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent
serviceTier store""".split())
CONFIG = set("""candidateCount stopSequences maxOutputTokens temperature topP topK seed presencePenalty
frequencyPenalty responseLogprobs logprobs responseMimeType responseSchema responseJsonSchema
responseModalities speechConfig imageConfig mediaResolution thinkingConfig
enableEnhancedCivicAnswers""".split())
EMBED = ("model", "content", "taskType", "title", "outputDimensionality")
DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode",
        "codeExecutionResult")
SIDE = ("thought", "thoughtSignature", "videoMetadata", "mediaResolution")
SCHEMA = set("""type format title description nullable enum items properties required anyOf default
minLength maxLength pattern minimum maximum minItems maxItems minProperties maxProperties
propertyOrdering example""".split())
WORDS = {"bad": "INVALID_ARGUMENT", "key": "INVALID_ARGUMENT", "forbidden": "PERMISSION_DENIED",
         "missing": "NOT_FOUND", "limited": "RESOURCE_EXHAUSTED", "broken": "INTERNAL",
         "overloaded": "UNAVAILABLE", "hidden": "UNAVAILABLE"}
CODES = {"hidden": 503}
OWN = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "properties"}
NAME = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_:.-]{0,63}$")
TARGET = re.compile(r"^/v1(?:beta)?/models/([^/:]+):(\w+)(?:\?(.*))?$")
HEADERS = (("server-timing", "gfet4t7; dur=12"),)
USAGE = {"promptTokenCount": scenarios.USAGE["input"],
         "cachedContentTokenCount": scenarios.USAGE["cached"],
         "candidatesTokenCount": scenarios.USAGE["output"] - scenarios.USAGE["reasoning"],
         "thoughtsTokenCount": scenarios.USAGE["reasoning"],
         "totalTokenCount": scenarios.USAGE["input"] + scenarios.USAGE["output"]}


def need(truth, message):
    if not truth:
        raise Trouble("bad", message)


def camel(value):
    """proto3 JSON: names may be in snake case; what is the client's own (arguments, schemas) stays."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub("_([a-z])", lambda found: found[1].upper(), name): item
             for name, item in value.items()}
    return {name: item if name in OWN else camel(item) for name, item in named.items()}


def check_members(value, allowed, where):
    for name in value:
        need(name in allowed, "Invalid JSON payload received. Unknown name \"%s\" at '%s': Cannot find "
             "field." % (name, where))


def check_schema(schema, where):
    """The OpenAPI subset of `parameters` and `responseSchema`."""
    check_members(schema, SCHEMA, where)
    need(not isinstance(schema.get("type"), list), where + ".type: Proto field is not repeating")
    properties = schema.get("properties") or {}
    for name in schema.get("required") or []:
        need(name in properties, "%s.required: property is not defined: %s" % (where, name))
    for name, inner in properties.items():
        check_schema(inner, where + ".properties[%s]" % name)
    need(schema.get("type", "").upper() != "ARRAY" or "items" in schema, where + ".items: missing field")
    for inner in ([schema["items"]] if "items" in schema else []) + schema.get("anyOf", []):
        check_schema(inner, where)


def check_part(part, where):
    check_members(part, DATA + SIDE, where)
    data = [name for name in part if name in DATA]
    need(len(data) == 1, "%s: contents.parts must have exactly one initialized field" % where)
    if data == ["functionCall"]:
        check_members(part["functionCall"], ("id", "name", "args"), where + ".function_call")
        need(isinstance(part["functionCall"].get("args", {}), dict), where + ".args: not a Struct")
    if data == ["functionResponse"]:
        check_members(part["functionResponse"], ("id", "name", "response", "parts", "willContinue",
                                                 "scheduling"), where + ".function_response")
        need(isinstance(part["functionResponse"].get("response"), dict),
             where + ".function_response.response: not a Struct")
        need(part["functionResponse"].get("name"), where + ".function_response.name: cannot be empty")


def check_contents(contents):
    need(contents, "* GenerateContentRequest.contents: contents is not specified")
    before, calls = None, []
    for at, content in enumerate(contents):
        where = "contents[%d]" % at
        check_members(content, ("role", "parts"), where)
        need(content.get("role", "user") in ("user", "model"), "Please use a valid role: user, model.")
        need(content.get("parts"), "* GenerateContentRequest.%s.parts: contents.parts must not be "
             "empty." % where)
        for number, part in enumerate(content["parts"]):
            check_part(part, "%s.parts[%d]" % (where, number))
        new_calls = [part["functionCall"]["name"] for part in content["parts"] if "functionCall" in part]
        results = [part["functionResponse"]["name"] for part in content["parts"]
                   if "functionResponse" in part]
        need(not new_calls or before == "user" and content["role"] == "model", "Please ensure that "
             "function call turn comes immediately after a user turn or after a function response turn.")
        need(len(results) == len(calls), "Please ensure that the number of function response parts is "
             "equal to the number of function call parts of the function call turn.")
        need(results == calls, "function responses %r do not answer the calls %r" % (results, calls))
        before, calls = content.get("role", "user"), new_calls
    need(not calls and before == "user", "the last turn must be the user's")


def check_tools(body):
    declared = []
    for tool in body.get("tools") or []:
        check_members(tool, ("functionDeclarations", "googleSearch", "codeExecution", "urlContext"),
                      "tools")
        declared += tool.get("functionDeclarations") or []
    for one in declared:
        check_members(one, ("name", "description", "parameters", "parametersJsonSchema", "response",
                            "responseJsonSchema", "behavior"), "function_declarations")
        need(NAME.match(one.get("name", "")), "Invalid function name.")
        need(not ("parameters" in one and "parametersJsonSchema" in one), "only one of parameters and "
             "parameters_json_schema")
        if "parameters" in one:
            check_schema(one["parameters"], "function_declarations.parameters")
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    need("allowedFunctionNames" not in calling or calling.get("mode") in ("ANY", "VALIDATED"),
         "Function calling config is set with allowed_function_names and mode is not ANY.")
    return [one["name"] for one in declared]


def check_config(config):
    check_members(config, CONFIG, "generation_config")
    thinking = config.get("thinkingConfig") or {}
    check_members(thinking, ("includeThoughts", "thinkingBudget", "thinkingLevel"), "thinking_config")
    need(not ("thinkingBudget" in thinking and "thinkingLevel" in thinking), "You can only set only one "
         "of thinking budget and thinking level.")
    need(len(config.get("stopSequences") or []) <= 5, "stop_sequences: at most 5")
    need(not ("responseSchema" in config and "responseJsonSchema" in config), "only one schema")
    if "responseSchema" in config:
        check_schema(config["responseSchema"], "generation_config.response_schema")
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    need(not schema or config.get("responseMimeType") == "application/json", "response_schema is only "
         "allowed with response mime type application/json")
    return schema


def measured(part):
    try:
        return pictures.measure(part["inlineData"].get("mimeType"), part["inlineData"].get("data"))
    except ValueError as error:
        raise Trouble("bad", "Unable to process input image: %s" % error) from None


def note_call_turn(asked, parts):
    calls = [part for part in parts if "functionCall" in part]
    if not calls:
        return
    signature = calls[0].get("thoughtSignature")
    need(signature, "Function call is missing a thought_signature in functionCall parts. This is "
         "required for tools to work correctly")
    asked.signatures.append(signature.replace("-", "+").replace("_", "/"))    # bytes, either alphabet
    asked.calls.append([(part["functionCall"].get("id"), part["functionCall"]["name"],
                         part["functionCall"].get("args", {})) for part in calls])


def result_text(response):
    for name in ("output", "result", "content", "error"):
        if isinstance(response.get(name), str):
            return response[name]
    return json.dumps(response)


def understand(body, tools, schema):
    asked = Asked()
    asked.system = "\n".join(part["text"] for part in (body.get("systemInstruction") or {}).get("parts", []))
    asked.tools, asked.schema = tools, schema
    thinking = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    asked.thinks = bool(thinking.get("includeThoughts"))
    for content in body["contents"]:
        parts = content["parts"]
        if content.get("role") == "model":
            note_call_turn(asked, parts)
            continue
        text = "".join(part.get("text", "") for part in parts)
        if text:
            asked.new_question(text, [measured(part) for part in parts if "inlineData" in part])
        asked.results += [(part["functionResponse"].get("id"),
                           result_text(part["functionResponse"]["response"]))
                          for part in parts if "functionResponse" in part]
    return asked


def read(body):
    check_members(body, FIELDS, "")
    tools = check_tools(body)
    schema = check_config(body.get("generationConfig") or {})
    for part in (body.get("systemInstruction") or {}).get("parts", []):
        need(part.get("text"), "system_instruction: only text is allowed")
    check_contents(body.get("contents"))
    return understand(body, tools, schema)


def parts_of(answer):
    parts = []
    if answer.thought:
        parts.append({"text": answer.thought, "thought": True})
    if answer.text:
        parts.append({"text": answer.text})
    for at, (_, name, arguments) in enumerate(answer.calls):
        part = {"functionCall": {"name": name, "args": arguments}}
        if at == 0:
            part["thoughtSignature"] = answer.signature
        parts.append(part)
    return parts


def response(model, parts, finish=None, usage=USAGE):
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model,
            "responseId": "fakeResponseId"}


def split(part):
    if "text" not in part:
        return [part]
    return [{**part, "text": piece} for piece in pieces(part["text"])]


def send_event(connection, value):
    connection.chunk("data: %s\r\n\r\n" % json.dumps(value))


def send_stream(connection, model, answer, parts):
    connection.open_stream(HEADERS)
    if answer.manner == "forever":
        connection.talk_until_ended(lambda n: response(model, [{"text": "word %d " % n}]))
        return None
    early = {"promptTokenCount": USAGE["promptTokenCount"] + 2, "totalTokenCount": 105}
    for number, part in enumerate(piece for part in parts for piece in split(part)):
        send_event(connection, response(model, [part], usage=early))
        if answer.manner == "cut" and number == 2:
            return connection.reset()
        if answer.manner == "break" and number == 2:
            send_event(connection, failure(Trouble("overloaded")))
            return connection.end_stream()
        if answer.manner == "ping":        # comments are nothing that its clients understand
            send_event(connection, {"usageMetadata": early, "modelVersion": model})
    last = {"text": ""}
    if answer.signature and not answer.calls:
        last["thoughtSignature"] = answer.signature
    send_event(connection, response(model, [last], "STOP"))
    return connection.end_stream()


def failure(trouble):
    error = {"code": CODES.get(trouble.kind, trouble.status(2)), "message": str(trouble),
             "status": WORDS[trouble.kind]}
    if trouble.kind == "key":
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                             "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
    if trouble.kind == "limited":
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo",
                             "retryDelay": "%d.2s" % (scenarios.RETRY_AFTER_S - 1)}]
    return {"error": error}


def send_trouble(connection, trouble):
    if trouble.kind == "html":
        return connection.send_page(scenarios.HTML, trouble.status(2))
    return connection.send_json(failure(trouble), trouble.status(2), "Trouble", HEADERS)


def embed(model, method, body):
    """A vector for each text, which begins with the text's length."""
    batch = method == "batchEmbedContents"
    check_members(body, ("requests",) if batch else EMBED, method)
    vectors = []
    for one in body["requests"] if batch else [body]:
        check_members(one, EMBED, "requests")
        need(not batch or one.get("model") == "models/" + model, "requests[].model must match the model")
        parts = one["content"]["parts"]
        need(parts and all(set(part) == {"text"} for part in parts), "only texts are embedded")
        vector = [float(len("".join(part["text"] for part in parts))), -0.5, 1.0]
        vectors.append({"values": vector[:one.get("outputDimensionality", 3)]})
    return {"embeddings": vectors} if batch else {"embedding": vectors[0]}


def serve(request, connection, arrange):
    if request.target == "/v1beta/openai/embeddings":       # what stands beside, for OpenAI's clients
        if not (request.header("authorization") or "").startswith("Bearer "):
            raise Trouble("forbidden", "Method doesn't allow unregistered callers")
        return connection.send_json(fake_chat.embed(request.json()), headers=HEADERS)
    found = TARGET.match(request.target)
    if not found:
        raise Trouble("missing", "no such method: " + request.target)
    model, method, query = found.groups()
    if not (request.header("x-goog-api-key") or "key=" in (query or "")):
        raise Trouble("forbidden", "Method doesn't allow unregistered callers")
    body = camel(request.json())
    if method == "countTokens":
        return connection.send_json({"totalTokens": 42}, headers=HEADERS)
    if method in ("embedContent", "batchEmbedContents"):
        return connection.send_json(embed(model, method, body), headers=HEADERS)
    asked = read({**body, "contents": arrange(body.get("contents") or [])})
    answer = scenarios.decide(asked, signs="always")
    parts = parts_of(answer)
    if method == "streamGenerateContent":
        need("alt=sse" in (query or ""), "only alt=sse is expected here")
        return send_stream(connection, model, answer, parts)
    if answer.signature and not answer.calls:
        parts[-1]["thoughtSignature"] = answer.signature
    return connection.send_json(response(model, parts, "STOP"), headers=HEADERS)


def merged(contents):
    """Neighbours of one role as one content: most models take them so."""
    whole = []
    for content in contents:
        if whole and whole[-1].get("role") == content.get("role"):
            whole[-1] = {**content, "parts": whole[-1]["parts"] + content["parts"]}
        else:
            whole.append(content)
    return whole


def merging(request, connection):
    """As answer, for clients that send each result in a content of its own."""
    answer(request, connection, merged)


def answer(request, connection, arrange=list):
    try:
        serve(request, connection, arrange)
    except Trouble as trouble:
        send_trouble(connection, trouble)
    except ValueError:
        send_trouble(connection, Trouble("bad", "Invalid JSON payload received."))
