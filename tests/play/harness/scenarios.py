"""What the fake providers say, whatever their dialect: one list of scenarios for all of them.

A fake reads a request of its own dialect into an `Asked`, `decide` answers with an `Answer` or raises
a `Trouble`, and the fake writes that in its dialect. So a client sees the same through any provider.
The first word of the last question chooses:

    say X           "You said: X"
    system          the system text that arrived
    look            type and size of each image that arrived
    json            an object that fits the schema that arrived (one must)
    think X         reasoning before the answer, when it was asked for
    tools [think]   a loop of three turns: two calls at once, one call, the answer (`RESULTS`)
    fail KIND       an error (`TROUBLES`)
    cut             begins a stream and resets the connection
    break           begins a stream and sends the dialect's error event in it
    ping            as say, with the dialect's pings or comments in the stream
    forever         talks until somebody closes
"""

WORDS = "Grüß dich, hier spricht der Anbieter."
THOUGHT = "Erst denken, dann reden."
CITY_JSON = '{"city": "Köln", "degrees": 7}'
# input includes the cached tokens, output includes those of the reasoning
USAGE = {"input": 100, "cached": 40, "output": 30, "reasoning": 12}

TURNS = ((("weather", {"city": "Köln", "units": ["C", "mm"]}), ("clock", {"zone": "Europe/Berlin"})),
         (("weather", {"city": "Oslo"}),))
RESULTS = {("weather", "Köln"): "rain \"heavy\"", ("clock", "Europe/Berlin"): "12:00",
           ("weather", "Oslo"): "snow"}
LOOP_END = "Got: rain \"heavy\" | 12:00 | snow"

# kind: status of each dialect (openai, anthropic, gemini), the rest is the dialect's own
TROUBLES = {
    "bad": (400, 400, 400), "key": (401, 401, 400), "forbidden": (403, 403, 403),
    "missing": (404, 404, 404), "limited": (429, 429, 429), "broken": (500, 500, 500),
    "overloaded": (503, 529, 503), "html": (502, 502, 502), "hidden": (200, 200, 200)}
RETRY_AFTER_S = 7
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>cloudflare</h1></body></html>"


class Trouble(Exception):
    """An error of one of TROUBLES; refusals of a strict fake are `bad` with their own words."""

    def __init__(self, kind, message=None, param=None):
        super().__init__(message or "scripted trouble: " + kind)
        self.kind = kind
        self.param = param

    def status(self, column):
        return TROUBLES[self.kind][column]


class Asked:
    """What a request said, read by a fake from its own dialect."""

    def __init__(self):
        self.system = ""
        self.question = ""      # text of the last user message that is no result of a tool
        self.images = []        # (type, size in bytes) beside the question
        self.tools = []         # names
        self.schema = None
        self.thinks = False
        self.stream = False
        self.new_question("")

    def new_question(self, text, images=()):
        """What came before belongs to an older question."""
        self.question = text
        self.images = list(images)
        self.calls = []         # a list of (id, name, arguments) for each turn with calls
        self.results = []       # (id, text) in order
        self.signatures = []    # of the reasoning since the question


class Answer:
    def __init__(self, text="", calls=(), thought=None, signature=None, manner=""):
        self.text = text
        self.calls = list(calls)    # (id, name, arguments)
        self.thought = thought
        self.signature = signature
        self.manner = manner        # "", ping, cut, break, forever


def signature_of(step):
    return "c2lnbmF0dXJlLW9mLXN0ZXA%d+/8=" % step


def loop(asked, signs):
    """The loop of tools; SIGNS: when this provider signs its turns and insists on it."""
    if sorted(asked.tools) != ["clock", "weather"]:
        raise Trouble("bad", "the tools are %r" % asked.tools)
    thinks = asked.thinks and "think" in asked.question
    step = len(asked.calls)
    for turn, calls in zip(TURNS, asked.calls):
        if [call[1:] for call in calls] != list(turn):
            raise Trouble("bad", "the calls came back as %r" % calls)
    signed = signs == "always" or signs == "thinking" and thinks
    if signed and asked.signatures != [signature_of(at) for at in range(step)]:
        raise Trouble("bad", "Invalid signature in thinking block: %r" % asked.signatures)
    if step == len(TURNS):
        return Answer("Got: " + " | ".join(text for _, text in asked.results))
    calls = [("call_%d%c" % (step, 97 + at), name, arguments)
             for at, (name, arguments) in enumerate(TURNS[step])]
    return Answer("", calls, THOUGHT if thinks else None, signature_of(step) if signed else None)


def decide(asked, signs="thinking"):
    word, _, rest = asked.question.partition(" ")
    if word == "fail":
        raise Trouble(rest)
    if word == "tools":
        return loop(asked, signs)
    if word == "system":
        return Answer("System: " + asked.system)
    if word == "look":
        return Answer(" ".join("%s:%d" % image for image in asked.images) or "nothing")
    if word == "json":
        if (asked.schema or {}).get("required") != ["city", "degrees"]:
            raise Trouble("bad", "the schema is %r" % asked.schema)
        return Answer(CITY_JSON)
    if word == "think":
        if not asked.thinks:
            raise Trouble("bad", "no reasoning was asked for")
        return Answer("Thought: " + rest, (), THOUGHT, signature_of(0))
    if word in ("cut", "break", "ping", "forever"):
        return Answer(WORDS, manner=word)
    return Answer("You said: " + rest)


def pieces(text, size=5):
    return [text[at:at + size] for at in range(0, len(text), size)]
