/* worker/translate/openai/openai_stream.h
 *
 * States of streams, of constant size: which blocks are open. Private to the folder, and to
 * the dialect whose choices are the same in another envelope: dashscope.
 */
#ifndef WORKER_TRANSLATE_OPENAI_OPENAI_STREAM_H
#define WORKER_TRANSLATE_OPENAI_OPENAI_STREAM_H

#include "worker/translate/openai/openai_inside.h"
#include "worker/translate/openai/openai_repeats.h"

#define CHOICE_LIMIT 128 /* OpenAI's own */
#define CALL_LIMIT   128 /* of tools, in all choices */
#define HELD_BYTES   96  /* of an id whose name is still to come */

/* ---- reading ----------------------------------------------------------------------------- */

struct choice_state {
    uint32_t block; /* the open block of words */
    uint8_t number;
    uint8_t words; /* enum block_kind of it */
    bool is_open;
    bool seen, stopped, called;
};

struct call_state {
    uint64_t id_hash;
    uint32_t index; /* the provider's */
    uint32_t block;
    uint8_t choice;
    bool closed;
};

struct openai_reader {
    bool started;
    uint32_t next_block;
    uint32_t choice_count; /* highest number seen, and one */
    uint32_t call_count;
    struct choice_state choices[CHOICE_LIMIT];
    struct call_state calls[CALL_LIMIT];
    struct json_value logprobs;     /* of the words of the record at hand */
    struct openai_repeats *repeats; /* NULL: records have only what is new */
    uint8_t held_len;               /* an id that came without a name */
    char held[HELD_BYTES];
};

/* Items of tool_calls; the deprecated function_call. */
void openai_calls_read(struct event_reader *reader, struct choice_state *choice,
                       struct json_value list);
void openai_calls_read_old(struct event_reader *reader, struct choice_state *choice,
                           struct json_value call);
/* All calls of the choice are over. */
void openai_calls_close(struct event_reader *reader, struct choice_state *choice);
/* So are its words. */
void openai_words_close(struct event_reader *reader, struct choice_state *choice);

/* An item of `choices`; SAID is its member that has the words. */
void openai_tell_choice(struct event_reader *reader, struct json_value item, struct span said);
void openai_tell_choices(struct event_reader *reader, struct json_value choices,
                         struct span said);

/* ---- writing ----------------------------------------------------------------------------- */

struct block_out {
    uint32_t index; /* the event's */
    uint8_t choice;
    uint8_t kind;               /* enum block_kind */
    uint8_t ordinal;            /* of a call, in its choice */
    bool custom;                /* a call with free text, for the client */
    bool collects;              /* ... which the provider gives as JSON: unwrapped at its end */
    bool said;                  /* some of the input was written */
    uint32_t before;            /* text: characters of the choice before it */
    struct citation *citations; /* without a place: until the end is known */
    struct buffer *collected;
};

struct openai_writer {
    struct span head; /* of each chunk, up to the number of its choice */
    struct span tail; /* of each chunk, after its choices */
    struct usage usage;
    uint8_t roles[CHOICE_LIMIT]; /* choices whose first chunk was written */
    uint8_t next_ordinal[CHOICE_LIMIT];
    uint32_t characters[CHOICE_LIMIT]; /* of texts, so far */
    uint32_t open_count;
    struct block_out open[CALL_LIMIT];
    bool holds;         /* the last of OPEN is a call that waits for its signature */
    struct buffer held; /* its id and name */
    size_t held_id_len;
};

#endif
