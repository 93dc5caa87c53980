/* worker/translate/said.h
 *
 * What a stream has said so far, tallied from its records without parsing them: for answers
 * that end before anybody has counted. The text stands at the same place of most records, so
 * it is looked for there first. Reasoning that the provider hides is not seen. Less than a kB
 * for each stream; any bytes are taken.
 */
#ifndef WORKER_TRANSLATE_SAID_H
#define WORKER_TRANSLATE_SAID_H

#include "shared/base/dialect_id.h"

#include "worker/translate/tokenizer.h"

#define SAID_BLOCK 240

struct said {
    struct tally tally;
    uint8_t dialect; /* enum dialect_id of the provider */
    uint8_t member;  /* where the text was last: in which member, */
    uint32_t offset; /* ... and where in the record its value begins; 0: nowhere yet */
    uint8_t bytes[TALLY_BYTES(SAID_BLOCK)];
};

void said_init(struct said *said, enum dialect_id dialect);
/* DATA of one record. */
void said_add(struct said *said, struct span data);
uint64_t said_tokens(struct said *said, enum tokenizer tokenizer);

#endif
