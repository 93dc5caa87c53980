#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/net.h"
#include "shared/cache/cache.h"
#include "shared/settings/settings_inside.h"

const struct settings_provider *provider_named(const struct settings *settings,
                                               struct span name)
{
    for (uint32_t i = 0; i < settings->providers.count; i++) {
        const struct settings_provider *provider =
            SETTINGS_ROW(settings->providers, i, settings_provider);

        if (provider->name.ptr && span_eq(provider->name, name))
            return provider;
    }
    return NULL;
}

static void check_kind(struct reader *reader, const struct settings_provider *provider)
{
    const struct provider_kind *kind =
        provider->kind.ptr ? provider_kind_find(provider->kind) : NULL;
    bool stored = kind && span_eq(kind->name, PROVIDER_KIND_STORE);

    if (stored && (provider->base_url.ptr || provider->api_key.value.hidden.ptr ||
                   provider->api_keys.count > 0))
        complain(reader, provider->line,
                 "providers: the store has the `base_url` and `api_key` of a provider of kind "
                 "store: aigwctl providers edit");
    else if (kind && !stored && !kind->mock && kind->base_url.len == 0 &&
             !provider->base_url.ptr)
        complain(reader, provider->line,
                 "providers: a provider of kind %.*s needs a `base_url`", SPAN_ARG(kind->name));
}

static bool same_key(const struct settings_api_key *a, const struct settings_api_key *b)
{
    return a->key.value.hidden.ptr && b->key.value.hidden.ptr &&
           span_eq(secret_reveal(a->key.value), secret_reveal(b->key.value));
}

static void check_key(struct reader *reader, const struct settings_provider *provider,
                      uint32_t index)
{
    const struct settings_api_key *key =
        SETTINGS_ROW(provider->api_keys, index, settings_api_key);

    if (key->key.value.hidden.ptr && key->key.value.hidden.len == 0)
        complain(reader, key->line, "providers: api_keys[%u]: the `key` is empty", index);
    for (uint32_t i = 0; i < index; i++) {
        const struct settings_api_key *other =
            SETTINGS_ROW(provider->api_keys, i, settings_api_key);

        if (same_key(key, other))
            complain(reader, key->line,
                     "providers: api_keys[%u]: the same key stands in line %u already", index,
                     other->line);
        if (key->name.ptr && other->name.ptr && span_eq(key->name, other->name))
            complain(reader, key->line,
                     "providers: api_keys[%u]: the name `%.*s` stands in line %u already",
                     index, SPAN_ARG(key->name), other->line);
    }
}

static void check_keys(struct reader *reader, const struct settings_provider *provider)
{
    if (provider->api_keys.count > 0 && provider->api_key.value.hidden.ptr)
        complain(reader, provider->line,
                 "providers: `api_key` and `api_keys` exclude each other: leave one out");
    for (uint32_t i = 0; i < provider->api_keys.count; i++)
        check_key(reader, provider, i);
}

/* Where the token comes from must be known, and that it is the only credential. */
static void check_oauth(struct reader *reader, const struct settings_provider *provider)
{
    const struct settings_oauth *oauth = &provider->oauth;
    struct span kind = provider->kind.ptr ? provider->kind : SPAN("");
    struct span url = provider_kind_tokens(kind)->url;
    bool has_tenant = span_find(url, TOKENS_TENANT) != SIZE_MAX;

    if (oauth->line == 0)
        return;
    if (span_eq(kind, PROVIDER_KIND_STORE))
        complain(
            reader, oauth->line,
            "providers: the credential of a provider of kind store is in the store: `oauth` "
            "needs another kind");
    if (provider->api_key.value.hidden.ptr || provider->api_keys.count > 0)
        complain(reader, oauth->line,
                 "providers: `api_key` and `oauth` exclude each other: leave one out");
    if (oauth->client_secret.value.hidden.ptr && oauth->client_secret.value.hidden.len == 0)
        complain(reader, oauth->line, "providers: oauth: the `client_secret` is empty");
    if (oauth->tenant.ptr && (oauth->token_url.ptr || !has_tenant))
        complain(reader, oauth->line,
                 "providers: oauth: `tenant` has no place in the URL of the token service");
    else if (!oauth->tenant.ptr && !oauth->token_url.ptr && has_tenant)
        complain(reader, oauth->line,
                 "providers: oauth: kind %.*s needs a `tenant` (or a `token_url`)",
                 SPAN_ARG(kind));
    else if (!oauth->token_url.ptr && url.len == 0)
        complain(
            reader, oauth->line,
            "providers: oauth: kind %.*s needs a `token_url`, the address that gives tokens",
            SPAN_ARG(kind));
}

static void check_dialects(struct reader *reader, const struct settings_provider *provider)
{
    for (uint32_t i = 0; i < provider->dialects.count; i++) {
        struct span name = ((const struct span *)provider->dialects.rows)[i];

        if (dialect_named(name) == DIALECT_NONE)
            complain(reader, provider->line,
                     "providers: there is no dialect `%.*s` (docs/providers.md has the list)",
                     SPAN_ARG(name));
    }
    if (provider->dialects.rows && provider->dialects.count == 0)
        complain(reader, provider->line, "providers: `dialects` is empty");
}

static void check_provider(struct reader *reader, const struct settings_provider *provider)
{
    const struct settings_provider *first;

    check_kind(reader, provider);
    check_oauth(reader, provider);
    check_keys(reader, provider);
    check_dialects(reader, provider);
    if (!provider->name.ptr)
        return;
    first = provider_named(reader->settings, provider->name);
    if (first && first != provider)
        complain(reader, provider->line, "providers: the name `%.*s` stands in line %u already",
                 SPAN_ARG(provider->name), first->line);
}

/* The first ejection must not be longer than the longest; 0 of an account is that of all. */
static void check_health(struct reader *reader)
{
    const struct settings_health *all = &reader->settings->health;

    if (all->eject > all->eject_most)
        complain(reader, all->line, "health.eject: longer than health.eject_most");
    for (uint32_t i = 0; i < reader->settings->providers.count; i++) {
        const struct settings_provider_health *own =
            &SETTINGS_ROW(reader->settings->providers, i, settings_provider)->health;
        uint64_t eject = own->eject ? own->eject : all->eject;

        if (eject > (own->eject_most ? own->eject_most : all->eject_most) &&
            all->eject <= all->eject_most)
            complain(reader, own->line,
                     "providers[%u].health.eject: longer than its eject_most", i);
    }
}

bool made_by_itself(const struct settings *settings, struct span name)
{
    const struct provider_kind *kind = provider_kind_find(name);
    const char *value;

    if (!kind)
        return false;
    if (kind->mock)
        return settings->mock;
    value = kind->variable.len > 0 ? getenv(kind->variable.ptr) : NULL;
    return settings->environment && value && value[0] != '\0';
}

static void check_target(struct reader *reader, const struct settings_target *target)
{
    const struct provider_kind *kind;

    if (!target->provider.ptr || provider_named(reader->settings, target->provider) ||
        made_by_itself(reader->settings, target->provider))
        return;
    kind = provider_kind_find(target->provider);
    if (kind && kind->variable.len > 0)
        complain(reader, target->line,
                 "models: there is no provider `%.*s`, and %.*s is not set",
                 SPAN_ARG(target->provider), SPAN_ARG(kind->variable));
    else
        complain(
            reader, target->line,
            "models: there is no provider `%.*s`; one of the store (aigwctl providers add) "
            "is named in `providers` too, with kind: store",
            SPAN_ARG(target->provider));
}

static void check_model(struct reader *reader, uint32_t index)
{
    const struct settings_list models = reader->settings->models;
    const struct settings_model *model = SETTINGS_ROW(models, index, settings_model);

    for (uint32_t i = 0; i < model->targets.count; i++)
        check_target(reader, SETTINGS_ROW(model->targets, i, settings_target));
    for (uint32_t i = 0; i < index && model->name.ptr; i++) {
        const struct settings_model *first = SETTINGS_ROW(models, i, settings_model);

        if (!first->name.ptr || !span_eq(first->name, model->name))
            continue;
        complain(reader, model->line, "models: the name `%.*s` stands in line %u already",
                 SPAN_ARG(model->name), first->line);
        return;
    }
}

static void check_listeners(struct reader *reader)
{
    const struct settings_list list = reader->settings->listeners;

    for (uint32_t i = 0; i < list.count; i++) {
        const struct settings_listener *listener = SETTINGS_ROW(list, i, settings_listener);

        for (uint32_t j = 0; j < i; j++) {
            if (listener->address.ptr &&
                span_eq(listener->address, SETTINGS_ROW(list, j, settings_listener)->address))
                complain(reader, listener->line, "listen: `%.*s` stands here twice",
                         SPAN_ARG(listener->address));
        }
    }
}

static void check_media(struct reader *reader)
{
    const struct settings_media *media = &reader->settings->media;
    struct net net;

    for (uint32_t i = 0; i < media->allow.count; i++) {
        struct span text = ((const struct span *)media->allow.rows)[i];

        if (!net_read(text, &net))
            complain(reader, media->line,
                     "media: `allow` has `%.*s`, which is neither ADDRESS nor ADDRESS/BITS",
                     SPAN_ARG(text));
    }
}

static void check_cache_redis(struct reader *reader, const struct settings_cache *cache)
{
    if (!cache->redis)
        return;
    if (!secret_reveal(reader->settings->redis.value).ptr)
        complain(reader, cache->line, "cache: `redis` needs the address of Redis in `redis`");
    if (secret_reveal(cache->secret.value).len < 16)
        complain(reader, cache->line,
                 "cache: `redis` needs a `secret` of at least 16 characters");
    if (cache->memory == 0)
        complain(reader, cache->line, "cache: `redis` needs `memory`");
}

static void check_cache(struct reader *reader)
{
    const struct settings_cache *cache = &reader->settings->cache;

    if (cache->memory > 0 &&
        !cache_fits(cache->memory, cache_entries(cache->memory, (uint32_t)cache->entries)))
        complain(reader, cache->line, "cache: `memory` is too small for so many `entries`");
    check_cache_redis(reader, cache);
    for (uint32_t i = 0; i < cache->distinguish.count; i++) {
        struct span name = ((const struct span *)cache->distinguish.rows)[i];

        if (!cache_member_bit(name))
            complain(reader, cache->line,
                     "cache: `distinguish` has `%.*s`, which it does not know", SPAN_ARG(name));
    }
}

void check_references(struct reader *reader)
{
    const struct settings *settings = reader->settings;

    check_listeners(reader);
    check_media(reader);
    check_cache(reader);
    for (uint32_t i = 0; i < settings->providers.count; i++)
        check_provider(reader, SETTINGS_ROW(settings->providers, i, settings_provider));
    for (uint32_t i = 0; i < settings->models.count; i++)
        check_model(reader, i);
    check_routes(reader);
    check_conditions(reader);
    check_health(reader);
    check_rules(reader);
    check_prices(reader);
    if (settings->admin.socket.len > 107)
        complain(reader, settings->admin.line,
                 "admin.socket: the path is longer than 107 bytes");
}

/* ---- what a running worker cannot take over -------------------------------------------------
 */

static bool listener_differs(const struct settings_listener *a,
                             const struct settings_listener *b)
{
    return !span_eq(a->address, b->address) || (a->tls.line == 0) != (b->tls.line == 0);
}

bool settings_need_new_workers(const struct settings *old, const struct settings *now)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        const char *a = (const char *)old + row->at, *b = (const char *)now + row->at;

        if (row->group != GROUP_top || row->when != WHEN_NEW_WORKERS ||
            row->type == SETTING_LIST)
            continue;
        CHECK(row->type == SETTING_PATH);
        if (!span_eq(*(const struct span *)(const void *)a,
                     *(const struct span *)(const void *)b))
            return true;
    }
    if (old->listeners.count != now->listeners.count)
        return true;
    for (uint32_t i = 0; i < now->listeners.count; i++) {
        if (listener_differs(SETTINGS_ROW(old->listeners, i, settings_listener),
                             SETTINGS_ROW(now->listeners, i, settings_listener)))
            return true;
    }
    return false;
}
