/* tests/fuzz/fuzz_dialect.h
 *
 * What the targets of the dialects share: requests, whole answers and streams of any bytes pass
 * from one dialect to another. Nothing breaks; what is refused has a reason; what is written is
 * JSON; a stream in two pieces says the same as whole.
 */
#ifndef TESTS_FUZZ_FUZZ_DIALECT_H
#define TESTS_FUZZ_FUZZ_DIALECT_H

#include "shared/base/buffer.h"

#include "tests/fuzz/fuzz.h"
#include "worker/translate/dialect.h"

#define FUZZ_OUT_BYTES ((size_t)64 << 20)

/* Between whom. */
struct fuzz_pair {
    const struct dialect *client, *provider;
    const char *model;
    enum dialect_id stranger; /* a request is also written as if such a client had sent it */
    bool stream_as_array;     /* the client's stream is one JSON array */
};

struct passage {
    struct arena arena;
    struct translation translation;
    struct chat chat;
    struct buffer out;
};

static void passage_init(struct passage *passage, const struct fuzz_pair *pair)
{
    struct translation *t = &passage->translation;

    *passage = (struct passage){.chat = {.dialect = (uint8_t)pair->client->id}};
    arena_init(&passage->arena, 0);
    translation_init(t, &passage->arena, 1, 1700000000);
    t->target.model = span_of_text(pair->model);
    t->target.traits = model_traits(t->target.model, pair->provider->id);
    t->stream_as_array = pair->stream_as_array;
    t->chat = &passage->chat;
    buffer_init(&passage->out, FUZZ_OUT_BYTES);
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

    MUST(json_check(buffer_span(&passage->out), &value, &error));
}

static void pass_request(const struct fuzz_pair *pair, struct json_value body, uint32_t quirks,
                         enum dialect_id as)
{
    struct passage passage;
    struct json_writer json;
    bool written;

    passage_init(&passage, pair);
    passage.translation.target.quirks = quirks;
    if (pair->client->fits)
        (void)pair->client->fits(body, &passage.translation.target);
    json_write_init(&json, &passage.out);
    written = pair->client->read_chat(&passage.translation, body, &passage.chat);
    if (written) {
        passage.chat.dialect = (uint8_t)as;
        written = pair->provider->write_chat(&passage.translation, &passage.chat, &json);
    }
    if (written)
        must_be_json(&passage);
    else
        MUST(passage.translation.refusal.message.ptr);
    passage_done(&passage);
}

static void pass_answer(const struct fuzz_pair *pair, struct json_value body)
{
    struct passage passage;
    struct json_writer json;
    struct reply reply = {.created = 0};

    passage_init(&passage, pair);
    usage_init(&reply.usage);
    json_write_init(&json, &passage.out);
    if (pair->provider->read_reply(&passage.translation, body, &reply)) {
        MUST(reply.choices);
        pair->client->write_reply(&passage.translation, &reply, &json);
    } else {
        MUST(passage.translation.refusal.message.ptr);
        (void)pair->client->write_complaint(&passage.translation.refusal, &json);
    }
    must_be_json(&passage);
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

static void pass_stream(const struct fuzz_pair *pair, struct span all, size_t cut,
                        struct passage *passage)
{
    struct event_writer writer;
    struct event_reader reader;
    struct sse_framer framer;

    passage_init(passage, pair);
    sse_init(&framer, all.len + 1);
    event_writer_init(&writer, pair->client, &passage->translation, &passage->out);
    event_reader_init(&reader, pair->provider, &passage->translation, take, &writer);
    feed(&reader, &framer, span_of(all.ptr, cut));
    feed(&reader, &framer, span_skip(all, cut));
    event_read_end(&reader);
    MUST(reader.failed || reader.ended);
    sse_done(&framer);
    if (pair->stream_as_array)
        must_be_json(passage);
}

static void pass_streams(const struct fuzz_pair *pair, struct span all, size_t cut)
{
    struct passage whole, pieces;

    pass_stream(pair, all, 0, &whole);
    pass_stream(pair, all, cut, &pieces);
    MUST(span_eq(buffer_span(&whole.out), buffer_span(&pieces.out)));
    passage_done(&whole);
    passage_done(&pieces);
}

static void pass_complaint(const struct fuzz_pair *pair, struct span all, uint16_t status)
{
    struct passage passage;
    struct complaint complaint;
    struct json_writer json;

    passage_init(&passage, pair);
    complaint_read(status, all, &passage.arena, &complaint);
    MUST(complaint.message.ptr && complaint.kind < COMPLAINT_COUNT);
    json_write_init(&json, &passage.out);
    (void)pair->client->write_complaint(&complaint, &json);
    must_be_json(&passage);
    passage_done(&passage);
}

static int fuzz_dialect(const struct fuzz_pair *pair, const uint8_t *data, size_t size)
{
    struct json_value body;
    struct json_error error;
    struct span all;
    uint32_t quirks;
    size_t cut;

    if (size < 1)
        return 0;
    quirks = *data * 0x01010101U;
    cut = take_cut(&data, &size);
    all = span_of((const char *)data, size);
    if (json_check(all, &body, &error)) {
        if (body.kind == JSON_OBJECT) {
            pass_request(pair, body, 0, pair->client->id);
            pass_request(pair, body, quirks, pair->stranger);
        }
        pass_answer(pair, body);
    }
    pass_streams(pair, all, cut);
    pass_complaint(pair, all, (uint16_t)(200 + cut % 400));
    return 0;
}

#endif
