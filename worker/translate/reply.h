/* worker/translate/reply.h
 *
 * The canonical answer, whole; and what an answer used. A stream says the same in events
 * (event.h). Points into the provider's body; lives in the exchange's arena.
 */
#ifndef WORKER_TRANSLATE_REPLY_H
#define WORKER_TRANSLATE_REPLY_H

#include "worker/translate/chat.h"

#define TOKENS_UNKNOWN UINT64_MAX

/* Tokens. INPUT is all of the prompt, with what the cache gave and took; OUTPUT is all that was
 * generated, with reasoning. The others are parts of these two. TOKENS_UNKNOWN: nobody said. */
struct usage {
    uint64_t input, output;
    uint64_t cached;                        /* read from a cache */
    uint64_t cache_write, cache_write_long; /* written, all; of it for an hour */
    uint64_t reasoning;
    uint64_t audio_input, audio_output;
    uint64_t image_input, image_output;
    uint64_t tool_input;        /* what the provider's own tools added */
    uint64_t searches, fetches; /* no tokens: what these did, searches of the web and pages */
    uint8_t service; /* 1 + enum price_service that the provider says; 0: it does not */
    struct span raw; /* as it came; may be dropped */
};

void usage_init(struct usage *usage);
/* A non-negative integer into *RET, which else stays as it is. */
void usage_take(struct json_value value, uint64_t *ret);
/* The same of a member of OBJECT. */
void usage_read(struct json_value object, struct span name, uint64_t *ret);
/* The provider's word for how it served: a string; others say nothing. */
void usage_read_service(struct json_value word, struct usage *ret);
/* NUMBER, or 0 when unknown. */
uint64_t usage_or_zero(uint64_t number);
/* A plus B, of which one may be unknown (then the other); never wraps. */
uint64_t usage_add(uint64_t a, uint64_t b);
/* A minus B, of which each may be unknown; not below 0. */
uint64_t usage_less(uint64_t a, uint64_t b);

/* One more of what a hosted tool did. */
void usage_note_act(struct usage *usage, const struct act *act);

enum stop_reason {
    STOP_NONE, /* not known */
    STOP_END,
    STOP_SEQUENCE,
    STOP_LENGTH,
    STOP_CONTEXT, /* the model's window is full */
    STOP_TOOL,
    STOP_FILTER, /* refused or blocked */
    STOP_PAUSE,  /* to be continued by sending it back */
    STOP_FAILED  /* the provider's generation failed: nothing to be used */
};

struct choice {
    struct choice *next;
    uint32_t index;
    struct block *blocks, *last;
    uint8_t stop;               /* enum stop_reason */
    struct text stop_sequence;  /* the one that was met */
    struct json_value logprobs; /* OpenAI's form: {"content": [...]}, or absent */
};

struct reply {
    struct text id, model;
    uint64_t created;              /* seconds; 0: unknown */
    struct choice *choices, *last; /* at least one */
    struct usage usage;
    struct text service_tier;
};

struct choice *reply_add_choice(struct reply *reply, struct arena *arena);
struct block *choice_add_block(struct choice *choice, enum block_kind kind,
                               struct arena *arena);
bool choice_has(const struct choice *choice, enum block_kind kind);

#endif
