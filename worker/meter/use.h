/* worker/meter/use.h
 *
 * What an exchange has used, for limits, money and the record: the provider's own counts where
 * they can be true, else what the gateway saw itself, flagged. Pure functions.
 */
#ifndef WORKER_METER_USE_H
#define WORKER_METER_USE_H

#include "shared/journal/record.h"
#include "shared/price/price.h"

#include "worker/translate/reply.h"

#define USE_TOKENS_MAX 100000000 /* of a prompt or an answer: more than any model takes */

/* What was seen of the exchange from outside. */
struct observed {
    uint64_t input;   /* tokens, an estimate of the prompt */
    uint64_t output;  /* tokens, an estimate of what came */
    uint64_t context; /* tokens of the model's window; 0: not known */
    bool reached;     /* the request was with the provider, which may charge for it */
    bool whole;       /* the answer came to its end */
};

struct used {
    struct usage usage; /* input and output are known when anything was used */
    unsigned estimated; /* enum estimated */
};

/* TOLD: the provider's last word, each count of which may be unknown. */
void use_settle(const struct usage *told, const struct observed *observed, struct used *ret);
/* The counts of USAGE as price.h takes them: unknown parts are 0. */
void use_price(const struct usage *usage, uint32_t service, struct price_use *ret);

#endif
