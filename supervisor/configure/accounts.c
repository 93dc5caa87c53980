#include <stdlib.h>

#include "shared/base/memory.h"

#include "supervisor/configure/configure_inside.h"

/* What a list item of the settings has not: the first of a name stands. */
static void add(struct account_list *list, struct account account)
{
    if (!account.kind || list->count == ACCOUNTS_MAX ||
        account_find(list, account.name) != UINT32_MAX)
        return;
    if (account.base_url.len == 0)
        account.base_url = account.kind->base_url;
    if (!account.kind->mock && account.base_url.len == 0)
        return;
    account.catalogue = list->catalogue;
    list->rows[list->count++] = account;
}

static bool is_stored(const struct settings_provider *from)
{
    return from->kind.ptr && span_eq(from->kind, PROVIDER_KIND_STORE);
}

static const struct configure_token *token_of(const struct configure_rows *rows,
                                              struct span provider)
{
    for (uint32_t i = 0; i < rows->token_count; i++) {
        if (span_eq(rows->tokens[i].provider, provider))
            return &rows->tokens[i];
    }
    return NULL;
}

static struct secret first_key(const struct settings_provider *from)
{
    return from->api_keys.count > 0
               ? SETTINGS_ROW(from->api_keys, 0, settings_api_key)->key.value
               : from->api_key.value;
}

static void add_settings(struct account_list *list, const struct settings *settings,
                         const struct configure_rows *rows)
{
    for (uint32_t i = 0; i < settings->providers.count; i++) {
        const struct settings_provider *from =
            SETTINGS_ROW(settings->providers, i, settings_provider);
        const struct configure_token *token =
            from->oauth.line ? token_of(rows, from->name) : NULL;

        if (is_stored(from))
            continue;
        add(list, (struct account){.source = PROVIDER_SETTINGS,
                                   .kind = provider_kind_find(from->kind),
                                   .name = from->name,
                                   .base_url = from->base_url,
                                   .credential = token ? token->value : first_key(from),
                                   .keys = from->api_keys,
                                   .token = token,
                                   .settings = from,
                                   .models = from->models.rows,
                                   .model_count = from->models.count});
    }
}

static struct secret first_stored(const struct configure_provider *from)
{
    struct secret first = {SPAN_NONE};

    for (uint32_t i = 0; i < from->key_count && secret_reveal(first).len == 0; i++)
        first = from->keys[i].value;
    return first;
}

/* What the file adds to an account of the store, or NULL. */
static const struct settings_provider *added_to(const struct settings *settings,
                                                struct span name)
{
    for (uint32_t i = 0; i < settings->providers.count; i++) {
        const struct settings_provider *from =
            SETTINGS_ROW(settings->providers, i, settings_provider);

        if (is_stored(from) && span_eq(from->name, name))
            return from;
    }
    return NULL;
}

static void add_stored(struct account_list *list, const struct settings *settings,
                       const struct configure_provider *from)
{
    const struct settings_provider *added = added_to(settings, from->name);
    bool own_models = added && added->models.count > 0;

    add(list,
        (struct account){.source = PROVIDER_STORE,
                         .kind = provider_kind_find(from->kind),
                         .name = from->name,
                         .base_url = from->base_url,
                         .credential = first_stored(from),
                         .stored = from,
                         .settings = added,
                         .models = own_models ? added->models.rows : from->models,
                         .model_count = own_models ? added->models.count : from->model_count});
}

static void add_environment(struct account_list *list)
{
    const struct provider_kind *kind;

    for (unsigned i = 0; (kind = provider_kind_at(i)) != NULL; i++) {
        const char *value = kind->variable.len > 0 ? getenv(kind->variable.ptr) : NULL;

        if (value && value[0] != '\0')
            add(list, (struct account){.source = PROVIDER_ENVIRONMENT,
                                       .kind = kind,
                                       .name = kind->name,
                                       .credential = secret_of(span_of_text(value))});
    }
}

static void add_built_in(struct account_list *list)
{
    const struct provider_kind *kind;

    for (unsigned i = 0; (kind = provider_kind_at(i)) != NULL; i++) {
        if (kind->mock)
            add(list, (struct account){
                          .source = PROVIDER_BUILT_IN, .kind = kind, .name = kind->name});
    }
}

const struct catalogue *configure_catalogue(const struct configure_rows *rows)
{
    return rows->catalogue ? rows->catalogue : catalogue_built_in();
}

void accounts_gather(struct account_list *list, const struct settings *settings,
                     const struct configure_rows *rows)
{
    list->rows = memory_new_array(ACCOUNTS_MAX, sizeof(struct account));
    list->count = 0;
    list->catalogue = configure_catalogue(rows);
    add_settings(list, settings, rows);
    for (uint32_t i = 0; i < rows->provider_count; i++)
        add_stored(list, settings, &rows->providers[i]);
    if (settings->environment)
        add_environment(list);
    if (settings->mock)
        add_built_in(list);
}

void accounts_done(struct account_list *list)
{
    memory_free(list->rows);
    *list = (struct account_list){.rows = NULL};
}

uint32_t account_find(const struct account_list *list, struct span name)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (span_eq(list->rows[i].name, name))
            return i;
    }
    return UINT32_MAX;
}

static uint32_t stored_credentials(const struct configure_provider *from,
                                   struct configure_credential ret[SNAPSHOT_CREDENTIALS_MAX])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < from->key_count && count < SNAPSHOT_CREDENTIALS_MAX; i++) {
        if (secret_reveal(from->keys[i].value).len > 0)
            ret[count++] = from->keys[i];
    }
    return count;
}

uint32_t account_credentials(const struct account *account,
                             struct configure_credential ret[SNAPSHOT_CREDENTIALS_MAX])
{
    if (account->stored)
        return stored_credentials(account->stored, ret);
    for (uint32_t i = 0; i < account->keys.count; i++) {
        const struct settings_api_key *key = SETTINGS_ROW(account->keys, i, settings_api_key);

        ret[i] = (struct configure_credential){
            .name = key->name, .value = key->key.value, .weight = (uint32_t)key->weight};
    }
    if (account->keys.count > 0)
        return account->keys.count;
    ret[0] = (struct configure_credential){.value = account->credential, .weight = 1};
    return secret_reveal(account->credential).len > 0 ? 1 : 0;
}

struct span account_model(const struct account *account, uint32_t index)
{
    const struct catalogue_model *model;

    if (!account->models) {
        model = catalogue_model_at(account->catalogue, account->kind, index);
        return model ? model->name : SPAN_NONE;
    }
    return index < account->model_count ? account->models[index] : SPAN_NONE;
}

struct span configure_missing(const struct settings *settings,
                              const struct configure_rows *rows, uint32_t *at)
{
    while (*at < settings->providers.count) {
        const struct settings_provider *from =
            SETTINGS_ROW(settings->providers, (*at)++, settings_provider);
        uint32_t i = 0;

        while (i < rows->provider_count && !span_eq(rows->providers[i].name, from->name))
            i++;
        if (is_stored(from) && i == rows->provider_count)
            return from->name;
    }
    return SPAN_NONE;
}

enum provider_source configure_source(const struct settings *settings,
                                      const struct configure_rows *rows, struct span name)
{
    enum provider_source source = PROVIDER_BUILT_IN;
    struct account_list list;
    uint32_t at;

    accounts_gather(&list, settings, rows);
    at = account_find(&list, name);
    if (at != UINT32_MAX)
        source = list.rows[at].source;
    accounts_done(&list);
    return source;
}
