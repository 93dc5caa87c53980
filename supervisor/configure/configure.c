#include "supervisor/configure/configure.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"
#include "shared/cache/cache.h"
#include "shared/snapshot/snapshot_build.h"

#include "supervisor/configure/configure_inside.h"
#include "supervisor/configure/shares.h"

#define MEDIA_ALLOW_MAX 64 /* as in settings.def */

static uint32_t u32(uint64_t number)
{
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

/* ---- values ---------------------------------------------------------------------------------
 */

static void put_limits(const struct settings *settings, struct snapshot_limits *to)
{
    const struct settings_limits *from = &settings->limits;
    const struct settings_responses *responses = &settings->responses;

    *to = (struct snapshot_limits){
        .body_bytes = from->body,
        .event_bytes = from->event,
        .head_bytes = u32(from->head),
        .target_bytes = u32(from->target),
        .header_count = u32(from->headers),
        .exchanges_per_worker = u32(from->exchanges),
        .connections_per_worker = u32(from->connections),
        .stream_buffer_bytes = u32(from->stream_buffer),
        .client_send_buffer_bytes = u32(from->send_buffer),
        .idle_upstream_per_target = u32(from->idle_upstream),
        .body_memory_bytes = from->body_memory,
        .stored_response_bytes = responses->lifetime > 0 ? responses->largest : 0,
    };
}

static void put_times(const struct settings *settings, struct snapshot_times *to)
{
    const struct settings_timeouts *from = &settings->timeouts;

    *to = (struct snapshot_times){
        .client_head_ms = u32(from->client_head),
        .client_body_ms = u32(from->client_body),
        .client_idle_ms = u32(from->client_idle),
        .client_send_ms = u32(from->client_send),
        .client_rate = u32(settings->limits.client_rate),
        .connect_ms = u32(from->connect),
        .head_ms = u32(from->head),
        .first_event_ms = u32(from->first_event),
        .idle_ms = u32(from->idle),
        .total_ms = u32(from->total),
        .upstream_idle_ms = u32(from->upstream_idle),
        .dns_stale_ms = u32(from->dns_stale),
        .drain_delay_ms = u32(from->drain_delay),
        .drain_ms = u32(from->drain),
    };
}

static void put_attempts(const struct settings_attempts *from, struct snapshot_attempts *to)
{
    *to = (struct snapshot_attempts){
        .most = u32(from->most),
        .per_target = u32(from->per_target),
        .backoff_ms = u32(from->backoff),
        .backoff_most_ms = u32(from->backoff_most),
        .budget_percent = u32(from->budget),
        .precommit_ms = u32(from->precommit),
        .precommit_events = u32(from->precommit_events),
    };
}

static void put_queue(const struct settings *settings, struct snapshot_queue *to)
{
    *to = (struct snapshot_queue){
        .waiting = u32(settings->queue.waiting),
        .wait_ms = u32(settings->queue.wait),
    };
}

static void put_media(struct snapshot_builder *builder, const struct settings *settings,
                      struct snapshot_header_page *page)
{
    const struct settings_media *from = &settings->media;
    struct net allow[MEDIA_ALLOW_MAX];

    CHECK(from->allow.count <= MEDIA_ALLOW_MAX);
    for (uint32_t i = 0; i < from->allow.count; i++)
        CHECK(net_read(((const struct span *)from->allow.rows)[i], &allow[i]));
    page->media = (struct snapshot_media){
        .file_bytes = from->file,
        .request_bytes = from->request,
        .files = u32(from->files),
        .parallel = u32(from->parallel),
        .timeout_ms = u32(from->timeout),
        .fetch = from->fetch != 0,
        .http = from->http != 0,
        .allow = SNAPSHOT_BUILD_ROWS(builder, allow, from->allow.count),
        .ca_file = snapshot_build_text(builder, settings->tls.ca_file),
    };
}

void put_cache_rules(const struct settings_cache_rules *from, struct snapshot_cache_rules *to)
{
    *to = (struct snapshot_cache_rules){
        .ttl_ms = from->ttl,
        .sampled = from->sampled != 0,
        .tools = from->tools != 0,
        .choices = from->choices != 0,
        .single_flight = from->single_flight != 0,
        .fallbacks = from->fallbacks != 0,
    };
}

static void put_cache(struct snapshot_builder *builder, const struct settings *settings,
                      struct snapshot_cache *to)
{
    const struct settings_cache *from = &settings->cache;

    to->ttl_max_ms = from->ttl_max;
    to->answer_bytes = u32(from->answer);
    to->wait_ms = u32(from->wait);
    put_cache_rules(&from->rules, &to->rules);
    for (uint32_t i = 0; i < from->distinguish.count; i++)
        to->distinguish |= cache_member_bit(((const struct span *)from->distinguish.rows)[i]);
    if (!from->redis)
        return;
    to->redis = snapshot_build_text(builder, secret_reveal(settings->redis.value));
    to->secret = snapshot_build_text(builder, secret_reveal(from->secret.value));
}

static struct snapshot_listener put_listener(struct snapshot_builder *builder,
                                             const struct settings_listener *from)
{
    struct snapshot_certificate certificates[SNAPSHOT_CERTIFICATES_MAX];
    struct snapshot_listener listener = {.address =
                                             snapshot_build_text(builder, from->address)};
    uint32_t count = from->tls.more.count;

    if (from->tls.line == 0)
        return listener;
    CHECK(count < SNAPSHOT_CERTIFICATES_MAX);
    certificates[0] =
        (struct snapshot_certificate){snapshot_build_text(builder, from->tls.certificate),
                                      snapshot_build_text(builder, from->tls.key)};
    for (uint32_t i = 0; i < count; i++) {
        const struct settings_certificate *more =
            SETTINGS_ROW(from->tls.more, i, settings_certificate);

        certificates[i + 1] =
            (struct snapshot_certificate){snapshot_build_text(builder, more->certificate),
                                          snapshot_build_text(builder, more->key)};
    }
    listener.certificates = SNAPSHOT_BUILD_ROWS(builder, certificates, count + 1);
    listener.client_ca_file = snapshot_build_text(builder, from->tls.client_ca);
    listener.client_certificate_needed = from->tls.client_required != 0;
    return listener;
}

static void put_listeners(struct snapshot_builder *builder, const struct settings_list *from,
                          struct snapshot_header_page *page)
{
    struct snapshot_listener listeners[SNAPSHOT_LISTENERS_MAX];

    CHECK(from->count <= SNAPSHOT_LISTENERS_MAX);
    for (uint32_t i = 0; i < from->count; i++)
        listeners[i] = put_listener(builder, SETTINGS_ROW(*from, i, settings_listener));
    page->listeners = SNAPSHOT_BUILD_ROWS(builder, listeners, from->count);
}

static struct snapshot_key put_key(struct snapshot_builder *builder,
                                   const struct configure_key *from)
{
    struct snapshot_key key = {
        .flags = from->flags,
        .previous_until_ms = from->previous_until_ms,
        .expires_ms = from->expires_ms,
        .tenant = from->tenant,
        .team = from->team,
        .user = from->user,
        .name = snapshot_build_text(builder, from->name),
    };

    memcpy(key.id, from->id, sizeof(key.id));
    memcpy(key.secret_hash, from->secret_hash, sizeof(key.secret_hash));
    memcpy(key.previous_hash, from->previous_hash, sizeof(key.previous_hash));
    return key;
}

static void put_keys(const struct settings *settings, const struct configure_rows *rows,
                     struct scopes *scopes, struct snapshot_header_page *page)
{
    struct snapshot_builder *builder = scopes->builder;
    struct shares shares;
    struct snapshot_key *keys =
        memory_new_array(rows->key_count > 0 ? rows->key_count : 1, sizeof(*keys));

    shares_begin(&shares, settings, scopes);
    for (uint32_t i = 0; i < rows->key_count; i++) {
        keys[i] = put_key(builder, &rows->keys[i]);
        scopes_of_key(scopes, &rows->keys[i], keys[i].scopes);
        scopes_models(scopes, &rows->keys[i], &keys[i]);
        shares_of_key(&shares, &rows->keys[i], &keys[i]);
    }
    shares_done(&shares);
    page->keys = SNAPSHOT_BUILD_ROWS(builder, keys, rows->key_count);
    memory_free(keys);
}

/* Workers write journals there whatever their current folder is. */
static struct span absolute_path(struct span path, char room[PATH_MAX])
{
    size_t len;

    if (path.len == 0 || path.ptr[0] == '/' || !realpath(".", room))
        return path;
    len = strlen(room);
    if (len + 1 + path.len >= PATH_MAX)
        return path;
    room[len] = '/';
    memcpy(room + len + 1, path.ptr, path.len);
    return span_of(room, len + 1 + path.len);
}

static void put_places(struct snapshot_builder *builder, const struct settings *settings,
                       struct snapshot_header_page *page)
{
    char room[PATH_MAX];
    struct utsname name;

    page->state_dir = snapshot_build_text(builder, absolute_path(settings->state_dir, room));
    page->access_log = snapshot_build_text(builder, settings->log.access);
    if (settings->log.access.ptr && !span_eq(settings->log.access, SPAN("stderr")))
        page->access_log =
            snapshot_build_text(builder, absolute_path(settings->log.access, room));
    page->host_name = snapshot_build_text(
        builder, uname(&name) == 0 ? span_of_text(name.nodename) : SPAN("localhost"));
    page->log_level = u32(settings->log.level);
    page->log_form = u32(settings->log.format);
}

/* Everything but the seal; false with a sentence in *reterr. */
static bool put_all(const struct settings *settings, const struct configure_rows *rows,
                    struct account_list *accounts, struct scopes *scopes,
                    struct snapshot_header_page *page)
{
    struct snapshot_builder *builder = scopes->builder;
    struct price_list prices = {.builder = builder, .now_ms = page->made_ms};

    put_limits(settings, &page->limits);
    put_times(settings, &page->times);
    put_places(builder, settings, page);
    put_attempts(&settings->attempts, &page->attempts);
    put_queue(settings, &page->queue);
    put_media(builder, settings, page);
    put_cache(builder, settings, &page->cache);
    put_listeners(builder, &settings->listeners, page);
    for (uint32_t i = 0; i < accounts->count; i++)
        accounts->rows[i].scope =
            scopes_named(scopes, LIMIT_SCOPE_provider, accounts->rows[i].name);
    if (!put_providers(builder, settings, accounts, scopes, page, scopes->why))
        return false;
    configure_prices(settings, rows, &prices.table);
    put_models(builder, settings, accounts, &(struct put_lists){&prices, scopes}, page);
    prices_end(&prices, page);
    put_keys(settings, rows, scopes, page);
    return scopes_end(scopes, page);
}

int configure_snapshot(const struct settings *settings, const struct configure_rows *rows,
                       struct configure_lasting *lasting, uint64_t generation,
                       struct buffer *reterr)
{
    struct snapshot_header_page page = {.generation = generation, .made_ms = clock_wall_ms()};
    struct snapshot_builder builder;
    struct account_list accounts;
    struct scopes scopes = {
        .builder = &builder, .lasting = lasting, .generation = generation, .why = reterr};
    int fd = -EINVAL;

    accounts_gather(&accounts, settings, rows);
    snapshot_build_init(&builder);
    scopes_begin(&scopes, settings, rows, page.made_ms);
    if (put_all(settings, rows, &accounts, &scopes, &page)) {
        fd = snapshot_build_seal(&builder, &page);
        if (fd < 0)
            (void)buffer_append_format(reterr, "the snapshot cannot be made: %s",
                                       log_error_text(fd));
    }
    scopes_done(&scopes);
    snapshot_build_done(&builder);
    accounts_done(&accounts);
    return fd;
}
