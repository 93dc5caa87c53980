#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/memory.h"

#include "supervisor/keys/keys.h"

#define HASH_DIGITS (2 * SHA256_SIZE)
#define COLUMNS                                                                   \
    "id, name, last4, models, created_ms, expires_ms, previous_until_ms, flags, " \
    "tenant_id, team_id, user_id, secret_hash, previous_hash"

/* ---- reading
 * --------------------------------------------------------------------------------- */

static void read_row(const struct store_value *values, unsigned count, struct key_row *ret)
{
    CHECK(count == 13);
    *ret = (struct key_row){.id = values[0].text,
                            .name = values[1].text,
                            .last4 = values[2].text,
                            .models = values[3].text,
                            .created_ms = values[4].number,
                            .expires_ms = values[5].number,
                            .previous_until_ms = values[6].number,
                            .flags = (uint32_t)values[7].number,
                            .tenant = (uint64_t)values[8].number,
                            .team = (uint64_t)values[9].number,
                            .user = (uint64_t)values[10].number};
    /* A hash that is not one matches no secret: zeros. */
    if (!decode_hex(values[11].text, ret->secret_hash, SHA256_SIZE))
        memset(ret->secret_hash, 0, SHA256_SIZE);
    if (!decode_hex(values[12].text, ret->previous_hash, SHA256_SIZE)) {
        memset(ret->previous_hash, 0, SHA256_SIZE);
        ret->previous_until_ms = 0;
    }
}

struct each {
    key_row_f *function;
    void *who;
};

static void give(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;
    struct key_row row;

    read_row(values, count, &row);
    if (row.id.len == KEY_TEXT_ID_SIZE) /* others were not made here */
        each->function(each->who, &row);
}

int key_row_each(struct store *store, key_row_f *function, void *who)
{
    struct each each = {function, who};
    int64_t rows = store_run(store, "select " COLUMNS " from api_keys order by created_ms, id",
                             NULL, 0, give, &each);

    return rows < 0 ? (int)rows : 0;
}

struct found {
    struct arena *arena;
    struct key_row *row;
};

static void keep(void *who, const struct key_row *row)
{
    const struct found *found = who;

    *found->row = *row;
    found->row->id = arena_copy(found->arena, row->id);
    found->row->name = arena_copy(found->arena, row->name);
    found->row->last4 = arena_copy(found->arena, row->last4);
    if (row->models.ptr)
        found->row->models = arena_copy(found->arena, row->models);
}

int key_row_find(struct store *store, struct span id, struct arena *arena, struct key_row *ret)
{
    *ret = (struct key_row){.flags = 0};
    struct found found = {arena, ret};
    struct each each = {keep, &found};
    struct store_value value = STORE_TEXT_VALUE(id);

    if (id.len != KEY_TEXT_ID_SIZE || !utf8_valid(id))
        return -ENOENT;
    int64_t rows = store_run(store, "select " COLUMNS " from api_keys where id = $1", &value, 1,
                             give, &each);

    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

/* ---- making
 * ---------------------------------------------------------------------------------- */

static void hash_secret(const char *key, char ret_digits[HASH_DIGITS], struct span *ret_id)
{
    struct span secret;
    uint8_t digest[SHA256_SIZE];

    CHECK(key_text_read(span_of_text(key), ret_id, &secret));
    hash_sha256(secret, digest);
    encode_hex(digest, sizeof(digest), ret_digits);
}

static bool is_good_text(struct span text, size_t most)
{
    return text.len > 0 && text.len <= most && utf8_valid(text) &&
           !memchr(text.ptr, '\0', text.len);
}

static struct store_value id_or_null(uint64_t id)
{
    struct store_value value = {.kind = STORE_NULL};

    if (id > 0)
        value = STORE_NUMBER_VALUE(id);
    return value;
}

int key_row_create(struct store *store, const struct key_wanted *wanted, int64_t now_ms,
                   struct arena *arena, struct key_row *ret, char ret_key[KEY_TEXT_SIZE + 1])
{
    char digits[HASH_DIGITS];
    struct span id;

    if (!is_good_text(wanted->name, KEY_NAME_MAX))
        return -EINVAL;
    key_text_make(ret_key);
    hash_secret(ret_key, digits, &id);
    const struct store_value values[] = {
        STORE_TEXT_VALUE(id),
        STORE_TEXT_VALUE(wanted->name),
        STORE_TEXT_VALUE(span_of(digits, sizeof(digits))),
        STORE_NUMBER_VALUE(wanted->expires_ms),
        STORE_TEXT_VALUE(wanted->models),
        id_or_null(wanted->tenant),
        id_or_null(wanted->team),
        id_or_null(wanted->user),
        STORE_NUMBER_VALUE(now_ms),
        STORE_TEXT_VALUE(span_of(ret_key + KEY_TEXT_SIZE - 4, 4)),
    };
    int64_t rows =
        store_change(store,
                     "insert into api_keys (id, name, secret_hash, expires_ms, models, "
                     "tenant_id, team_id, user_id, created_ms, last4) "
                     "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                     values, ARRAY_LEN(values));

    return rows < 0 ? (int)rows : key_row_find(store, id, arena, ret);
}

/* ---- changing
 * -------------------------------------------------------------------------------- */

/* Tells a key that is not there from one that is revoked, after an update that met no row. */
static int why_none(struct store *store, struct span id)
{
    struct arena arena;
    struct key_row row = {.flags = 0};

    arena_init(&arena, 0);
    int result = key_row_find(store, id, &arena, &row);

    arena_done(&arena);
    return result < 0 ? result : -EPERM;
}

/* Runs an update of the key $1 that is not revoked. */
static int change(struct store *store, const char *sql, const struct store_value *values,
                  unsigned count)
{
    if (values[0].text.len != KEY_TEXT_ID_SIZE || !utf8_valid(values[0].text))
        return -ENOENT;
    int64_t rows = store_change(store, sql, values, count);

    return rows < 0 ? (int)rows : rows == 0 ? why_none(store, values[0].text) : 0;
}

#define NOT_REVOKED " where id = $1 and flags < 2"

int key_row_rotate(struct store *store, struct span id, int64_t grace_ms, int64_t now_ms,
                   struct arena *arena, struct key_row *ret, char ret_key[KEY_TEXT_SIZE + 1])
{
    char digits[HASH_DIGITS];
    int64_t until_ms = 0;
    struct span same;

    if (id.len != KEY_TEXT_ID_SIZE)
        return -ENOENT;
    if (grace_ms < 0 || __builtin_add_overflow(now_ms, grace_ms, &until_ms))
        return -EINVAL;
    key_text_make_for(id, ret_key);
    if (!key_text_read(span_of_text(ret_key), &same, &same))
        return -ENOENT; /* not the digits of an id */
    hash_secret(ret_key, digits, &same);
    const struct store_value values[] = {
        STORE_TEXT_VALUE(id),
        STORE_TEXT_VALUE(span_of(digits, sizeof(digits))),
        STORE_NUMBER_VALUE(grace_ms > 0 ? until_ms : 0),
        STORE_TEXT_VALUE(span_of(ret_key + KEY_TEXT_SIZE - 4, 4)),
    };
    int result = change(store,
                        "update api_keys set previous_hash = secret_hash, secret_hash = $2, "
                        "previous_until_ms = $3, last4 = $4" NOT_REVOKED,
                        values, ARRAY_LEN(values));

    return result < 0 ? result : key_row_find(store, id, arena, ret);
}

int key_row_change(struct store *store, struct span id, const struct key_wanted *wanted)
{
    const struct store_value values[] = {
        STORE_TEXT_VALUE(id),
        STORE_TEXT_VALUE(wanted->name),
        STORE_TEXT_VALUE(wanted->models),
        STORE_NUMBER_VALUE(wanted->expires_ms),
        id_or_null(wanted->tenant),
        id_or_null(wanted->team),
        id_or_null(wanted->user),
    };

    if (!is_good_text(wanted->name, KEY_NAME_MAX))
        return -EINVAL;
    return change(store,
                  "update api_keys set name = $2, models = $3, expires_ms = $4, "
                  "tenant_id = $5, team_id = $6, user_id = $7" NOT_REVOKED,
                  values, ARRAY_LEN(values));
}

int key_row_disable(struct store *store, struct span id)
{
    const struct store_value value = STORE_TEXT_VALUE(id);

    return change(store, "update api_keys set flags = 1" NOT_REVOKED, &value, 1);
}

int key_row_enable(struct store *store, struct span id)
{
    const struct store_value value = STORE_TEXT_VALUE(id);

    return change(store, "update api_keys set flags = 0" NOT_REVOKED, &value, 1);
}

int key_row_revoke(struct store *store, struct span id)
{
    const struct store_value value = STORE_TEXT_VALUE(id);

    /* Again is fine, and nothing is left that could be valid. */
    return change(store,
                  "update api_keys set flags = 2, previous_hash = null, previous_until_ms = 0 "
                  "where id = $1",
                  &value, 1);
}

int key_row_expire(struct store *store, struct span id, int64_t expires_ms)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(id), STORE_NUMBER_VALUE(expires_ms)};

    return change(store, "update api_keys set expires_ms = $2" NOT_REVOKED, values, 2);
}

const char *key_row_state(const struct key_row *row, int64_t now_ms)
{
    if (row->flags & KEY_ROW_REVOKED)
        return "revoked";
    if (row->flags & KEY_ROW_DISABLED)
        return "disabled";
    return row->expires_ms > 0 && row->expires_ms <= now_ms ? "expired" : "active";
}
