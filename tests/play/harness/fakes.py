"""The four fake providers by dialect, and how a gateway's settings name them."""
from harness import fake_anthropic, fake_chat, fake_gemini, fake_responses

# dialect: handler, base path, settings of the provider's row, model
ROWS = {
    "openai": (fake_chat.answer, "/v1", {"kind": "openai", "dialects": ["openai"]}, "gpt-5-mini"),
    "responses": (fake_responses.answer, "/v1", {"kind": "openai", "dialects": ["responses"]},
                  "gpt-5-mini"),
    "anthropic": (fake_anthropic.answer, "/v1", {"kind": "anthropic"}, "claude-sonnet-4-5"),
    "gemini": (fake_gemini.answer, "/v1beta", {"kind": "gemini"}, "gemini-3-flash-preview"),
}
DIALECTS = tuple(ROWS)
# those that have embeddings, and their models: Google's by both of its dialects, and by one alone
EMBEDDERS = {"openai": ("openai/text-embedding-3-small",),
             "gemini": ("gemini/gemini-embedding-001", "gemini_only/gemini-embedding-001")}


def root(provider):
    return "http://127.0.0.1:%d" % provider.port


def make(house, dialect):
    """A running fake of this dialect and its row for `house.gateway`."""
    handler, path, settings, _ = ROWS[dialect]
    provider = house.provider(handler)
    return provider, (dialect, provider, {**settings, "base_url": root(provider) + path})


def gemini_only(provider):
    """A second row for the fake of Gemini, without what stands beside its own dialect."""
    return "gemini_only", provider, {"kind": "gemini", "dialects": ["gemini"],
                                     "base_url": root(provider) + "/v1beta"}


def model(dialect):
    return ROWS[dialect][3]
