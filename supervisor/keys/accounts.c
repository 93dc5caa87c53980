#include "supervisor/keys/accounts.h"

#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/base/memory.h"

static struct vault_place place_of(struct span name)
{
    return (struct vault_place){SPAN("provider_accounts"), name, SPAN("credential")};
}

static void forget(struct buffer *secret)
{
    if (secret->ptr)
        memory_wipe(secret->ptr, secret->size);
    buffer_done(secret);
}

struct each {
    const struct vault *vault;
    account_row_f *function;
    void *who;
};

static void give(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;
    struct vault_place place = place_of(values[0].text);
    struct buffer plain;

    CHECK(count == 7);
    struct account_row row = {.name = values[0].text,
                              .kind = values[1].text,
                              .base_url = values[2].text,
                              .models = values[4].text,
                              .extra = values[5].text,
                              .created_ms = values[6].number};

    buffer_init(&plain, VAULT_SECRET_MAX);
    if (values[3].text.ptr) {
        row.fault = vault_unseal(each->vault, &place, values[3].text, &plain);
        if (row.fault == 0)
            row.credential = secret_of(buffer_span(&plain));
    }
    each->function(each->who, &row);
    forget(&plain);
}

int accounts_each(struct store *store, const struct vault *vault, account_row_f *function,
                  void *who)
{
    struct each each = {vault, function, who};
    int64_t rows = store_run(store,
                             "select name, kind, base_url, credential, models, extra, "
                             "created_ms from provider_accounts order by name",
                             NULL, 0, give, &each);

    return rows < 0 ? (int)rows : 0;
}

/* A text that is there must be one that the database takes. */
static bool are_texts(const struct account_row *row)
{
    const struct span texts[] = {row->name, row->kind, row->base_url, row->models, row->extra};

    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].len > ACCOUNT_TEXT_MAX || !utf8_valid(texts[i]) ||
            (texts[i].len > 0 && memchr(texts[i].ptr, '\0', texts[i].len)))
            return false;
    }
    return row->name.len > 0 && row->name.len <= ACCOUNT_NAME_MAX;
}

/* The values of a row, $1 to $7; SEALED holds the credential's text. */
static bool write_values(const struct vault *vault, const struct account_row *row,
                         struct buffer *sealed, struct store_value ret[7])
{
    struct vault_place place = place_of(row->name);
    bool has = secret_reveal(row->credential).ptr != NULL;

    if (!are_texts(row))
        return false;
    if (has && !vault_seal(vault, &place, row->credential, sealed))
        return false;
    ret[0] = STORE_TEXT_VALUE(row->name);
    ret[1] = STORE_TEXT_VALUE(row->kind);
    ret[2] = STORE_TEXT_VALUE(row->base_url);
    ret[3] = STORE_TEXT_VALUE(has ? buffer_span(sealed) : SPAN_NONE);
    ret[4] = STORE_TEXT_VALUE(has ? span_of_text(vault->id) : SPAN_NONE);
    ret[5] = STORE_TEXT_VALUE(row->models);
    ret[6] = STORE_TEXT_VALUE(row->extra);
    return true;
}

int accounts_create(struct store *store, const struct vault *vault,
                    const struct account_row *row)
{
    struct store_value values[8];
    struct buffer _buffer_ sealed;

    buffer_init(&sealed, (size_t)2 * VAULT_SECRET_MAX);
    if (row->kind.len == 0 || !write_values(vault, row, &sealed, values))
        return -EINVAL;
    values[7] = STORE_NUMBER_VALUE(row->created_ms > 0 ? row->created_ms : clock_wall_ms());
    int64_t rows =
        store_change(store,
                     "insert into provider_accounts (name, kind, base_url, credential, key_id, "
                     "models, extra, created_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)",
                     values, ARRAY_LEN(values));

    return rows < 0 ? (int)rows : 0;
}

int accounts_change(struct store *store, const struct vault *vault,
                    const struct account_row *row)
{
    struct store_value values[7];
    struct buffer _buffer_ sealed;

    buffer_init(&sealed, (size_t)2 * VAULT_SECRET_MAX);
    if (!write_values(vault, row, &sealed, values))
        return -EINVAL;
    int64_t rows = store_change(store,
                                "update provider_accounts set kind = coalesce($2, kind), "
                                "base_url = coalesce($3, base_url), "
                                "credential = coalesce($4, credential), "
                                "key_id = coalesce($5, key_id), models = coalesce($6, models), "
                                "extra = coalesce($7, extra) where name = $1",
                                values, ARRAY_LEN(values));

    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

int accounts_remove(struct store *store, struct span name)
{
    const struct store_value value = STORE_TEXT_VALUE(name);
    int64_t rows =
        store_change(store, "delete from provider_accounts where name = $1", &value, 1);

    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}
