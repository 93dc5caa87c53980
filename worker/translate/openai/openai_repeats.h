/* worker/translate/openai/openai_repeats.h
 *
 * Streams whose records repeat all that was said before (DashScope's without
 * `incremental_output`, which some models do not know): what is new of each piece. Nobody says
 * which kind a stream is of, so it is judged by its pieces: words that twice begin with all
 * that was said and go on from there, or arguments that begin their object a second time. A
 * piece that may be either is held until the next one tells. Constant memory: of what was said
 * only length and hash are kept. Part of a reader's state; owns what it holds through the
 * arena.
 */
#ifndef WORKER_TRANSLATE_OPENAI_OPENAI_REPEATS_H
#define WORKER_TRANSLATE_OPENAI_OPENAI_REPEATS_H

#include "shared/base/arena.h"
#include "shared/base/buffer.h"

#include "worker/translate/text.h"

#define REPEATS_CHOICES 4   /* DashScope's own limit */
#define REPEATS_CALLS   128 /* as many as a reader follows */

/* Words or arguments in one place. */
struct said {
    uint64_t hash;
    size_t len;
};

struct openai_repeats {
    bool sure;  /* the stream repeats */
    bool quiet; /* the record at hand has no more tokens than the one before: nothing is new */
    struct said words[REPEATS_CHOICES][2]; /* text, reasoning */
    struct said calls[REPEATS_CALLS];
    struct said *held_at; /* where the held piece was said; NULL: none */
    struct buffer held;
};

struct openai_repeats *openai_repeats_new(struct arena *arena);

/* What is new of TEXT, which stands at SAID; empty: nothing, or it is held. *RET_FIRST: what
 * was held and is to be told before; it lives until the next call. */
struct text openai_repeats_words(struct openai_repeats *repeats, struct said *said,
                                 struct text text, struct text *ret_first);
/* The same for arguments, which are never held. */
struct text openai_repeats_arguments(struct openai_repeats *repeats, struct said *said,
                                     struct text text);
/* The held piece when it stands at SAID, whose place is over: no other came to judge it by. */
struct text openai_repeats_release(struct openai_repeats *repeats, struct said *said);

#endif
