"""The official Python clients behind one face: each asks in its own way and tells what it got.

`ask` returns a `Told`; `loop` runs the tools of scenarios.py as an application would, echoing each
answer just as the client gave it. Nothing is repaired on the way: what the client refuses or lacks
is the finding.
"""
import base64
import json
import time

import anthropic
import openai
from google import genai
from google.genai import errors as genai_errors, types

from harness import pictures, scenarios

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
          "required": ["city", "degrees"], "additionalProperties": False}
TOOLS = {
    "weather": ("The weather of a city", {
        "type": "object", "properties": {"city": {"type": "string"}, "units": {
            "type": "array", "items": {"type": "string", "enum": ["C", "mm"]}}}, "required": ["city"]}),
    "clock": ("The time of a zone", {"type": "object", "properties": {"zone": {"type": "string"}}})}
SYSTEM = "Antworte knapp."
PICTURE = pictures.png()
LIMIT = 4096
BUDGET = 2048
TURNS_MAX = 5


class Told:
    def __init__(self, text, usage, raw, calls=(), thought="", stop=None):
        self.text = text or ""
        self.usage = usage          # (input, cached, output, reasoning) as this client counts
        self.raw = raw              # what goes back as the assistant's turn
        self.calls = list(calls)    # (id, name, arguments)
        self.thought = thought
        self.stop = stop


def run_tool(name, arguments):
    return scenarios.RESULTS[(name, arguments.get("city") or arguments.get("zone"))]


class Client:
    """The part that all have: the loop. `speaks` is the dialect; `gateway` and `provider` are where
    the requests go, for cases that look behind the client."""
    gateway = provider = None
    count = embed = None            # of those that have it: a number; vectors of texts

    @property
    def speaks(self):
        return self.name

    def loop(self, question, stream=False, think=False):
        """(the last answer, the calls of each turn)"""
        history = [self.user(question)]
        seen = []
        for _ in range(TURNS_MAX):
            told = self.send(history, stream, tools=True, think=think)
            if not told.calls:
                return told, seen
            seen.append([call[1:] for call in told.calls])
            history += told.raw
            history += self.results([(name, called, run_tool(called, arguments))
                                     for name, called, arguments in told.calls])
        raise AssertionError("the loop does not end: %r" % seen)

    def ask(self, question, stream=False, image=False, **options):
        return self.send([self.user(question, image)], stream, **options)


class Chat(Client):
    name = "openai"
    usage = (100, 40, 30, 12)
    errors = {"bad": openai.BadRequestError, "key": openai.AuthenticationError,
              "forbidden": openai.PermissionDeniedError, "missing": openai.NotFoundError,
              "limited": openai.RateLimitError, "broken": openai.InternalServerError,
              "overloaded": openai.InternalServerError,
              "html": openai.InternalServerError, "server": openai.InternalServerError}
    base = openai.APIError

    def __init__(self, root, key, model):
        self.model = model
        self.client = openai.OpenAI(base_url=root + "/v1", api_key=key, max_retries=0, timeout=20)

    def user(self, question, image=False):
        if not image:
            return {"role": "user", "content": question}
        url = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
        return {"role": "user", "content": [{"type": "text", "text": question},
                                            {"type": "image_url", "image_url": {"url": url}}]}

    def results(self, rows):
        return [{"role": "tool", "tool_call_id": name, "content": text} for name, _, text in rows]

    def leave(self, question):
        """Begins a stream and goes with the first piece; when."""
        running = self.client.chat.completions.create(
            model=self.model, messages=[self.user(question)], stream=True)
        next(iter(running))
        left_at = time.monotonic()
        running.close()
        return left_at

    def embed(self, model, texts, **options):
        answer = self.client.embeddings.create(model=model, input=texts, **options)
        return [row.embedding for row in answer.data]

    def send(self, history, stream, system=None, tools=False, schema=False, think=False):
        more = {}
        if system:
            history = [{"role": "system", "content": system}] + history
        if tools:
            more["tools"] = [{"type": "function", "function": {
                "name": name, "description": text, "parameters": parameters}}
                for name, (text, parameters) in TOOLS.items()]
        if schema:
            more["response_format"] = {"type": "json_schema", "json_schema": {
                "name": "city", "schema": SCHEMA, "strict": True}}
        if think:
            more["reasoning_effort"] = "low"
        if stream:
            with self.client.chat.completions.stream(
                    model=self.model, messages=history, max_completion_tokens=LIMIT,
                    stream_options={"include_usage": True}, **more) as running:
                answer = running.get_final_completion()
        else:
            answer = self.client.chat.completions.create(
                model=self.model, messages=history, max_completion_tokens=LIMIT, **more)
        return self.tell(answer)

    def tell(self, answer):
        message = answer.choices[0].message
        usage = answer.usage
        raw = message.model_dump(exclude_none=True)
        for call in raw.get("tool_calls") or []:
            call.pop("index", None)
            call["function"].pop("parsed_arguments", None)
        raw.pop("parsed", None)
        counts = usage and (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens,
                            usage.completion_tokens, usage.completion_tokens_details.reasoning_tokens)
        calls = [(call.id, call.function.name, json.loads(call.function.arguments))
                 for call in message.tool_calls or []]
        return Told(message.content, counts, [raw], calls, raw.get("reasoning_content", ""),
                    answer.choices[0].finish_reason)


class AzureDeployments(Chat):
    """Azure's older addresses: the model stands in the path, the key in a header of its own."""
    name = "azure"
    speaks = "openai"

    def __init__(self, root, key, model):
        self.model = model
        self.client = openai.AzureOpenAI(azure_endpoint=root, api_key=key, api_version="2024-10-21",
                                         max_retries=0, timeout=20)


class AzureV1(Chat):
    """Azure's newer ones: as OpenAI's, below another path."""
    name = "azure v1"
    speaks = "openai"

    def __init__(self, root, key, model):
        self.model = model
        self.client = openai.OpenAI(base_url=root + "/openai/v1", api_key=key, max_retries=0,
                                    default_headers={"api-key": key}, timeout=20)


class Responses(Client):
    name = "responses"
    usage = Chat.usage
    errors = Chat.errors
    base = openai.APIError

    def __init__(self, root, key, model):
        self.model = model
        self.client = openai.OpenAI(base_url=root + "/v1", api_key=key, max_retries=0, timeout=20)

    def user(self, question, image=False):
        if not image:
            return {"role": "user", "content": question}
        url = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
        return {"role": "user", "content": [{"type": "input_text", "text": question},
                                            {"type": "input_image", "image_url": url}]}

    def leave(self, question):
        running = self.client.responses.create(model=self.model, input=question, stream=True)
        next(iter(running))
        left_at = time.monotonic()
        running.close()
        return left_at

    def results(self, rows):
        return [{"type": "function_call_output", "call_id": name, "output": text}
                for name, _, text in rows]

    def send(self, history, stream, system=None, tools=False, schema=False, think=False):
        more = {"store": False, "include": ["reasoning.encrypted_content"]}
        if system:
            more["instructions"] = system
        if tools:
            more["tools"] = [{"type": "function", "name": name, "description": text,
                              "parameters": parameters, "strict": False}
                             for name, (text, parameters) in TOOLS.items()]
        if schema:
            more["text"] = {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA,
                                       "strict": True}}
        if think:
            more["reasoning"] = {"effort": "low", "summary": "auto"}
        if stream:
            with self.client.responses.stream(model=self.model, input=history,
                                              max_output_tokens=LIMIT, **more) as running:
                answer = running.get_final_response()
        else:
            answer = self.client.responses.create(model=self.model, input=history,
                                                  max_output_tokens=LIMIT, **more)
        return self.tell(answer)

    def tell(self, answer):
        usage = answer.usage
        raw = []
        for item in answer.output:
            value = item.model_dump(exclude_none=True)
            value.pop("parsed_arguments", None)
            raw.append(value)
        calls = [(item.call_id, item.name, json.loads(item.arguments)) for item in answer.output
                 if item.type == "function_call"]
        thought = "".join(part.text for item in answer.output if item.type == "reasoning"
                          for part in item.summary)
        return Told(answer.output_text, (
            usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens,
            usage.output_tokens_details.reasoning_tokens), raw, calls, thought, answer.status)


class Messages(Client):
    name = "anthropic"
    usage = (60, 40, 30)
    errors = {"bad": anthropic.BadRequestError, "key": anthropic.AuthenticationError,
              "forbidden": anthropic.PermissionDeniedError, "missing": anthropic.NotFoundError,
              "limited": anthropic.RateLimitError, "broken": anthropic.InternalServerError,
              "overloaded": anthropic.InternalServerError, "html": anthropic.InternalServerError,
              "server": anthropic.InternalServerError}
    base = anthropic.APIError

    def __init__(self, root, key, model):
        self.model = model
        self.client = anthropic.Anthropic(base_url=root, api_key=key, max_retries=0, timeout=20)

    def user(self, question, image=False):
        if not image:
            return {"role": "user", "content": question}
        source = {"type": "base64", "media_type": "image/png",
                  "data": base64.b64encode(PICTURE).decode()}
        return {"role": "user", "content": [{"type": "image", "source": source},
                                            {"type": "text", "text": question}]}

    def leave(self, question):
        running = self.client.messages.create(model=self.model, max_tokens=LIMIT, stream=True,
                                              messages=[self.user(question)])
        next(iter(running))
        left_at = time.monotonic()
        running.close()
        return left_at

    def count(self, question):
        return self.client.messages.count_tokens(
            model=self.model, system=SYSTEM, messages=[self.user(question)]).input_tokens

    def results(self, rows):
        return [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": name,
                                              "content": text} for name, _, text in rows]}]

    def send(self, history, stream, system=None, tools=False, schema=False, think=False):
        more = {}
        if system:
            more["system"] = system
        if tools:
            more["tools"] = [{"name": name, "description": text, "input_schema": parameters}
                             for name, (text, parameters) in TOOLS.items()]
        if schema:
            more["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if think:
            more["thinking"] = {"type": "enabled", "budget_tokens": BUDGET}
        if stream:
            with self.client.messages.stream(model=self.model, messages=history, max_tokens=LIMIT,
                                             **more) as running:
                answer = running.get_final_message()
        else:
            answer = self.client.messages.create(model=self.model, messages=history,
                                                 max_tokens=LIMIT, **more)
        return self.tell(answer)

    def tell(self, answer):
        usage = answer.usage
        raw = [block.model_dump(exclude_none=True) for block in answer.content]
        for block in raw:
            block.pop("parsed_output", None)
        calls = [(block.id, block.name, block.input) for block in answer.content
                 if block.type == "tool_use"]
        thought = "".join(block.thinking for block in answer.content if block.type == "thinking")
        text = "".join(block.text for block in answer.content if block.type == "text")
        return Told(text, (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens),
                    [{"role": "assistant", "content": raw}], calls, thought, answer.stop_reason)


class Generate(Client):
    name = "gemini"
    usage = (100, 40, 18, 12)
    errors = {"bad": (400,), "key": (400,), "forbidden": (403,), "missing": (404,), "limited": (429,),
              "broken": (500,), "overloaded": (503,), "html": (502,), "server": (500, 502, 503)}
    base = genai_errors.APIError

    def __init__(self, root, key, model):
        self.model = model
        self.client = genai.Client(api_key=key, http_options=types.HttpOptions(
            base_url=root, timeout=20000))

    def user(self, question, image=False):
        parts = [types.Part.from_text(text=question)]
        if image:
            parts.append(types.Part.from_bytes(data=PICTURE, mime_type="image/png"))
        return types.Content(role="user", parts=parts)

    def leave(self, question):
        running = self.client.models.generate_content_stream(model=self.model, contents=question)
        next(running)
        left_at = time.monotonic()
        running.close()
        return left_at

    def count(self, question):
        return self.client.models.count_tokens(model=self.model, contents=question).total_tokens

    def embed(self, model, texts, **options):
        config = types.EmbedContentConfig(output_dimensionality=options.get("dimensions"))
        answer = self.client.models.embed_content(model=model, contents=texts, config=config)
        return [row.values for row in answer.embeddings]

    def results(self, rows):
        return [types.Content(role="user", parts=[types.Part(function_response=types.FunctionResponse(
            id=name, name=called, response={"result": text})) for name, called, text in rows])]

    def send(self, history, stream, system=None, tools=False, schema=False, think=False):
        more = {"max_output_tokens": LIMIT, "system_instruction": system}
        if tools:
            more["tools"] = [types.Tool(function_declarations=[types.FunctionDeclaration(
                name=name, description=text, parameters_json_schema=parameters)
                for name, (text, parameters) in TOOLS.items()])]
        if schema:
            more["response_mime_type"] = "application/json"
            more["response_json_schema"] = SCHEMA
        if think:
            more["thinking_config"] = types.ThinkingConfig(include_thoughts=True,
                                                           thinking_level="LOW")
        config = types.GenerateContentConfig(**more)
        if stream:
            chunks = list(self.client.models.generate_content_stream(
                model=self.model, contents=history, config=config))
        else:
            chunks = [self.client.models.generate_content(model=self.model, contents=history,
                                                          config=config)]
        return self.tell(chunks)

    def tell(self, chunks):
        parts = [part for chunk in chunks for candidate in chunk.candidates or []
                 for part in (candidate.content and candidate.content.parts) or []]
        calls = [(part.function_call.id, part.function_call.name, part.function_call.args or {})
                 for part in parts if part.function_call]
        usage = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata][-1]
        raw = [part for part in parts if part.function_call or part.text or part.thought_signature]
        finish = [candidate.finish_reason for chunk in chunks for candidate in chunk.candidates or []]
        return Told("".join(part.text or "" for part in parts if not part.thought), (
            usage.prompt_token_count, usage.cached_content_token_count, usage.candidates_token_count,
            usage.thoughts_token_count), [types.Content(role="model", parts=raw)], calls,
            "".join(part.text or "" for part in parts if part.thought), finish[-1].name)


CLIENTS = {client.name: client for client in (Chat, Responses, Messages, Generate,
                                              AzureDeployments, AzureV1)}
STOPS = {"openai": ("stop", "tool_calls"), "responses": ("completed",), "anthropic": ("end_turn",),
         "gemini": ("STOP",)}


def raised_as(client, kind, error):
    """The SDK raised for trouble KIND what it raises with its own provider."""
    expected = client.errors[kind]
    if isinstance(expected, tuple):
        return isinstance(error, client.base) and error.code in expected
    return isinstance(error, expected)
