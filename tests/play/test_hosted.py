"""A search of the web that the provider makes itself, through the gateway from every dialect to every
other: asked for, told with its pages and its citations, and told again in the next request."""
import json

import pytest

from harness import fake_search, fakes
from harness.fake_search import CITED, CITED_BYTES, PAGE, PLACE, QUERY, SIGNATURE, TEXT

HANDLERS = {"openai": fake_search.OPENAI, "responses": fake_search.RESPONSES,
            "anthropic": fake_search.ANTHROPIC, "gemini": fake_search.GEMINI}
MODELS = {**{dialect: fakes.model(dialect) for dialect in fakes.DIALECTS}, "openai": "gpt-4o-search-preview"}
QUESTIONS = ("Who won the race?", "Look again.")
# chat completions say nothing of the search but what is cited
TELLS_SEARCH = ("responses", "anthropic", "gemini")


@pytest.fixture(scope="module")
def providers(house):
    return {dialect: house.provider(HANDLERS[dialect]) for dialect in fakes.DIALECTS}


@pytest.fixture(scope="module")
def gateway(house, providers):
    rows = []
    for dialect, provider in providers.items():
        _, path, settings, _ = fakes.ROWS[dialect]
        rows.append((dialect, provider, {**settings, "base_url": fakes.root(provider) + path}))
    return house.gateway(*rows)


class Told:
    """What a client understood of an answer: its text, [(url, place or None)], [query], [url]."""

    def __init__(self, text, cited, queries=(), found=(), turn=None):
        self.text, self.cited, self.queries, self.found = text, cited, list(queries), list(found)
        self.turn = turn or []


def post(gateway, path, body, headers=None):
    answer = gateway.post(path, body, headers=headers)
    assert answer.status == 200, answer
    return answer


# ---- clients: ask with the turns so far, whole or streamed ------------------------------------------


def openai_cited(notes):
    return [(note["url_citation"]["url"], (note["url_citation"]["start_index"],
                                           note["url_citation"]["end_index"])) for note in notes]


def ask_openai(gateway, model, turns, stream):
    body = {"model": model, "messages": turns, "stream": stream,
            "web_search_options": {"user_location": {"type": "approximate", "approximate": {
                "country": PLACE["country"], "city": PLACE["city"]}}}}
    answer = post(gateway, "/v1/chat/completions", body)
    if not stream:
        message = answer.json()["choices"][0]["message"]
        return Told(message["content"], openai_cited(message["annotations"]), turn=[message])
    message = {"role": "assistant", "content": "", "annotations": []}
    for chunk in answer.objects():
        for choice in chunk["choices"]:
            message["content"] += choice["delta"].get("content") or ""
            message["annotations"] += choice["delta"].get("annotations", [])
            if "extra_content" in choice["delta"]:
                message["extra_content"] = choice["delta"]["extra_content"]
    return Told(message["content"], openai_cited(message["annotations"]), turn=[message])


def ask_responses(gateway, model, turns, stream):
    answer = post(gateway, "/v1/responses", {
        "model": model, "input": turns, "stream": stream, "store": False,
        "include": ["web_search_call.action.sources"],
        "tools": [{"type": "web_search", "user_location": PLACE}]})
    whole = answer.objects()[-1]["response"] if stream else answer.json()
    if stream:
        names = [event["type"] for event in answer.objects()]
        assert names.count("response.output_text.annotation.added") == 1
    told = Told("", [], turn=whole["output"])
    for item in whole["output"]:
        if item["type"] == "web_search_call":
            told.queries.append(item["action"]["query"])
            told.found += [source["url"] for source in item["action"]["sources"]]
        for part in item.get("content", []):
            told.cited += [(note["url"], (len(told.text) + note["start_index"],
                                          len(told.text) + note["end_index"]))
                           for note in part["annotations"]]
            told.text += part["text"]
    return told


def blocks_of(events):
    blocks = []
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append({**event["content_block"]})
        if event["type"] != "content_block_delta":
            continue
        delta, block = event["delta"], blocks[-1]
        if delta["type"] == "text_delta":
            block["text"] += delta["text"]
        if delta["type"] == "citations_delta":
            block.setdefault("citations", []).append(delta["citation"])
        if delta["type"] == "input_json_delta":
            block["input"] = json.loads(delta["partial_json"])
    return blocks


def ask_anthropic(gateway, model, turns, stream):
    answer = post(gateway, "/v1/messages", {
        "model": model, "max_tokens": 100, "messages": turns, "stream": stream,
        "tools": [{"type": "web_search_20250305", "name": "web_search", "user_location": PLACE}]})
    blocks = blocks_of(answer.objects()) if stream else answer.json()["content"]
    told = Told("", [], turn=[{"role": "assistant", "content": blocks}])
    for block in blocks:
        if block["type"] == "server_tool_use":
            told.queries.append(block["input"]["query"])
        if block["type"] == "web_search_tool_result":
            told.found += [page["url"] for page in block["content"]]
        if block["type"] == "text":
            told.text += block["text"]
            told.cited += [(cite["url"], None) for cite in block.get("citations") or []]
    return told


def ask_gemini(gateway, model, turns, stream):
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    answer = post(gateway, "/v1beta/models/%s:%s" % (model, method), {
        "contents": turns, "tools": [{"googleSearch": {}}]})
    records = answer.objects() if stream else [answer.json()]
    parts = [part for record in records for part in record["candidates"][0]["content"]["parts"]]
    ground = records[-1]["candidates"][0]["groundingMetadata"]
    pages = [chunk["web"]["uri"] for chunk in ground["groundingChunks"]]
    text = "".join(part["text"] for part in parts)
    cited = []
    for support in ground["groundingSupports"]:
        segment = support["segment"]
        start, end = segment["startIndex"], segment["endIndex"]
        assert text.encode()[start:end].decode() == segment["text"]
        cited += [(pages[at], (start, end)) for at in support["groundingChunkIndices"]]
    kept = [part for part in parts if part["text"]]
    return Told(text, cited, ground.get("webSearchQueries", []), pages,
                [{"role": "model", "parts": kept}])


ASK = {"openai": ask_openai, "responses": ask_responses, "anthropic": ask_anthropic, "gemini": ask_gemini}


def question(client, text):
    if client == "gemini":
        return {"role": "user", "parts": [{"text": text}]}
    return {"role": "user", "content": text}


def place_for(client):
    """Where the citation is, as far as this pair can say: Claude cites with blocks, not with places."""
    if client == "anthropic":
        return None
    first, last = CITED_BYTES if client == "gemini" else CITED
    return (first, last)


PAIRS = [(client, provider) for client in fakes.DIALECTS for provider in fakes.DIALECTS
         if client != provider]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client,provider", PAIRS)
def test_a_search_and_what_follows(gateway, client, provider, stream):
    model = "%s/%s" % (provider, MODELS[provider])
    turns = []
    for text in QUESTIONS:
        turns.append(question(client, text))
        told = ASK[client](gateway, model, turns, stream)
        assert told.text == TEXT
        assert told.cited == [(PAGE["url"], place_for(client))]
        if client in TELLS_SEARCH and provider != "openai":
            assert told.queries == [QUERY]
        if client in TELLS_SEARCH and (provider != "openai" or client == "gemini"):
            assert told.found == [PAGE["url"]]
        turns += told.turn


def test_what_the_provider_lacks_is_named_or_refused(gateway, providers):
    body = {"model": "gemini/" + MODELS["gemini"], "max_tokens": 100,
            "messages": [{"role": "user", "content": QUESTIONS[0]}],
            "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2,
                       "blocked_domains": ["spam.example"]}]}
    answer = post(gateway, "/v1/messages", body)
    assert answer.header("x-aigw-dropped") == "tools[0].blocked_domains, tools[0].max_uses"
    before = len(providers["gemini"].requests)
    refused = gateway.post("/v1/messages", body, headers={"x-aigw-strict": "true"})
    assert refused.status == 400, refused
    assert "tools[0].max_uses" in refused.json()["error"]["message"]
    assert len(providers["gemini"].requests) == before, "something was sent"


def test_a_signed_text_comes_back_to_its_maker_alone(gateway, providers):
    turns = [question("anthropic", QUESTIONS[0])]
    told = ask_anthropic(gateway, "gemini/" + MODELS["gemini"], turns, False)
    assert told.turn[0]["content"][-1]["data"].endswith(SIGNATURE)
    turns += told.turn + [question("anthropic", QUESTIONS[1])]
    ask_anthropic(gateway, "gemini/" + MODELS["gemini"], turns, False)
    assert providers["gemini"].last().json()["contents"][1]["parts"] == [
        {"text": TEXT, "thoughtSignature": SIGNATURE}]
    ask_anthropic(gateway, "responses/" + MODELS["responses"], turns, False)
    assert SIGNATURE not in str(providers["responses"].last().json())
