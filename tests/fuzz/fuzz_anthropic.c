/* Anthropic messages: a request, an answer and a stream from any bytes. The readers end, what a
 * writer makes of them is JSON, and a stream in two pieces has the same records for a client.
 */
#include "shared/base/buffer.h"
#include "shared/text/sse.h"

#include "tests/fuzz/fuzz.h"
#include "worker/translate/dialect.h"

#define LIMIT_BYTES ((size_t)16 << 20)

struct passage {
    struct arena arena;
    struct translation translation;
    struct buffer out;
};

static void begin(struct passage *passage)
{
    arena_init(&passage->arena, 0);
    translation_init(&passage->translation, &passage->arena, 1, 1);
    passage->translation.target.model = SPAN("claude-sonnet-4-5");
    passage->translation.target.traits =
        model_traits(passage->translation.target.model, DIALECT_anthropic);
    buffer_init(&passage->out, LIMIT_BYTES);
}

static void end(struct passage *passage)
{
    buffer_done(&passage->out);
    arena_done(&passage->arena);
}

static void must_be_json(const struct buffer *out)
{
    struct json_value value;
    struct json_error error;

    MUST(json_check(buffer_span(out), &value, &error));
}

static void pass_request(struct json_value body)
{
    struct chat chat = {.dialect = DIALECT_anthropic};
    struct passage passage;
    struct json_writer json;

    begin(&passage);
    passage.translation.chat = &chat;
    json_write_init(&json, &passage.out);
    if (!dialect_anthropic.read_chat(&passage.translation, body, &chat))
        MUST(passage.translation.refusal.message.ptr);
    else if (dialect_anthropic.write_chat(&passage.translation, &chat, &json))
        must_be_json(&passage.out);
    else
        MUST(passage.translation.refusal.message.ptr);
    end(&passage);
}

static void pass_reply(struct json_value body)
{
    struct reply reply = {.created = 0};
    struct passage passage;
    struct json_writer json;

    begin(&passage);
    usage_init(&reply.usage);
    json_write_init(&json, &passage.out);
    if (dialect_anthropic.read_reply(&passage.translation, body, &reply)) {
        dialect_anthropic.write_reply(&passage.translation, &reply, &json);
        must_be_json(&passage.out);
    }
    end(&passage);
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

static void pass_stream(struct passage *passage, struct span first, struct span second)
{
    struct event_writer writer;
    struct event_reader reader;
    struct sse_framer framer;

    begin(passage);
    sse_init(&framer, LIMIT_BYTES);
    event_writer_init(&writer, &dialect_anthropic, &passage->translation, &passage->out);
    event_reader_init(&reader, &dialect_anthropic, &passage->translation, take, &writer);
    feed(&reader, &framer, first);
    feed(&reader, &framer, second);
    event_read_end(&reader);
    MUST(reader.failed || reader.ended);
    sse_done(&framer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_value value;
    struct json_error error;
    struct passage whole, pieces;

    if (size < 1)
        return 0;
    size_t cut = take_cut(&data, &size);
    struct span all = span_of((const char *)data, size);

    if (json_check(all, &value, &error) && value.kind == JSON_OBJECT) {
        pass_request(value);
        pass_reply(value);
    }
    pass_stream(&whole, all, SPAN_NONE);
    pass_stream(&pieces, span_of(all.ptr, cut), span_skip(all, cut));
    MUST(span_eq(buffer_span(&whole.out), buffer_span(&pieces.out)));
    end(&whole);
    end(&pieces);
    return 0;
}
