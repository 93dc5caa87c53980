"""The cases of the grid: what each client must see through any provider. Each takes a client of
sdks.py and the dialect of the provider, and fails by an assertion."""
import json

from harness import scenarios, sdks

# the reasoning of chat completions has no words and no signature
SILENT = ("openai",)
LOOP = [[(name, arguments) for name, arguments in turn] for turn in scenarios.TURNS]
# what a provider's trouble is to the client of a gateway, when it is not the same
THROUGH_GATEWAY = {"key": "html", "forbidden": "html"}


def text(client, dialect):
    told = client.ask("say grüß \"dich\" \\ \U0001f600")
    assert told.text == "You said: grüß \"dich\" \\ \U0001f600"
    assert told.stop in sdks.STOPS[client.name], told.stop


def stream(client, dialect):
    told = client.ask("say grüß \"dich\" \\ \U0001f600", stream=True)
    assert told.text == "You said: grüß \"dich\" \\ \U0001f600"
    assert told.stop in sdks.STOPS[client.name], told.stop


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
        assert dialect in SILENT or client.name in SILENT or told.thought == scenarios.THOUGHT


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


CASES = {case.__name__: case for case in (
    text, stream, pings, tools, tools_streamed, images, system, schema, reasoning, signatures,
    signatures_streamed, usage, errors, hidden_errors, broken_streams)}
