"""Searches of the web in the four dialects, as the real services take and tell them: a handler of each
for `house.provider`. Strict: the tool must stand where it belongs, with members that are known there,
and what comes back of an earlier search must be what this provider takes. Says one answer only."""
import json

QUERY = "race Zürich"
PAGE = {"url": "https://race.example/1", "title": "Race"}
WORDS = ("In Zürich ", "Ada won.")
TEXT = "".join(WORDS)
PLACE = {"type": "approximate", "country": "CH", "city": "Zürich"}
# characters and bytes of what is cited
CITED, CITED_BYTES = (10, 18), (11, 19)
SIGNATURE = "c2lnbmVkLXRleHQ="


class Refused(Exception):
    pass


def need(truth, message):
    if not truth:
        raise Refused(message)


def only(value, allowed, where):
    need(isinstance(value, dict), where + " must be an object")
    for name in value:
        need(name in allowed.split(), "%s: unknown member %s" % (where, name))


def pieces(record_of):
    return [record_of(words) for words in WORDS]


def send(request, connection, whole, records, mark=""):
    """Records are (name or None, value)."""
    if not request.json().get("stream") and "stream" not in request.target:
        return connection.send_json(whole)
    connection.open_stream(())
    for name, value in records:
        head = "event: %s\n" % name if name else ""
        connection.chunk("%sdata: %s\n\n" % (head, json.dumps(value)))
    if mark:
        connection.chunk(mark)
    return connection.end_stream()


def guarded(serve, failure):
    def answer(request, connection):
        try:
            serve(request, connection)
        except Refused as refused:
            connection.send_json(failure(str(refused)), 400, "Bad Request")
    return answer


# ---- chat completions ---------------------------------------------------------------------------


def serve_openai(request, connection):
    body = request.json()
    need("search" in body["model"], "Web search options not supported with this model.")
    need(not body.get("tools"), "tools are not expected")
    options = body.get("web_search_options")
    only(options, "user_location search_context_size", "web_search_options")
    if "user_location" in options:
        only(options["user_location"], "type approximate", "user_location")
        only(options["user_location"]["approximate"], "country region city timezone", "approximate")
    for message in body["messages"]:
        only(message, "role content name refusal tool_calls tool_call_id", "messages")
        need(isinstance(message["content"], str), "only texts are expected")
    note = {"type": "url_citation",
            "url_citation": {"start_index": CITED[0], "end_index": CITED[1], **PAGE}}

    def chunk(delta, finish=None):
        return None, {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                      "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    send(request, connection,
         {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
          "choices": [{"index": 0, "finish_reason": "stop", "message": {
              "role": "assistant", "content": TEXT, "refusal": None, "annotations": [note]}}],
          "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}},
         pieces(lambda words: chunk({"content": words}))
         + [chunk({"annotations": [note]}), chunk({}, "stop")], "data: [DONE]\n\n")


# ---- responses ----------------------------------------------------------------------------------


def check_item(item):
    kind = item.get("type", "message")
    if kind == "web_search_call":
        only(item, "type id status action", kind)
        need(item["id"].startswith("ws"), "Invalid id: expected an ID that begins with 'ws'.")
        only(item["action"], "type query queries sources url", "action")
        need(item["action"]["type"] in ("search", "open_page"), "action.type")
    elif kind == "message":
        only(item, "type role content id status", kind)
    else:
        raise Refused("unexpected item " + kind)


def serve_responses(request, connection):
    body = request.json()
    need(len(body.get("tools") or []) == 1, "one tool is expected")
    tool = body["tools"][0]
    only(tool, "type filters user_location search_context_size", "tools[0]")
    need(tool["type"] == "web_search", "tools[0].type")
    if "filters" in tool:
        only(tool["filters"], "allowed_domains", "filters")
    if "user_location" in tool:
        only(tool["user_location"], "type country region city timezone", "user_location")
    need("web_search_call.action.sources" in body.get("include", []), "sources are not asked for")
    for item in body["input"]:
        check_item(item)
    note = {"type": "url_citation", "start_index": CITED[0], "end_index": CITED[1], **PAGE}
    call = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {
        "type": "search", "query": QUERY, "queries": [QUERY],
        "sources": [{"type": "url", "url": PAGE["url"]}]}}
    part = {"type": "output_text", "text": TEXT, "annotations": [note], "logprobs": []}
    said = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
            "content": [part]}

    def response(status, output, usage=None):
        return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": None,
                "incomplete_details": None, "model": "m", "output": output, "usage": usage}
    whole = response("completed", [call, said],
                     {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14})
    events = [("created", {"response": response("in_progress", [])}),
              ("output_item.added", {"output_index": 0, "item": {
                  "type": "web_search_call", "id": "ws_1", "status": "in_progress"}}),
              ("web_search_call.searching", {"output_index": 0, "item_id": "ws_1"}),
              ("output_item.done", {"output_index": 0, "item": call}),
              ("output_item.added", {"output_index": 1, "item": {**said, "content": []}}),
              ("content_part.added", {"output_index": 1, "content_index": 0, "item_id": "msg_1",
                                      "part": {**part, "text": "", "annotations": []}})]
    events += pieces(lambda words: ("output_text.delta", {
        "output_index": 1, "content_index": 0, "item_id": "msg_1", "delta": words}))
    events += [("output_text.annotation.added", {
                   "output_index": 1, "content_index": 0, "item_id": "msg_1", "annotation_index": 0,
                   "annotation": note}),
               ("content_part.done", {"output_index": 1, "content_index": 0, "item_id": "msg_1",
                                      "part": part}),
               ("output_item.done", {"output_index": 1, "item": said}),
               ("completed", {"response": whole})]
    send(request, connection, whole, [("response." + name, {
        "type": "response." + name, "sequence_number": at, **members})
        for at, (name, members) in enumerate(events)])


# ---- messages -----------------------------------------------------------------------------------


def serve_anthropic(request, connection):
    body = request.json()
    need(len(body.get("tools") or []) == 1, "one tool is expected")
    tool = body["tools"][0]
    only(tool, "type name max_uses allowed_domains blocked_domains user_location cache_control", "tools.0")
    need(tool["type"] == "web_search_20250305" and tool["name"] == "web_search", "tools.0.type")
    if "user_location" in tool:
        only(tool["user_location"], "type country region city timezone", "user_location")
        need(tool["user_location"]["type"] == "approximate", "user_location.type")
    for message in body["messages"]:
        for block in message["content"]:
            only(block, "type text", "content")    # nobody but this provider could say more
            need(block["text"].strip(), "messages: text content blocks must be non-empty")
    use = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
           "input": {"query": QUERY}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{
        "type": "web_search_result", **PAGE, "encrypted_content": "RU5D", "page_age": None}]}
    cited = {"type": "web_search_result_location", **PAGE, "encrypted_index": "SU5E",
             "cited_text": "Ada wins in Zürich"}
    usage = {"input_tokens": 9, "output_tokens": 5, "server_tool_use": {
        "web_search_requests": 1, "web_fetch_requests": 0}}
    top = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    events = [{"type": "message_start", "message": {**top, "content": [], "stop_reason": None, "usage": {
        "input_tokens": 9, "output_tokens": 1}}}]

    def block(start, *deltas):
        at = sum(event["type"] == "content_block_start" for event in events)
        events.append({"type": "content_block_start", "index": at, "content_block": start})
        events.extend({"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas)
        events.append({"type": "content_block_stop", "index": at})
    asked = json.dumps(use["input"])
    block({**use, "input": {}}, *({"type": "input_json_delta", "partial_json": piece}
                                  for piece in ("", asked[:9], asked[9:])))
    block(found)
    block({"type": "text", "text": ""}, {"type": "text_delta", "text": WORDS[0]})
    block({"type": "text", "text": "", "citations": []}, {"type": "citations_delta", "citation": cited},
          {"type": "text_delta", "text": WORDS[1]})
    events += [{"type": "message_delta", "usage": usage,
                "delta": {"stop_reason": "end_turn", "stop_sequence": None}}, {"type": "message_stop"}]
    send(request, connection,
         {**top, "stop_reason": "end_turn", "usage": usage, "content": [
             use, found, {"type": "text", "text": WORDS[0]},
             {"type": "text", "text": WORDS[1], "citations": [cited]}]},
         [(event["type"], event) for event in events])


# ---- gemini -------------------------------------------------------------------------------------


def check_part(part, model):
    only(part, "text thoughtSignature" if model else "text", "parts")


def serve_gemini(request, connection):
    body = request.json()
    need(body.get("tools") == [{"googleSearch": {}}], "tools: %s" % body.get("tools"))
    need("responseMimeType" not in body.get("generationConfig", {}), "no JSON with a search")
    signed = []
    for content in body["contents"]:
        for part in content["parts"]:
            check_part(part, content["role"] == "model")
            signed += [part["thoughtSignature"]] if "thoughtSignature" in part else []
    need(len(body["contents"]) == 1 or signed == [SIGNATURE], "the signature came back as %r" % signed)
    ground = {"webSearchQueries": [QUERY],
              "groundingChunks": [{"web": {"uri": PAGE["url"], "title": PAGE["title"]}}],
              "groundingSupports": [{"segment": {"startIndex": CITED_BYTES[0], "endIndex": CITED_BYTES[1],
                                                 "text": WORDS[1]}, "groundingChunkIndices": [0]}]}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14}

    def response(part, **more):
        return {"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0, **more}],
                "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}
    last = {"finishReason": "STOP", "groundingMetadata": ground}
    send(request, connection, response({"text": TEXT, "thoughtSignature": SIGNATURE}, **last),
         pieces(lambda words: (None, response({"text": words})))
         + [(None, response({"text": "", "thoughtSignature": SIGNATURE}, **last))])


OPENAI = guarded(serve_openai, lambda text: {"error": {
    "message": text, "type": "invalid_request_error", "param": None, "code": None}})
RESPONSES = guarded(serve_responses, lambda text: {"error": {
    "message": text, "type": "invalid_request_error", "param": None, "code": None}})
ANTHROPIC = guarded(serve_anthropic, lambda text: {"type": "error", "error": {
    "type": "invalid_request_error", "message": text}})
GEMINI = guarded(serve_gemini, lambda text: {"error": {
    "code": 400, "message": text, "status": "INVALID_ARGUMENT"}})
