/* worker/translate/tally.h
 *
 * What text is made of, as far as the number of its tokens depends on it: words and their
 * lengths, digits, marks, white space, letters by script. One pass, 16 bytes at a time; a tally
 * is weighed afterwards for as many tokenizers as wanted (tokenizer.h). Any bytes are taken;
 * nothing is allocated.
 */
#ifndef WORKER_TRANSLATE_TALLY_H
#define WORKER_TRANSLATE_TALLY_H

#include <stdint.h>

#include "shared/base/span.h"

enum tally_feature {
#define FEATURE(name, ...) TALLY_##name,
#include "worker/translate/tokenizers.def"
    TALLY_COUNT
};

#define TALLY_BEFORE    16         /* bytes that are looked back at */
#define TALLY_AFTER     16         /* ... that may be read behind the last */
#define TALLY_BLOCK     (255 * 16) /* as many as counters of 8 bits can count, 16 at once */
#define TALLY_BYTES(of) (TALLY_BEFORE + (of) + TALLY_AFTER)

/* The place where text waits is the caller's: a large one is faster. */
struct tally {
    uint64_t counts[TALLY_COUNT];
    uint8_t *bytes;     /* TALLY_BYTES(size) */
    uint32_t size, len; /* LEN of SIZE wait */
};

/* BYTES: TALLY_BYTES(SIZE) of them; SIZE a multiple of 16, at most TALLY_BLOCK. */
void tally_init(struct tally *tally, uint8_t *bytes, uint32_t size);
/* UTF-8 as it is. What follows goes on in the same text. */
void tally_add(struct tally *tally, struct span text);
/* The inside of a JSON string. */
void tally_add_escaped(struct tally *tally, struct span inside);
/* The text ends; another may begin. */
void tally_break(struct tally *tally);
/* Counts what still waits; before any look at the counts. */
void tally_finish(struct tally *tally);

#endif
