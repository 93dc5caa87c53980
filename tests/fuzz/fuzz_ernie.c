/* Baidu's first API: requests of chat completions on their way to it, whole answers and streams
 * of any bytes. What is written is valid JSON; a stream in two pieces says the same as whole.
 */
#include "shared/base/buffer.h"

#include "tests/fuzz/fuzz.h"
#include "worker/translate/dialect.h"

static void begin(struct translation *t, struct arena *arena, struct chat *chat)
{
    arena_init(arena, 0);
    translation_init(t, arena, 1, 1);
    *chat = (struct chat){.dialect = DIALECT_openai};
    t->chat = chat;
    t->target.model = SPAN("completions_pro");
}

static void must_be_json(const struct buffer *out)
{
    struct json_value value;
    struct json_error error;

    MUST(json_check(buffer_span(out), &value, &error));
}

static void read_request(struct json_value body)
{
    struct buffer out _buffer_;
    struct translation t;
    struct arena arena;
    struct chat chat;
    struct json_writer json;

    buffer_init(&out, (size_t)64 << 20);
    begin(&t, &arena, &chat);
    json_write_init(&json, &out);
    if (dialect_openai.read_chat(&t, body, &chat)) {
        if (dialect_ernie.write_chat(&t, &chat, &json))
            must_be_json(&out);
    }
    arena_done(&arena);
}

static void read_answer(struct json_value body)
{
    struct buffer out _buffer_;
    struct translation t;
    struct arena arena;
    struct chat chat;
    struct reply reply = {.created = 0};
    struct json_writer json;

    buffer_init(&out, (size_t)64 << 20);
    begin(&t, &arena, &chat);
    usage_init(&reply.usage);
    json_write_init(&json, &out);
    if (dialect_ernie.read_reply(&t, body, &reply)) {
        MUST(reply.choices);
        dialect_openai.write_reply(&t, &reply, &json);
    } else {
        (void)dialect_openai.write_complaint(&t.refusal, &json);
    }
    must_be_json(&out);
    arena_done(&arena);
}

static void take(void *who, const struct event *event)
{
    event_write(who, event);
}

static void feed(struct event_reader *reader, struct sse_framer *framer, struct span bytes)
{
    struct sse_record record;

    while (sse_next(framer, &bytes, &record) == SSE_RECORD)
        event_read(reader, &record);
}

/* What a client of chat completions hears. */
static void read_stream(struct span all, size_t cut, struct buffer *out)
{
    struct translation t;
    struct arena arena;
    struct chat chat;
    struct event_writer writer;
    struct event_reader reader;
    struct sse_framer framer;

    buffer_init(out, (size_t)64 << 20);
    begin(&t, &arena, &chat);
    sse_init(&framer, all.len + 1);
    event_writer_init(&writer, &dialect_openai, &t, out);
    event_reader_init(&reader, &dialect_ernie, &t, take, &writer);
    feed(&reader, &framer, span_of(all.ptr, cut));
    feed(&reader, &framer, span_skip(all, cut));
    event_read_end(&reader);
    MUST(reader.failed || reader.ended);
    sse_done(&framer);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer whole, pieces;
    struct json_value body;
    struct json_error error;
    struct span all;
    size_t cut;

    if (size < 1)
        return 0;
    cut = take_cut(&data, &size);
    all = span_of((const char *)data, size);
    if (json_check(all, &body, &error) && body.kind == JSON_OBJECT) {
        read_request(body);
        read_answer(body);
    }
    read_stream(all, 0, &whole);
    read_stream(all, cut, &pieces);
    MUST(span_eq(buffer_span(&whole), buffer_span(&pieces)));
    buffer_done(&whole);
    buffer_done(&pieces);
    return 0;
}
