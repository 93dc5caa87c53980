#include "supervisor/keys/account_keys.h"

#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/memory.h"

#define SEALED_BYTES ((size_t)2 * VAULT_SECRET_MAX)

/* Bound to its account and its name: it does not open in the row of another. */
static struct vault_place place_of(struct span account, struct span name)
{
    return (struct vault_place){SPAN("provider_keys"), account, name};
}

/* ---- reading ----------------------------------------------------------------------------- */

struct each {
    const struct vault *vault;
    account_key_row_f *function;
    void *who;
};

static uint32_t weight_of(int64_t stored)
{
    return stored < 1
               ? 1
               : (uint32_t)(stored > ACCOUNT_KEY_WEIGHT_MAX ? ACCOUNT_KEY_WEIGHT_MAX : stored);
}

static void give(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;
    struct vault_place place = place_of(values[0].text, values[1].text);
    struct buffer plain;

    CHECK(count == 5);
    struct account_key_row row = {.account = values[0].text,
                                  .name = values[1].text,
                                  .weight = weight_of(values[3].number),
                                  .created_ms = values[4].number};

    buffer_init(&plain, VAULT_SECRET_MAX);
    row.fault = vault_unseal(each->vault, &place, values[2].text, &plain);
    if (row.fault == 0)
        row.value = secret_of(buffer_span(&plain));
    each->function(each->who, &row);
    if (plain.ptr)
        memory_wipe(plain.ptr, plain.size);
    buffer_done(&plain);
}

int account_keys_each(struct store *store, const struct vault *vault,
                      account_key_row_f *function, void *who)
{
    struct each each = {vault, function, who};
    int64_t rows = store_run(store,
                             "select account, name, credential, weight, created_ms "
                             "from provider_keys order by account, created_ms, name",
                             NULL, 0, give, &each);

    return rows < 0 ? (int)rows : 0;
}

/* ---- changes ----------------------------------------------------------------------------- */

struct addition {
    struct store_value values[6]; /* of the row, in the order of its columns */
    int64_t accounts, keys;       /* of that name; that it has */
};

static void take_counts(void *who, const struct store_value *values, unsigned count)
{
    struct addition *addition = who;

    CHECK(count == 2);
    addition->accounts = values[0].number;
    addition->keys = values[1].number;
}

static int add_row(struct store *store, void *who)
{
    struct addition *addition = who;
    int64_t rows = store_run(store,
                             "select (select count(*) from provider_accounts where name = $1), "
                             "(select count(*) from provider_keys where account = $1)",
                             addition->values, 1, take_counts, addition);

    if (rows < 0)
        return (int)rows;
    if (addition->accounts == 0)
        return -ENOENT;
    if (addition->keys >= ACCOUNT_KEYS_MAX)
        return -E2BIG;
    rows = store_run(store,
                     "insert into provider_keys (account, name, credential, key_id, weight, "
                     "created_ms) values ($1, $2, $3, $4, $5, $6)",
                     addition->values, ARRAY_LEN(addition->values), NULL, NULL);
    return rows < 0 ? (int)rows : 0;
}

static bool name_fits(struct span name)
{
    return name.len > 0 && name.len <= ACCOUNT_KEY_NAME_MAX && utf8_valid(name) &&
           !memchr(name.ptr, '\0', name.len) && !span_eq(name, ACCOUNT_KEY_OWN);
}

int account_keys_add(struct store *store, const struct vault *vault,
                     const struct account_key_row *row)
{
    struct vault_place place = place_of(row->account, row->name);
    struct buffer sealed _buffer_;
    struct addition addition = {0};

    buffer_init(&sealed, SEALED_BYTES);
    if (!name_fits(row->name) || row->value.hidden.len == 0 || row->weight == 0 ||
        row->weight > ACCOUNT_KEY_WEIGHT_MAX || !vault_seal(vault, &place, row->value, &sealed))
        return -EINVAL;
    addition.values[0] = STORE_TEXT_VALUE(row->account);
    addition.values[1] = STORE_TEXT_VALUE(row->name);
    addition.values[2] = STORE_TEXT_VALUE(buffer_span(&sealed));
    addition.values[3] = STORE_TEXT_VALUE(span_of_text(vault->id));
    addition.values[4] = STORE_NUMBER_VALUE(row->weight);
    addition.values[5] = STORE_NUMBER_VALUE(row->created_ms);
    return store_announced(store, add_row, &addition);
}

int account_keys_remove(struct store *store, struct span account, struct span name)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(account), STORE_TEXT_VALUE(name)};
    int64_t rows =
        span_eq(name, ACCOUNT_KEY_OWN)
            ? store_change(store,
                           "update provider_accounts set credential = null, key_id = null "
                           "where name = $1 and credential is not null",
                           values, 1)
            : store_change(store, "delete from provider_keys where account = $1 and name = $2",
                           values, ARRAY_LEN(values));

    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}
