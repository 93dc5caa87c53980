#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "supervisor/configure/configure_inside.h"

static bool row_fits(const struct configure_health *health, uint32_t row, struct span name)
{
    return row < ACCOUNTS_MAX && name.len > 0 && name.len < sizeof(health->rows[0].name);
}

static void name_row(struct configure_health *health, uint32_t row, struct span name)
{
    health->rows[row].hash = hash_fast(name);
    memcpy(health->rows[row].name, name.ptr, name.len);
    health->rows[row].name[name.len] = '\0';
    if (row >= health->count)
        health->count = row + 1;
}

/* The row of NAME, the same as long as the process lives; UINT32_MAX when all are taken. What a
 * row without a name says is of an account that is gone. */
static uint32_t health_row(struct configure_lasting *lasting, struct span name)
{
    struct configure_health *health = &lasting->health;
    uint64_t hash = hash_fast(name);
    uint32_t unnamed = health->count;

    for (uint32_t row = 0; row < health->count; row++) {
        if (health->rows[row].hash == hash &&
            span_eq(span_of_text(health->rows[row].name), name))
            return row;
        if (health->rows[row].name[0] == '\0' && unnamed == health->count)
            unnamed = row;
    }
    if (!row_fits(health, unnamed, name))
        return UINT32_MAX;
    name_row(health, unnamed, name);
    if (lasting->segment)
        segment_forget_target(lasting->segment, unnamed);
    return unnamed;
}

void configure_adopt_health(struct configure_health *health, const struct snapshot *snapshot)
{
    struct snapshot_table table = snapshot_page(snapshot)->providers;

    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_provider *provider =
            SNAPSHOT_ROW(snapshot, table, i, snapshot_provider);
        struct span name = snapshot_span(snapshot, provider->name);

        if (row_fits(health, provider->health_row, name))
            name_row(health, provider->health_row, name);
    }
}

/* By value, so that a key that was replaced begins anew and one that moved keeps its state. */
static uint64_t credential_identity(struct span account, struct span value)
{
    uint8_t digest[SHA256_SIZE];
    struct buffer text;
    uint64_t identity;

    buffer_init(&text, 65536);
    (void)buffer_append(&text, account);
    (void)buffer_append_byte(&text, '\0');
    (void)buffer_append(&text, value);
    hash_sha256(buffer_span(&text), digest);
    memcpy(&identity, digest, sizeof(identity));
    if (text.ptr)
        memory_wipe(text.ptr, text.len);
    buffer_done(&text);
    return identity ? identity : 1;
}

static bool claim_credential(const struct scopes *scopes, const struct account *account,
                             struct span value, uint32_t *ret_row)
{
    struct configure_lasting *lasting = scopes->lasting;

    *ret_row = 0; /* a snapshot that no worker sees */
    if (lasting->segment)
        *ret_row = segment_claim_credential(lasting->segment,
                                            credential_identity(account->name, value),
                                            scopes->generation, lasting->oldest);
    return *ret_row != UINT32_MAX;
}

static bool put_credentials(struct snapshot_builder *builder, const struct scopes *scopes,
                            const struct account *account, struct snapshot_provider *provider)
{
    struct configure_credential keys[SNAPSHOT_CREDENTIALS_MAX];
    struct snapshot_credential rows[SNAPSHOT_CREDENTIALS_MAX];
    uint32_t count = account_credentials(account, keys);

    if (count == 0)
        return true;
    for (uint32_t i = 0; i < count; i++) {
        struct span value = secret_reveal(keys[i].value);

        rows[i] =
            (struct snapshot_credential){.value = snapshot_build_text(builder, value),
                                         .name = snapshot_build_text(builder, keys[i].name),
                                         .weight = keys[i].weight};
        if (!claim_credential(scopes, account, value, &rows[i].row))
            return false;
    }
    provider->credential = rows[0].value;
    provider->credentials = SNAPSHOT_BUILD_ROWS(builder, rows, count);
    return true;
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

/* Without watch nothing ejects, and no time is believed. */
static struct health_rules put_rules(const struct settings_health *all,
                                     const struct settings_provider_health *own, bool watch)
{
    return (struct health_rules){
        .errors_in_row = chosen(own->errors, all->errors),
        .breaks_in_row = chosen(own->breaks, all->breaks),
        .window_ms = chosen(0, all->window),
        .window_least = chosen(0, all->window_least),
        .error_percent = chosen(0, all->error_share),
        .break_percent = chosen(0, all->break_share),
        .degraded_percent = watch ? chosen(0, all->degraded_share) : 0,
        .eject_ms = chosen(own->eject, all->eject),
        .eject_max_ms = watch ? chosen(own->eject_most, all->eject_most) : 0,
        .trial_ms = watch ? chosen(0, all->trial) : 0,
        .limited_ms = chosen(0, all->limited),
        .limited_max_ms = watch ? chosen(own->limited_most, all->limited_most) : 0,
    };
}

static struct health_rules rules_of(const struct settings *settings,
                                    const struct settings_provider *from)
{
    static const struct settings_provider_health none = {.watch = 1};
    const struct settings_provider_health *own = from ? &from->health : &none;

    return put_rules(&settings->health, own, settings->health.watch && own->watch);
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
    provider->health = rules_of(settings, from);
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
                         const struct account *account, const struct scopes *scopes,
                         struct snapshot_provider *ret)
{
    *ret = (struct snapshot_provider){
        .name = snapshot_build_text(builder, account->name),
        .kind = snapshot_build_text(builder, account->kind->name),
        .mock = account->kind->mock,
        .quirks = account->kind->quirks,
        .health_row = health_row(scopes->lasting, account->name),
        .scope = account->scope,
    };
    put_own(builder, settings, account->settings, ret);
    if (account->token)
        ret->token = account->token->origin;
    else
        ret->waiting = account->settings && account->settings->oauth.line != 0;
    return ret->health_row != UINT32_MAX && put_credentials(builder, scopes, account, ret) &&
           put_place(builder, account, ret);
}

bool put_providers(struct snapshot_builder *builder, const struct settings *settings,
                   const struct account_list *accounts, const struct scopes *scopes,
                   struct snapshot_header_page *page, struct buffer *reterr)
{
    uint32_t count = accounts->count;
    struct snapshot_provider *providers =
        memory_new_array(count > 0 ? count : 1, sizeof(*providers));
    bool good = true;

    for (uint32_t i = 0; i < count && good; i++) {
        good = put_provider(builder, settings, &accounts->rows[i], scopes, &providers[i]);
        if (!good)
            (void)buffer_append_format(reterr,
                                       "the provider %.*s has no usable base URL, or there are "
                                       "too many providers or credentials",
                                       SPAN_ARG(accounts->rows[i].name));
    }
    if (good)
        page->providers = SNAPSHOT_BUILD_ROWS(builder, providers, count);
    memory_free(providers);
    return good;
}
