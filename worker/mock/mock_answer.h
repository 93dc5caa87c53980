/* worker/mock/mock_answer.h
 *
 * What the built-in provider says, without any connection: a request becomes an answer, whole
 * or in pieces. Private to worker/mock.
 */
#ifndef WORKER_MOCK_MOCK_ANSWER_H
#define WORKER_MOCK_MOCK_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/span.h"

#define MOCK_WORDS_MAX   1000000
#define MOCK_WAIT_MAX_MS 3600000
#define MOCK_WORK_MAX_US 1000000

/* What a model's name asks for (mock_parts.def, docs/mock.md). */
struct mock_model {
#define PART(name, text, unit, most) uint32_t name;
#include "worker/mock/mock_parts.def"
#undef PART
    bool cuts; /* cut-after-0 is one, too */
};

/* False when NAME is no model of this provider. */
bool mock_read_model(struct span name, struct mock_model *ret);

enum mock_kind {
    MOCK_CHAT,
    MOCK_TEXT, /* the older completions */
    MOCK_EMBEDDINGS,
    MOCK_MODELS,
    MOCK_OTHER,
};

struct mock_answer {
    struct arena *arena;
    enum mock_kind kind;
    struct mock_model model;
    struct span model_name;
    struct span text;      /* what echo says */
    struct span inputs;    /* raw "input" of embeddings */
    uint64_t hash;         /* of the request's body */
    int64_t created;       /* seconds since 1970 */
    uint32_t prompt_words; /* of all messages */
    uint32_t word_count;   /* of the answer */
    uint32_t dimensions;
    bool stream, include_usage, base64, limited;
    struct span rest; /* of text, while it streams */
    uint32_t at;      /* next piece of the stream */
    uint16_t status;
    const char *error; /* with a status from 400 */
};

/* TARGET and BODY live in ARENA. */
void mock_answer_read(struct mock_answer *answer, struct arena *arena, struct span target,
                      struct span body, int64_t created);
/* The whole body. */
void mock_answer_write(struct mock_answer *answer, struct buffer *out);
/* The next event of a stream ("data: ...\n\n"); false after the last. */
bool mock_answer_next(struct mock_answer *answer, struct buffer *out);

#endif
