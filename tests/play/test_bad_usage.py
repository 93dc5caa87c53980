"""Usage that cannot be true, in every dialect: counted by the gateway itself, told in the record, never a credit."""
import json
import sqlite3
from decimal import Decimal

import pytest

from harness import fakes
from harness.gateway import SLOW
from harness.wait import until

SAID = "It is a fine day in the small town by the sea."
NOTHING = object()
INPUT, OUTPUT, CLAMPED = 1, 2, 8        # bits of `estimated`
# what the provider says of both counts: bits of the record
BAD = {"negative": (-5, INPUT | OUTPUT), "a fraction": (7.5, INPUT | OUTPUT),
       "a string": ("many", INPUT | OUTPUT), "digits": ("21", INPUT | OUTPUT), "null": (None, INPUT | OUTPUT),
       "an object": ({"tokens": 7}, INPUT | OUTPUT), "missing": (NOTHING, INPUT | OUTPUT),
       "absurd": (10 ** 12, INPUT | OUTPUT | CLAMPED), "beyond 64 bits": (10 ** 30, INPUT | OUTPUT)}


# ---- a provider of each dialect that says one thing and counts as it is told ----------------


def usage_of(names, count, **more):
    return {**({} if count is NOTHING else dict.fromkeys(names, count)), **more}


class Openai:
    path, names = "/v1/chat/completions", ("prompt_tokens", "completion_tokens")

    def ask(self, model, stream):
        return self.path, {"model": model, "stream": stream,
                           "messages": [{"role": "user", "content": "How is the day?"}]}

    def whole(self, usage, **more):
        return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", **more, "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": SAID}}],
                "usage": usage}

    def events(self, usage, **more):
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", **more}
        for word in SAID.split(" "):
            yield {**head, "choices": [{"index": 0, "delta": {"content": word + " "}}]}
        yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        yield {**head, "choices": [], "usage": usage}
        yield "[DONE]"

    def cached(self, usage, count):
        return {**usage, "prompt_tokens_details": {"cached_tokens": count}}


class Responses(Openai):
    path, names = "/v1/responses", ("input_tokens", "output_tokens")

    def ask(self, model, stream):
        return self.path, {"model": model, "stream": stream, "input": "How is the day?"}

    def whole(self, usage, **more):
        return {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", **more,
                "output": [self.item([{"type": "output_text", "text": SAID, "annotations": []}])], "usage": usage}

    def item(self, content):
        return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}

    def events(self, usage, **more):
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        yield {"type": "response.created", "response": {**self.whole(None), "status": "in_progress", "output": []}}
        yield {"type": "response.output_item.added", "output_index": 0, "item": self.item([])}
        yield {"type": "response.content_part.added", **place,
               "part": {"type": "output_text", "text": "", "annotations": []}}
        for word in SAID.split(" "):
            yield {"type": "response.output_text.delta", **place, "delta": word + " "}
        yield {"type": "response.output_text.done", **place, "text": SAID}
        yield {"type": "response.output_item.done", "output_index": 0, "item": self.whole(None)["output"][0]}
        yield {"type": "response.completed", "response": self.whole(usage, **more)}

    def cached(self, usage, count):
        return {**usage, "input_tokens_details": {"cached_tokens": count}}


class Anthropic(Openai):
    path, names = "/v1/messages", ("input_tokens", "output_tokens")

    def ask(self, model, stream):
        path, body = super().ask(model, stream)
        return path, {**body, "max_tokens": 100}

    def whole(self, usage, **more):
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                "stop_sequence": None, "content": [{"type": "text", "text": SAID}], "usage": usage}

    def events(self, usage, **more):
        yield {"type": "message_start", "message": {**self.whole(usage), "content": [], "stop_reason": None}}
        yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        for word in SAID.split(" "):
            yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word + " "}}
        yield {"type": "content_block_stop", "index": 0}
        yield {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage}
        yield {"type": "message_stop"}

    def cached(self, usage, count):
        return None     # here what came from the cache is not a part of the input


class Gemini(Openai):
    names = ("promptTokenCount", "candidatesTokenCount")

    def ask(self, model, stream):
        act = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return "/v1beta/models/%s:%s" % (model, act), {
            "contents": [{"role": "user", "parts": [{"text": "How is the day?"}]}]}

    def part(self, text, **more):
        return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}],
                "modelVersion": "m", "responseId": "r1"}

    def whole(self, usage, **more):
        return {**self.part(SAID, finishReason="STOP"), "usageMetadata": usage}

    def events(self, usage, **more):
        for word in SAID.split(" "):
            yield self.part(word + " ")
        yield {**self.part(".", finishReason="STOP"), "usageMetadata": usage}

    def cached(self, usage, count):
        return {**usage, "cachedContentTokenCount": count}


KINDS = {"openai": Openai(), "responses": Responses(), "anthropic": Anthropic(), "gemini": Gemini()}


class Teller:
    """Answers with `usage`; a stream when it is asked for one."""

    def __init__(self, kind):
        self.kind, self.usage, self.more = kind, {}, {}

    def __call__(self, request, connection):
        body = request.json()
        if not (body.get("stream") or "stream" in request.target):
            return connection.send_json(self.kind.whole(self.usage, **self.more))
        connection.open_stream()
        for event in self.kind.events(self.usage, **self.more):
            name = event.get("type") if isinstance(event, dict) else None
            connection.chunk(("event: %s\n" % name if name else "") + "data: %s\n\n"
                             % (event if isinstance(event, str) else json.dumps(event)))
        return connection.end_stream()


class Scene:
    def __init__(self, room, dialect, client=None, **settings):
        self.teller = Teller(KINDS[dialect])
        provider, row = fakes.make(room, dialect)
        provider.default = self.teller
        self.client = KINDS[client or dialect]
        self.model = "%s/%s" % (dialect, fakes.model(dialect))
        self.gateway = room.gateway(row, settings=settings)
        self.count = 0

    def ask(self, stream, usage, **more):
        """The record of one exchange."""
        self.teller.usage, self.teller.more = usage, more
        path, body = self.client.ask(self.model, stream)
        answer = self.gateway.post(path, body)
        assert answer.status == 200, answer.body
        assert b"town" in answer.body
        self.count += 1
        self.gateway.wait_usage(self.count)
        return self.record(answer.header("x-request-id"))

    def record(self, request_id):
        names = "input_tokens, output_tokens, cached_tokens, estimated, cost_nano, price"
        with sqlite3.connect("file:%s?mode=ro" % (self.gateway.folder / "aigw.db"), uri=True) as store:
            row = store.execute("select %s from usage where request_id = ?" % names, (request_id,)).fetchone()
        return dict(zip(names.split(", "), row))

    def budget(self):
        """What is spent and what is reserved, in nanodollars."""
        row, = self.gateway.ctl_json("budgets", "list")["counters"]
        return tuple(int(Decimal(row[name]) * 10 ** 9) for name in ("spent", "reserved"))


def others(dialect):
    return "anthropic" if dialect == "openai" else "openai"


@pytest.mark.parametrize("crossing", [False, True], ids=["same", "translated"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", KINDS)
def test_what_cannot_be_true_is_estimated_and_flagged(room, dialect, stream, crossing):
    scene = Scene(room, dialect, others(dialect) if crossing else None, budgets=[
        {"name": "all", "scope": "key:*", "period": "total", "amount": 1}])
    names = KINDS[dialect].names
    good = scene.ask(stream, usage_of(names, 11))
    assert (good["input_tokens"], good["output_tokens"], good["estimated"]) == (11, 11, 0)
    total = good["cost_nano"]
    assert total > 0
    wrong = []
    for name, (count, bits) in BAD.items():
        if (dialect, name) == ("gemini", "digits"):
            bits = 0    # protobuf's JSON may write a number so
        row = scene.ask(stream, usage_of(names, count))
        total += row["cost_nano"]
        if not (row["estimated"] == bits and 4 <= row["input_tokens"] <= 60
                and 8 <= row["output_tokens"] <= 200 and row["cost_nano"] > 0):
            wrong.append((name, row))
    assert not wrong
    until(lambda: scene.budget() == (total, 0), 5 * SLOW,
          lambda: "%d spent: %r" % (total, scene.budget()), every=0.1)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ["openai", "responses", "gemini"])
def test_a_part_is_never_more_than_its_whole(room, dialect, stream):
    scene = Scene(room, dialect)
    kind = KINDS[dialect]
    row = scene.ask(stream, kind.cached(usage_of(kind.names, 11), 500))
    assert (row["input_tokens"], row["cached_tokens"], row["estimated"]) == (11, 11, CLAMPED)
    assert row["cost_nano"] > 0


# ---- the service by which it was served ------------------------------------------------------


@pytest.mark.parametrize("crossing", [False, True], ids=["same", "translated"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ["openai", "responses"])
def test_the_service_of_the_answer_is_paid_though_nobody_asked_for_it(room, dialect, stream, crossing):
    """An account may have another service than the standard as its own."""
    scene = Scene(room, dialect, others(dialect) if crossing else None)
    costs = {tier: scene.ask(stream, usage_of(KINDS[dialect].names, 100), service_tier=tier)["cost_nano"]
             for tier in ("default", "flex", "priority")}
    # gpt-5-mini: 0.25 and 2 dollars a million tokens, half of it by flex, 0.45 and 3.6 by priority
    assert costs == {"default": 225000, "flex": 112500, "priority": 405000}
