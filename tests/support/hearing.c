#include "tests/support/hearing.h"

#include <check.h>

#include "tests/support/spell.h"

/* ---- the grammar ------------------------------------------------------------------------- */

static void check_end(const struct grammar *grammar)
{
    ck_assert_uint_gt(grammar->stops, 0);
    for (unsigned i = 0; i < GRAMMAR_BLOCKS; i++)
        ck_assert(!grammar->open[i]);
}

static void check_block(struct grammar *grammar, const struct event *event)
{
    ck_assert_uint_lt(event->index, GRAMMAR_BLOCKS);
    if (event->kind == EVENT_open) {
        ck_assert_uint_eq(event->index, grammar->opened++);
        grammar->open[event->index] = true;
    }
    ck_assert(grammar->open[event->index]);
    if (event->kind == EVENT_close)
        grammar->open[event->index] = false;
}

void grammar_check(struct grammar *grammar, const struct event *event)
{
    ck_assert(!grammar->over);
    ck_assert(grammar->started || event->kind == EVENT_start || event->kind == EVENT_error);
    switch ((enum event_kind)event->kind) {
    case EVENT_start:
        ck_assert(!grammar->started);
        grammar->started = true;
        break;
    case EVENT_open:
    case EVENT_delta:
    case EVENT_signature:
    case EVENT_citation:
    case EVENT_close: check_block(grammar, event); break;
    case EVENT_stop: grammar->stops++; break;
    case EVENT_error: grammar->over = true; break;
    case EVENT_end:
        check_end(grammar);
        grammar->over = true;
        break;
    case EVENT_usage:
    case EVENT_ping: break;
    }
}

/* ---- a stream ---------------------------------------------------------------------------- */

static void take(void *who, const struct event *event)
{
    struct hearing *hearing = who;

    grammar_check(&hearing->grammar, event);
    spell_event(event, &hearing->said);
}

void hearing_init(struct hearing *hearing, const struct dialect *dialect,
                  enum dialect_id client)
{
    struct translation *translation = &hearing->translation;

    *hearing = (struct hearing){.chat = {.dialect = (uint8_t)client}};
    arena_init(&hearing->arena, 0);
    translation_init(translation, &hearing->arena, 1, 1700000000);
    translation->target.model = SPAN("target");
    translation->chat = &hearing->chat;
    buffer_init(&hearing->said, 1 << 20);
    sse_init(&hearing->framer, 1 << 20);
    event_reader_init(&hearing->reader, dialect, translation, take, hearing);
}

void hearing_pass(struct event_reader *reader, struct sse_framer *framer, struct span bytes)
{
    struct sse_record record;

    while (sse_next(framer, &bytes, &record) == SSE_RECORD)
        event_read(reader, &record);
}

void hearing_feed(struct hearing *hearing, struct span bytes)
{
    hearing_pass(&hearing->reader, &hearing->framer, bytes);
}

void hearing_end(struct hearing *hearing)
{
    event_read_end(&hearing->reader);
    ck_assert(hearing->reader.failed || hearing->reader.ended);
}

void hearing_done(struct hearing *hearing)
{
    sse_done(&hearing->framer);
    buffer_done(&hearing->said);
    arena_done(&hearing->arena);
}

bool hearing_matches(struct span text, struct span pattern)
{
    while (pattern.len > 0) {
        size_t count = *pattern.ptr == '@' ? TRANSLATION_ID_BYTES : 1;

        if (text.len < count || (count == 1 && *text.ptr != *pattern.ptr))
            return false;
        text = span_skip(text, count);
        pattern = span_skip(pattern, 1);
    }
    return text.len == 0;
}
