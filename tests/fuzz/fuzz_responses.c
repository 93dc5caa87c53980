/* The readers of OpenAI responses: whatever a client or a provider sends, nothing breaks, what
 * is written is JSON, and a stream in two pieces says what it says in one. */
#include "shared/base/buffer.h"
#include "shared/text/json.h"

#include "tests/fuzz/fuzz.h"
#include "worker/translate/dialect.h"

#define LIMIT_BYTES (16U << 20)

struct passage {
    struct arena arena;
    struct translation translation;
    struct chat chat;
    struct buffer out;
};

static void passage_init(struct passage *passage)
{
    *passage = (struct passage){.chat = {.dialect = DIALECT_responses}};
    arena_init(&passage->arena, 0);
    translation_init(&passage->translation, &passage->arena, 1, 1700000000);
    passage->translation.target.model = SPAN("m");
    passage->translation.target.traits = model_traits(SPAN("m"), DIALECT_responses);
    passage->translation.chat = &passage->chat;
    buffer_init(&passage->out, LIMIT_BYTES);
}

static void passage_done(struct passage *passage)
{
    buffer_done(&passage->out);
    arena_done(&passage->arena);
}

static void must_be_json(const struct passage *passage)
{
    struct json_value value;
    struct json_error error;

    MUST(passage->out.failed || json_check(buffer_span(&passage->out), &value, &error));
}

static void try_request(struct json_value body, uint32_t quirks, enum dialect_id as)
{
    struct passage passage;
    struct json_writer json;

    passage_init(&passage);
    passage.translation.target.quirks = quirks;
    json_write_init(&json, &passage.out);
    if (dialect_responses.read_chat(&passage.translation, body, &passage.chat)) {
        passage.chat.dialect = (uint8_t)as;
        if (dialect_responses.write_chat(&passage.translation, &passage.chat, &json))
            must_be_json(&passage);
    }
    passage_done(&passage);
}

static void try_answer(struct json_value body)
{
    struct passage passage;
    struct json_writer json;
    struct reply reply = {.created = 0};

    passage_init(&passage);
    usage_init(&reply.usage);
    json_write_init(&json, &passage.out);
    if (dialect_responses.read_reply(&passage.translation, body, &reply)) {
        dialect_responses.write_reply(&passage.translation, &reply, &json);
        must_be_json(&passage);
    }
    passage_done(&passage);
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

static void stream(struct passage *passage, struct span first, struct span second)
{
    struct event_reader reader;
    struct event_writer writer;
    struct sse_framer framer;

    passage_init(passage);
    sse_init(&framer, LIMIT_BYTES);
    event_writer_init(&writer, &dialect_responses, &passage->translation, &passage->out);
    event_reader_init(&reader, &dialect_responses, &passage->translation, take, &writer);
    feed(&reader, &framer, first);
    feed(&reader, &framer, second);
    event_read_end(&reader);
    sse_done(&framer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint32_t quirks = *data * 0x01010101U;
    size_t cut = take_cut(&data, &size);
    struct span all = span_of((const char *)data, size);
    struct passage whole, pieces;
    struct complaint complaint;
    struct json_value body;
    struct json_error error;

    if (json_check(all, &body, &error)) {
        if (body.kind == JSON_OBJECT) {
            try_request(body, 0, DIALECT_responses);
            try_request(body, quirks, DIALECT_anthropic);
        }
        try_answer(body);
    }
    stream(&whole, all, SPAN_NONE);
    stream(&pieces, span_of(all.ptr, cut), span_skip(all, cut));
    MUST(span_eq(buffer_span(&whole.out), buffer_span(&pieces.out)));
    complaint_read((uint16_t)(200 + cut % 400), all, &whole.arena, &complaint);
    MUST(complaint.message.ptr && complaint.kind < COMPLAINT_COUNT);
    passage_done(&whole);
    passage_done(&pieces);
    return 0;
}
