/* supervisor/ledger/usage.h
 *
 * What the table `usage` says, for the admin API.  Blocking; all results live in the arena.
 */
#ifndef SUPERVISOR_LEDGER_USAGE_H
#define SUPERVISOR_LEDGER_USAGE_H

#include "shared/base/arena.h"
#include "shared/journal/record.h"

#include "supervisor/store/store.h"

#define USAGE_LAST_MAX   1000
#define USAGE_MODELS_MAX 200

struct usage_sum {
    struct span model; /* as asked for */
    uint64_t requests, failed, input_tokens, output_tokens;
};

struct usage_report {
    struct usage_sum all;
    struct usage_sum *models; /* most requests first */
    unsigned model_count;
    struct usage_record *last; /* newest first */
    unsigned last_count;
};

/* LIMIT: rows of `last`, at most USAGE_LAST_MAX.  0 or a negative errno of the store. */
int store_usage(struct store *store, unsigned limit, struct arena *arena,
                struct usage_report *ret);

#endif
