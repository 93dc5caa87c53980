/* worker/translate/event.h
 *
 * The canonical stream: what a provider's stream says, in a small closed set of events. A
 * dialect's reader turns records into events, a dialect's writer turns events into records;
 * both are values that live in the exchange's arena and use constant memory however long the
 * stream is.
 *
 * Grammar, which every reader keeps and every writer may rely on:
 *
 *   start (block-open (delta | signature)* block-close)* stop usage? end
 *
 * with usage allowed anywhere after start (the last word counts), several blocks open at once
 * (calls of tools that a provider interleaves), and one stop for each choice. Instead of what
 * is missing, an error may come at any place and is the last. Blocks are numbered from 0 in the
 * order in which they open, over all choices.
 */
#ifndef WORKER_TRANSLATE_EVENT_H
#define WORKER_TRANSLATE_EVENT_H

#include "shared/text/sse.h"

#include "worker/translate/complaint.h"
#include "worker/translate/reply.h"
#include "worker/translate/translation.h"

enum event_kind {
    EVENT_start,     /* ID, MODEL, CREATED; USAGE when it is known so early */
    EVENT_open,      /* a block: BLOCK_KIND, ID and NAME of a tool call, INDEX, CHOICE */
    EVENT_delta,     /* TEXT more of it: words, or a piece of a call's JSON */
    EVENT_signature, /* of the open block: TEXT, ORIGIN; a call's comes before its deltas */
    EVENT_citation,
    EVENT_close,
    EVENT_stop, /* STOP, STOP_SEQUENCE of CHOICE */
    EVENT_usage,
    EVENT_ping,
    EVENT_error, /* COMPLAINT; USAGE as far as it was known */
    EVENT_end,   /* the provider said that this was all */
};

struct event {
    uint8_t kind;       /* enum event_kind */
    uint8_t block_kind; /* enum block_kind */
    uint8_t stop;       /* enum stop_reason */
    uint8_t origin;     /* enum dialect_id */
    bool custom, redacted;
    uint32_t index;  /* of the block */
    uint32_t choice; /* its number, 0 in most streams */
    struct text text, id, name, model, stop_sequence;
    uint64_t created;
    struct json_value logprobs; /* of a delta, OpenAI's form */
    struct json_value raw;      /* BLOCK_other */
    const struct media *media;  /* whole, when an image, audio or document opens: no deltas */
    const struct citation *citation;
    const struct act *act; /* whole, when a block of a hosted tool opens; it has no deltas */
    const struct usage *usage;
    const struct complaint *complaint;
};

/* Takes one event; its texts live until it returns. */
typedef void take_event_f(void *who, const struct event *event);

struct event_reader {
    const struct dialect *dialect;
    struct translation *translation;
    take_event_f *take;
    void *who;
    void *state;        /* the dialect's */
    struct usage usage; /* last word so far */
    bool failed;        /* an error was told: nothing more is */
    bool ended;         /* the end mark was seen */
    bool repaired;      /* the stream broke its dialect's rules, and the reader mended it */
};

struct event_writer {
    const struct dialect *dialect;
    struct translation *translation;
    struct buffer *out; /* records are appended; emptied by the owner */
    void *state;
    bool failed; /* an error was written, or OUT is full */
};

void event_reader_init(struct event_reader *reader, const struct dialect *dialect,
                       struct translation *translation, take_event_f *take, void *who);
/* One record of the provider's stream. */
void event_read(struct event_reader *reader, const struct sse_record *record);
/* The provider's bytes are over. An end that was not announced is an error event. */
void event_read_end(struct event_reader *reader);

void event_writer_init(struct event_writer *writer, const struct dialect *dialect,
                       struct translation *translation, struct buffer *out);
void event_write(struct event_writer *writer, const struct event *event);

/* A whole answer, told to the reader's owner as if it had come as a stream. */
void reply_tell(const struct reply *reply, struct event_reader *reader);

/* For readers. */
void event_tell(struct event_reader *reader, const struct event *event);
/* The members KEYS of a record's DATA; false when it is no object: an error was told. */
bool event_pick(struct event_reader *reader, struct span data, const struct span *keys,
                unsigned count, struct json_value *values);
/* An error event of KIND; MESSAGE may be TEXT_NONE. The last that is told. */
void event_fail(struct event_reader *reader, enum complaint_kind kind, struct text message);

#endif
