/* supervisor/keys/drains.h
 *
 * Provider accounts that an operator took out by hand: rows of the table provider_drains, by
 * the account's name, wherever the account comes from; so a drain outlives a stop of the
 * service and counts on all hosts with this store.  All calls block (see store.h) and return a
 * negative errno of the store, else what they say.
 */
#ifndef SUPERVISOR_KEYS_DRAINS_H
#define SUPERVISOR_KEYS_DRAINS_H

#include "supervisor/store/store.h"

/* Every name; it lives until the function returns.  0. */
typedef void drain_row_f(void *who, struct span name);
int drains_each(struct store *store, drain_row_f *function, void *who);

/* 1; 0: it was so already.  -EINVAL for a name that no account can have. */
int drains_set(struct store *store, struct span name, bool drained, int64_t now_ms);

#endif
