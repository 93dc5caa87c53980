#include "tests/support/hearing.h"

#include "tests/support/must.h"
#include "tests/support/spell.h"

/* ---- the grammar ------------------------------------------------------------------------- */

static const char *wrong_end(const struct grammar *grammar)
{
    for (unsigned i = 0; i < GRAMMAR_BLOCKS; i++)
        if (grammar->open[i])
            return "a block is open at the end";
    return grammar->stops > 0 ? NULL : "an end without a stop";
}

static const char *wrong_block(struct grammar *grammar, const struct event *event)
{
    if (event->index >= GRAMMAR_BLOCKS)
        return "more blocks than a test should have";
    if (event->kind == EVENT_open) {
        if (event->index != grammar->opened++)
            return "a block is not the next";
        grammar->open[event->index] = true;
    }
    if (!grammar->open[event->index])
        return "a block is not open";
    if (event->kind == EVENT_close)
        grammar->open[event->index] = false;
    return NULL;
}

static const char *wrong_start(struct grammar *grammar)
{
    if (grammar->started)
        return "a second start";
    grammar->started = true;
    return NULL;
}

static const char *wrong(struct grammar *grammar, const struct event *event)
{
    if (grammar->over)
        return "something after the end";
    if (!grammar->started && event->kind != EVENT_start && event->kind != EVENT_error)
        return "something before the start";
    switch ((enum event_kind)event->kind) {
    case EVENT_start: return wrong_start(grammar);
    case EVENT_open:
    case EVENT_delta:
    case EVENT_signature:
    case EVENT_citation:
    case EVENT_close: return wrong_block(grammar, event);
    case EVENT_stop: grammar->stops++; return NULL;
    case EVENT_error: grammar->over = true; return NULL;
    case EVENT_end: grammar->over = true; return wrong_end(grammar);
    case EVENT_usage:
    case EVENT_ping: break;
    }
    return NULL;
}

void grammar_check(struct grammar *grammar, const struct event *event)
{
    const char *why = wrong(grammar, event);

    MUST(!why, "event %u of block %u: %s", event->kind, event->index, why);
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
