#include "supervisor/controller/rows.h"

#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"
#include "shared/json_tree/json_tree.h"

#include "supervisor/keys/account_keys.h"
#include "supervisor/keys/accounts.h"
#include "supervisor/keys/drains.h"
#include "supervisor/keys/keys.h"

_Static_assert((int)KEY_ROW_DISABLED == (int)KEY_DISABLED, "flags are copied");
_Static_assert((int)KEY_ROW_REVOKED == (int)KEY_REVOKED, "flags are copied");

struct rows *rows_new(void)
{
    struct rows *rows = MEMORY_NEW(struct rows);

    arena_init(&rows->arena, 4096);
    return rows;
}

/* The arena's own copy, which nobody else holds. */
static void wipe(struct secret secret)
{
    struct span hidden = secret_reveal(secret);
    char *bytes = NULL;

    memcpy(&bytes, &hidden.ptr, sizeof(bytes));
    if (bytes)
        memory_wipe(bytes, hidden.len);
}

void rows_free(struct rows *rows)
{
    if (!rows)
        return;
    for (uint32_t i = 0; i < rows->provider_count; i++)
        for (uint32_t j = 0; j < rows->providers[i].key_count; j++)
            wipe(rows->providers[i].keys[j].value);
    memory_free(rows->keys);
    memory_free(rows->providers);
    memory_free(rows->prices);
    memory_free(rows->owners);
    memory_free(rows->limits);
    memory_free(rows->budgets);
    memory_free(rows->drains);
    arena_done(&rows->arena);
    memory_free(rows);
}

struct configure_key *rows_add_key(struct rows *rows)
{
    if (rows->key_count == rows->key_room) {
        rows->key_room = rows->key_room ? rows->key_room * 2 : 64;
        rows->keys = memory_resize(rows->keys, rows->key_room * sizeof(rows->keys[0]));
    }
    memset(&rows->keys[rows->key_count], 0, sizeof(rows->keys[0]));
    return &rows->keys[rows->key_count++];
}

struct configure_provider *rows_add_provider(struct rows *rows)
{
    if (rows->provider_count == rows->provider_room) {
        rows->provider_room = rows->provider_room ? rows->provider_room * 2 : 16;
        rows->providers =
            memory_resize(rows->providers, rows->provider_room * sizeof(rows->providers[0]));
    }
    memset(&rows->providers[rows->provider_count], 0, sizeof(rows->providers[0]));
    return &rows->providers[rows->provider_count++];
}

void rows_add_credential(struct rows *rows, struct configure_provider *provider,
                         const struct configure_credential *from)
{
    struct configure_credential *to;

    if (provider->key_count >= SNAPSHOT_CREDENTIALS_MAX)
        return;
    if (!provider->keys)
        provider->keys =
            ARENA_ARRAY(&rows->arena, SNAPSHOT_CREDENTIALS_MAX, struct configure_credential);
    to = &provider->keys[provider->key_count++];
    *to = *from;
    to->name = arena_copy(&rows->arena, from->name);
    if (from->value.hidden.ptr)
        to->value = secret_of(arena_copy(&rows->arena, secret_reveal(from->value)));
}

void rows_add_drain(struct rows *rows, struct span name)
{
    if (rows->drain_count >= ROWS_MAX)
        return;
    if (rows->drain_count == rows->drain_room) {
        rows->drain_room = rows->drain_room ? rows->drain_room * 2 : 16;
        rows->drains = memory_resize(rows->drains, rows->drain_room * sizeof(rows->drains[0]));
    }
    rows->drains[rows->drain_count++] = arena_copy(&rows->arena, name);
}

static struct span copy_of(struct rows *rows, struct span text)
{
    return text.ptr ? arena_copy(&rows->arena, text) : SPAN_NONE;
}

void rows_add_price(struct rows *rows, const struct price_row *row, struct span json)
{
    struct price_sheets sheets;
    struct buffer error _buffer_;

    buffer_init(&error, 1000);
    if (rows->price_count >= ROWS_MAX)
        return;
    if (!price_rows_sheets(json, &rows->arena, &sheets, &error)) {
        log_event(LOG_ERROR, "a price of the store cannot be read",
                  LOG_TEXT_FIELD("provider", row->provider),
                  LOG_TEXT_FIELD("model", row->model),
                  LOG_TEXT_FIELD("why", buffer_span(&error)));
        return;
    }
    if (rows->price_count == rows->price_room) {
        rows->price_room = rows->price_room ? rows->price_room * 2 : 64;
        rows->prices = memory_resize(rows->prices, rows->price_room * sizeof(rows->prices[0]));
    }
    rows->prices[rows->price_count++] =
        (struct price_row){.origin = row->origin,
                           .provider = copy_of(rows, row->provider),
                           .model = copy_of(rows, row->model),
                           .from_ms = row->from_ms,
                           .price = sheets,
                           .version = copy_of(rows, row->version)};
}

const struct span *rows_names(struct rows *rows, struct span json, uint32_t *ret_count)
{
    cJSON *tree = json.ptr && json.len ? json_tree_read(json) : NULL;
    const cJSON *item;
    struct span *names = NULL;

    *ret_count = 0;
    if (cJSON_IsArray(tree)) {
        names = ARENA_ARRAY(&rows->arena, (size_t)cJSON_GetArraySize(tree) + 1, struct span);
        cJSON_ArrayForEach(item, tree)
        {
            if (cJSON_IsString(item))
                names[(*ret_count)++] =
                    arena_copy(&rows->arena, span_of_text(item->valuestring));
        }
    }
    cJSON_Delete(tree);
    return names;
}

void rows_finish(struct rows *rows)
{
    rows->table = (struct configure_rows){.keys = rows->keys,
                                          .providers = rows->providers,
                                          .owners = rows->owners,
                                          .limits = rows->limits,
                                          .budgets = rows->budgets,
                                          .key_count = rows->key_count,
                                          .provider_count = rows->provider_count,
                                          .prices = rows->prices,
                                          .price_count = rows->price_count,
                                          .owner_count = rows->owner_count,
                                          .limit_count = rows->limit_count,
                                          .budget_count = rows->budget_count};
}

/* ---- from the store ---------------------------------------------------------------------- */

static void take_key(void *who, const struct key_row *row)
{
    struct rows *rows = who;
    struct configure_key *key;

    if (rows->key_count >= ROWS_MAX || row->id.len != KEY_ID_SIZE)
        return;
    key = rows_add_key(rows);
    memcpy(key->id, row->id.ptr, KEY_ID_SIZE);
    memcpy(key->secret_hash, row->secret_hash, sizeof(key->secret_hash));
    memcpy(key->previous_hash, row->previous_hash, sizeof(key->previous_hash));
    key->flags = row->flags;
    key->previous_until_ms = row->previous_until_ms;
    key->expires_ms = row->expires_ms;
    key->tenant = row->tenant;
    key->team = row->team;
    key->user = row->user;
    key->name = arena_copy(&rows->arena, row->name);
    key->models = rows_names(rows, row->models, &key->model_count);
}

static void take_credential(struct rows *rows, struct configure_provider *provider,
                            const struct account_key_row *row)
{
    if (row->fault)
        log_event(LOG_ERROR, "the credential of a provider cannot be unsealed",
                  LOG_TEXT_FIELD("provider", row->account),
                  LOG_TEXT_FIELD("credential", row->name), LOG_ERRNO_FIELD(row->fault));
    rows_add_credential(rows, provider,
                        &(struct configure_credential){.name = row->name,
                                                       .value = row->value,
                                                       .weight = row->weight,
                                                       .created_ms = row->created_ms});
}

static void take_account(void *who, const struct account_row *row)
{
    struct rows *rows = who;
    struct configure_provider *provider;

    if (rows->provider_count >= ROWS_MAX)
        return;
    provider = rows_add_provider(rows);
    provider->name = arena_copy(&rows->arena, row->name);
    provider->kind = arena_copy(&rows->arena, row->kind);
    if (row->base_url.ptr)
        provider->base_url = arena_copy(&rows->arena, row->base_url);
    if (row->fault || row->credential.hidden.ptr)
        take_credential(rows, provider,
                        &(struct account_key_row){.account = row->name,
                                                  .name = ACCOUNT_KEY_OWN,
                                                  .value = row->credential,
                                                  .weight = 1,
                                                  .created_ms = row->created_ms,
                                                  .fault = row->fault});
    provider->models = rows_names(rows, row->models, &provider->model_count);
}

/* Both lists are in the order of accounts, so the last one is looked at first. */
static void take_account_key(void *who, const struct account_key_row *row)
{
    struct rows *rows = who;

    for (uint32_t i = 0; i < rows->provider_count; i++) {
        uint32_t at = (rows->last_keyed + i) % rows->provider_count;

        if (!span_eq(rows->providers[at].name, row->account))
            continue;
        rows->last_keyed = at;
        take_credential(rows, &rows->providers[at], row);
        return;
    }
}

static void take_price(void *who, const struct price_row *row, struct span json)
{
    rows_add_price(who, row, json);
}

static void take_drain(void *who, struct span name)
{
    rows_add_drain(who, name);
}

int rows_load(struct store *store, const struct vault *vault, struct rows **ret)
{
    struct rows *rows = rows_new();
    int result;

    (void)store_changed(store); /* what was announced until now is read now */
    result = key_row_each(store, take_key, rows);

    if (result >= 0)
        result = accounts_each(store, vault, take_account, rows);
    if (result >= 0)
        result = account_keys_each(store, vault, take_account_key, rows);
    if (result >= 0)
        result = price_rows_each(store, take_price, rows);
    if (result >= 0)
        result = drains_each(store, take_drain, rows);
    if (result >= 0)
        result = rows_load_rules(store, rows);
    if (result < 0) {
        rows_free(rows);
        return result;
    }
    rows_finish(rows);
    *ret = rows;
    return 0;
}
