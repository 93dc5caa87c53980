#include "tests/support/provider_side.h"

#include <check.h>

#include "shared/base/check.h"

#include "tests/support/spell.h"

#define BLOCKS 32

/* What both ways need. */
struct side {
    struct arena arena;
    struct translation translation;
    struct chat chat;
};

static void begin(struct side *side, const char *model, struct buffer *out)
{
    buffer_clear(out);
    arena_init(&side->arena, 0);
    translation_init(&side->translation, &side->arena, 1, 1700000000);
    side->chat = (struct chat){.dialect = DIALECT_openai};
    side->translation.chat = &side->chat;
    side->translation.target.model = span_of_text(model);
}

static struct json_value value_of(const char *body)
{
    struct json_value value;
    struct json_error error;

    ck_assert_msg(json_check(span_of_text(body), &value, &error), "%s at %zu of %s", error.text,
                  error.offset, body);
    return value;
}

/* ---- requests ---------------------------------------------------------------------------- */

void provider_asked(const struct dialect *dialect, const char *model, const char *body,
                    struct buffer *out)
{
    struct side side;
    struct json_writer json;
    struct buffer dropped _buffer_;

    begin(&side, model, out);
    buffer_init(&dropped, 1 << 20);
    ck_assert(dialect_openai.read_chat(&side.translation, value_of(body), &side.chat));
    json_write_init(&json, out);
    if (dialect->write_chat(&side.translation, &side.chat, &json)) {
        spell_dropped(&side.translation, &dropped);
        if (dropped.len > 0)
            CHECK(buffer_append_format(out, "\n%.*s", SPAN_ARG(buffer_span(&dropped))));
    } else {
        buffer_clear(out);
        CHECK(buffer_append_format(out, "refused: %.*s",
                                   (int)side.translation.refusal.message.len,
                                   side.translation.refusal.message.ptr));
    }
    arena_done(&side.arena);
}

/* ---- answers ----------------------------------------------------------------------------- */

void provider_answered(const struct dialect *dialect, const char *body, struct buffer *out)
{
    struct reply reply = {.created = 0};
    struct side side;

    begin(&side, "m", out);
    usage_init(&reply.usage);
    if (dialect->read_reply(&side.translation, value_of(body), &reply))
        spell_reply(&reply, out);
    else
        spell_complaint(&side.translation.refusal, out);
    arena_done(&side.arena);
}

/* ---- streams ----------------------------------------------------------------------------- */

struct heard {
    struct buffer *out;
    bool started, over;
    bool open[BLOCKS];
    unsigned opened, stops;
};

static void check_end(const struct heard *heard)
{
    ck_assert_uint_gt(heard->stops, 0);
    for (unsigned i = 0; i < BLOCKS; i++)
        ck_assert(!heard->open[i]);
}

static void check_block(struct heard *heard, const struct event *event)
{
    ck_assert_uint_lt(event->index, BLOCKS);
    if (event->kind == EVENT_open) {
        ck_assert_uint_eq(event->index, heard->opened++);
        heard->open[event->index] = true;
    }
    ck_assert(heard->open[event->index]);
    if (event->kind == EVENT_close)
        heard->open[event->index] = false;
}

static void check_grammar(struct heard *heard, const struct event *event)
{
    ck_assert(!heard->over);
    ck_assert(heard->started || event->kind == EVENT_start || event->kind == EVENT_error);
    switch ((enum event_kind)event->kind) {
    case EVENT_start:
        ck_assert(!heard->started);
        heard->started = true;
        break;
    case EVENT_open:
    case EVENT_delta:
    case EVENT_signature:
    case EVENT_citation:
    case EVENT_close: check_block(heard, event); break;
    case EVENT_stop: heard->stops++; break;
    case EVENT_error: heard->over = true; break;
    case EVENT_end:
        check_end(heard);
        heard->over = true;
        break;
    case EVENT_usage:
    case EVENT_ping: break;
    }
}

static void take(void *who, const struct event *event)
{
    struct heard *heard = who;

    check_grammar(heard, event);
    spell_event(event, heard->out);
}

static void feed(struct event_reader *reader, struct sse_framer *framer, struct span bytes)
{
    struct sse_record record;

    while (sse_next(framer, &bytes, &record) == SSE_RECORD)
        event_read(reader, &record);
}

void provider_streamed(const struct dialect *dialect, struct span bytes, size_t cut,
                       struct buffer *out)
{
    struct heard heard = {.out = out};
    struct event_reader reader;
    struct sse_framer framer;
    struct side side;

    begin(&side, "m", out);
    sse_init(&framer, 1 << 20);
    event_reader_init(&reader, dialect, &side.translation, take, &heard);
    feed(&reader, &framer, span_of(bytes.ptr, cut));
    feed(&reader, &framer, span_skip(bytes, cut));
    event_read_end(&reader);
    ck_assert(heard.over);
    sse_done(&framer);
    arena_done(&side.arena);
}
