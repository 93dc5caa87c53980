/* supervisor/keys/accounts.h
 *
 * Provider accounts that operators added (not those of the settings file): rows of the table
 * provider_accounts, their credential sealed (vault.h).  All calls block (see store.h) and
 * return 0 or a negative errno: those of the store and the vault, -ENOENT, -EEXIST for a name
 * that is taken, and -EINVAL for a text that is none or too long.
 */
#ifndef SUPERVISOR_KEYS_ACCOUNTS_H
#define SUPERVISOR_KEYS_ACCOUNTS_H

#include "supervisor/keys/vault.h"
#include "supervisor/store/store.h"

#define ACCOUNT_NAME_MAX 128
#define ACCOUNT_TEXT_MAX 65536

struct account_row {
    struct span name, kind, base_url; /* base_url not there: the kind's own */
    struct secret credential;         /* not there: none */
    struct span models;               /* JSON array text, or not there */
    struct span extra;                /* JSON object text for what later versions need */
    int64_t created_ms;
    int fault; /* 0, or why the credential could not be unsealed (it is then not there) */
};

/* Every account by name; texts and secrets live until the function returns. */
typedef void account_row_f(void *who, const struct account_row *row);
int accounts_each(struct store *store, const struct vault *vault, account_row_f *function,
                  void *who);

int accounts_create(struct store *store, const struct vault *vault,
                    const struct account_row *row);
/* Changes the members that are there; name says which row. */
int accounts_change(struct store *store, const struct vault *vault,
                    const struct account_row *row);
int accounts_remove(struct store *store, struct span name);

#endif
