/* supervisor/keys/account_keys.h
 *
 * Further credentials of a provider account of the store (accounts.h): rows of the table
 * provider_keys, each sealed and bound to its account and name.  The account's own credential
 * is the column provider_accounts.credential; it is called `api_key` and can be removed here,
 * too.  All calls block (see store.h) and return 0 or a negative errno: those of the store and
 * the vault, -ENOENT, -EEXIST for a name that is taken, -E2BIG when the account has as many as
 * it may, -EINVAL for a name or value that is none or too long.
 */
#ifndef SUPERVISOR_KEYS_ACCOUNT_KEYS_H
#define SUPERVISOR_KEYS_ACCOUNT_KEYS_H

#include "supervisor/keys/vault.h"
#include "supervisor/store/store.h"

#define ACCOUNT_KEY_OWN        SPAN("api_key")
#define ACCOUNT_KEYS_MAX       15 /* beside the account's own */
#define ACCOUNT_KEY_NAME_MAX   40
#define ACCOUNT_KEY_WEIGHT_MAX 1000

struct account_key_row {
    struct span account, name;
    struct secret value; /* not there with a fault */
    uint32_t weight;
    int64_t created_ms;
    int fault; /* 0, or why it could not be unsealed */
};

/* Every one by account, the oldest first; texts and secrets live until the function returns. */
typedef void account_key_row_f(void *who, const struct account_key_row *row);
int account_keys_each(struct store *store, const struct vault *vault,
                      account_key_row_f *function, void *who);

int account_keys_add(struct store *store, const struct vault *vault,
                     const struct account_key_row *row);
int account_keys_remove(struct store *store, struct span account, struct span name);

#endif
