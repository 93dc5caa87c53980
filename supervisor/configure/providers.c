#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "supervisor/configure/configure_inside.h"

/* The row of NAME, the same as long as the process lives; UINT32_MAX when all are taken. */
static uint32_t health_row(struct configure_health *health, struct span name)
{
    uint64_t hash = hash_fast(name);
    uint32_t row = 0;

    for (; row < health->count; row++) {
        if (health->rows[row].hash == hash &&
            span_eq(span_of_text(health->rows[row].name), name))
            return row;
    }
    if (row == ACCOUNTS_MAX || name.len >= sizeof(health->rows[0].name))
        return UINT32_MAX;
    health->rows[row].hash = hash;
    memcpy(health->rows[row].name, name.ptr, name.len);
    health->rows[row].name[name.len] = '\0';
    health->count++;
    return row;
}

static struct snapshot_table put_headers(struct snapshot_builder *builder,
                                         const struct settings_provider *from)
{
    struct snapshot_header headers[32];
    uint32_t count = from ? from->headers.count : 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct settings_header *header = SETTINGS_ROW(from->headers, i, settings_header);

        headers[i] = (struct snapshot_header){
            snapshot_build_text(builder, header->name),
            snapshot_build_text(builder, secret_reveal(header->value.value))};
    }
    return SNAPSHOT_BUILD_ROWS(builder, headers, count);
}

static uint32_t chosen(uint64_t own, uint64_t common)
{
    uint64_t ms = own ? own : common;

    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

/* What the file alone can say of a provider. */
static void put_own(struct snapshot_builder *builder, const struct settings *settings,
                    const struct settings_provider *from, struct snapshot_provider *provider)
{
    static const struct settings_provider_timeouts none;
    const struct settings_provider_timeouts *own = from ? &from->timeouts : &none;
    struct span ca_file = from && from->ca_file.ptr ? from->ca_file : settings->tls.ca_file;
    struct settings_url proxy;

    provider->connect_ms = chosen(own->connect, settings->timeouts.connect);
    provider->head_ms = chosen(own->head, settings->timeouts.head);
    provider->first_event_ms = chosen(own->first_event, settings->timeouts.first_event);
    provider->idle_ms = chosen(own->idle, settings->timeouts.idle);
    provider->ca_file = snapshot_build_text(builder, ca_file);
    provider->verify = !from || from->verify;
    provider->headers = put_headers(builder, from);
    if (from && from->proxy.ptr && settings_split_url(from->proxy, &proxy)) {
        provider->proxy_host = snapshot_build_text(builder, proxy.host);
        provider->proxy_port = proxy.port;
    }
}

static bool put_place(struct snapshot_builder *builder, const struct account *account,
                      struct snapshot_provider *provider)
{
    struct settings_url url;

    if (account->kind->mock) {
        put_faces(builder, account, &(struct settings_url){.path = SPAN("")}, provider);
        return true;
    }
    if (!settings_split_url(account->base_url, &url))
        return false;
    provider->host = snapshot_build_text(builder, url.host);
    provider->authority = snapshot_build_text(builder, url.authority);
    provider->port = url.port;
    provider->tls = url.tls;
    put_faces(builder, account, &url, provider);
    return true;
}

static bool put_provider(struct snapshot_builder *builder, const struct settings *settings,
                         const struct account *account, struct configure_health *health,
                         struct snapshot_provider *ret)
{
    struct span credential = secret_reveal(account->credential);

    *ret = (struct snapshot_provider){
        .name = snapshot_build_text(builder, account->name),
        .kind = snapshot_build_text(builder, account->kind->name),
        .mock = account->kind->mock,
        .quirks = account->kind->quirks,
        .health_row = health_row(health, account->name),
        .scope = account->scope,
    };
    put_own(builder, settings, account->settings, ret);
    if (account->token)
        ret->token = account->token->origin;
    else
        ret->waiting = account->settings && account->settings->oauth.line != 0;
    if (credential.len > 0)
        ret->credential = snapshot_build_text(builder, credential);
    return ret->health_row != UINT32_MAX && put_place(builder, account, ret);
}

bool put_providers(struct snapshot_builder *builder, const struct settings *settings,
                   const struct account_list *accounts, struct configure_health *health,
                   struct snapshot_header_page *page, struct buffer *reterr)
{
    uint32_t count = accounts->count;
    struct snapshot_provider *providers =
        memory_new_array(count > 0 ? count : 1, sizeof(*providers));
    bool good = true;

    for (uint32_t i = 0; i < count && good; i++) {
        good = put_provider(builder, settings, &accounts->rows[i], health, &providers[i]);
        if (!good)
            (void)buffer_append_format(reterr,
                                       "the provider %.*s has no usable base URL, or there are "
                                       "too many providers",
                                       SPAN_ARG(accounts->rows[i].name));
    }
    if (good)
        page->providers = SNAPSHOT_BUILD_ROWS(builder, providers, count);
    memory_free(providers);
    return good;
}
