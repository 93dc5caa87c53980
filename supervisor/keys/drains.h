/* supervisor/keys/drains.h
 *
 * Provider accounts that an operator took out by hand: rows of the table provider_drains, by
 * the account's name, wherever the account comes from; so a drain outlives a stop of the
 * service and counts on all hosts with this store.  All calls block (see store.h) and return 0
 * or a negative errno of the store.
 */
#ifndef SUPERVISOR_KEYS_DRAINS_H
#define SUPERVISOR_KEYS_DRAINS_H

#include "supervisor/store/store.h"

/* Every name; it lives until the function returns. */
typedef void drain_row_f(void *who, struct span name);
int drains_each(struct store *store, drain_row_f *function, void *who);

/* What is so already stays so.  -EINVAL for a name that no account has. */
int drains_set(struct store *store, struct span name, bool drained, int64_t now_ms);

#endif
