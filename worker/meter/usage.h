/* worker/meter/usage.h
 *
 * What an answer used, read from the provider's own words. Nobody's word is trusted further
 * than its type: what is not a non-negative integer stays unknown.
 */
#ifndef WORKER_METER_USAGE_H
#define WORKER_METER_USAGE_H

#include "shared/base/arena.h"
#include "shared/text/json.h"

#define USAGE_RAW_MAX 512

struct bill {
    uint64_t input_tokens, output_tokens; /* USAGE_UNKNOWN: nobody said */
    uint64_t cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens;
    char *raw_place;
    struct span raw; /* the usage object as it came, at most USAGE_RAW_MAX bytes */
};

void bill_init(struct bill *bill);
/* USAGE: the member "usage" of an answer or of a stream's chunk (OpenAI's names). Kept in
 * ARENA. False when it is no object. */
bool bill_read(struct bill *bill, struct json_value usage, struct arena *arena);

/* Looks at one chunk of a stream (the data of its record). True when the chunk carries usage
 * and nothing else: the one that is hidden from a client that did not ask. */
bool bill_read_chunk(struct bill *bill, struct span data, struct arena *arena);

#endif
