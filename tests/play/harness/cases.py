"""The cases of the grid: what each client must see through any provider. Each takes a client of
sdks.py and the dialect of the provider, and fails by an assertion."""
import json

from harness import fakes, scenarios, sdks
from harness.gateway import SLOW
from harness.wait import until

# the reasoning of chat completions has no words and no signature
SILENT = ("openai",)
LOOP = [[(name, arguments) for name, arguments in turn] for turn in scenarios.TURNS]
# what a provider's trouble is to the client of a gateway, when it is not the same
THROUGH_GATEWAY = {"key": "html", "forbidden": "html"}
LEFT_S = 0.1 * SLOW     # until the provider is left too


def text(client, dialect):
    told = client.ask("say grüß \"dich\" \\ \U0001f600")
    assert told.text == "You said: grüß \"dich\" \\ \U0001f600"
    assert told.stop in sdks.STOPS[client.speaks], told.stop


def stream(client, dialect):
    told = client.ask("say grüß \"dich\" \\ \U0001f600", stream=True)
    assert told.text == "You said: grüß \"dich\" \\ \U0001f600"
    assert told.stop in sdks.STOPS[client.speaks], told.stop


def pings(client, dialect):
    assert client.ask("ping", stream=True).text == scenarios.WORDS


def tools(client, dialect):
    told, seen = client.loop("tools")
    assert seen == LOOP
    assert told.text == scenarios.LOOP_END


def tools_streamed(client, dialect):
    told, seen = client.loop("tools", stream=True)
    assert seen == LOOP
    assert told.text == scenarios.LOOP_END


def images(client, dialect):
    assert client.ask("look", image=True).text == "image/png:%d" % len(sdks.PICTURE)


def system(client, dialect):
    assert client.ask("system", system=sdks.SYSTEM).text == "System: " + sdks.SYSTEM


def schema(client, dialect):
    assert json.loads(client.ask("json", schema=True).text) == {"city": "Köln", "degrees": 7}


def reasoning(client, dialect):
    for streamed in (False, True):
        told = client.ask("think aloud", stream=streamed, think=True)
        assert told.text == "Thought: aloud"
        assert dialect in SILENT or client.speaks in SILENT or told.thought == scenarios.THOUGHT


def signatures(client, dialect):
    told, seen = client.loop("tools think", think=True)
    assert (told.text, seen) == (scenarios.LOOP_END, LOOP)


def signatures_streamed(client, dialect):
    told, seen = client.loop("tools think", stream=True, think=True)
    assert (told.text, seen) == (scenarios.LOOP_END, LOOP)


def usage(client, dialect):
    for streamed in (False, True):
        assert client.ask("say x", stream=streamed).usage == client.usage


def raises(client, kind, expected, stream):
    try:
        told = client.ask("fail " + kind, stream=stream)
    except Exception as error:
        assert sdks.raised_as(client, expected, error), "%s: %s %r" % (kind, type(error).__name__, error)
        return
    raise AssertionError("%s: no error but %r" % (kind, told.text))


def errors(client, dialect):
    for kind in scenarios.TROUBLES:
        for streamed in (False, True) if kind != "hidden" else ():
            raises(client, kind, THROUGH_GATEWAY.get(kind, kind), streamed)


def hidden_errors(client, dialect):
    """The provider answers 200, and the body is an error."""
    for streamed in (False, True):
        raises(client, "hidden", "server", streamed)


def broken_streams(client, dialect):
    for word in ("cut", "break"):
        try:
            told = client.ask(word, stream=True)
        except Exception as error:
            assert "rror" in type(error).__name__, error
            continue
        raise AssertionError("%s: no error but %r" % (word, told.text))


def aborts(client, dialect):
    """Who leaves in the middle of a stream takes the provider's connection along, and is recorded."""
    took = []
    for _ in range(3):
        before = client.gateway.usage_count()
        left_at = client.leave("forever")
        connection = client.provider.last().connection
        until(lambda: connection.ended, 4 * SLOW, "the provider's connection to end")
        took.append(connection.ended[1] - left_at)
        client.gateway.wait_usage(before + 1)
        last = client.gateway.ctl_json("usage", "--limit", "1")["last"][0]
        assert last["outcome"] == "client_gone", last
    assert sorted(took)[1] <= LEFT_S, took
    assert max(took) <= LEFT_S * 2.5, took


def counts(client, dialect):
    """The provider's own number in its own dialect, an estimate in any other."""
    few, many = client.count("tea"), client.count("tea and a lot of words more " * 40)
    if dialect == client.speaks:
        assert few == many == 42
    else:
        assert 0 < few < many and 200 <= many <= 400, (few, many)


def embeddings(client, dialect):
    for model in fakes.EMBEDDERS[dialect]:
        assert client.embed(model, "tea") == [[3.0, -0.5, 1.0]]
        assert client.embed(model, ["a", "grüß"], dimensions=2) == [[1.0, -0.5], [4.0, -0.5]]


CASES = {case.__name__: case for case in (
    text, stream, pings, tools, tools_streamed, images, system, schema, reasoning, signatures,
    signatures_streamed, usage, errors, hidden_errors, broken_streams, aborts, counts, embeddings)}


def applies(name, dialect, case):
    """Whether the client has what CASE is about, and the provider too."""
    if case == "counts":
        return sdks.CLIENTS[name].count is not None
    return case != "embeddings" or (sdks.CLIENTS[name].embed is not None and dialect in fakes.EMBEDDERS)
