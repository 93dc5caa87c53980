/* worker/meter/bill.h
 *
 * What an exchange used, in the provider's own words: the counts of the canonical answer and
 * the object that they were read from, kept until the record is written.
 */
#ifndef WORKER_METER_BILL_H
#define WORKER_METER_BILL_H

#include "worker/translate/reply.h"

#define BILL_RAW_MAX 512

struct bill {
    struct usage usage;
    char *raw_place; /* in the arena, of RAW_SIZE bytes */
    uint32_t raw_size;
};

void bill_init(struct bill *bill);
/* The newest word: what it does not know stays as it was. USAGE's raw bytes are copied when
 * they are not too many. */
void bill_take(struct bill *bill, const struct usage *usage, struct arena *arena);

static inline bool bill_known(const struct bill *bill)
{
    return bill->usage.input != TOKENS_UNKNOWN || bill->usage.output != TOKENS_UNKNOWN;
}

#endif
