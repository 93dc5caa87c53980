#include "worker/flow/view.h"

#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/mock/mock.h"

static struct tls_settings *make_server(const struct view *view,
                                        const struct snapshot_listener *listener,
                                        struct segment *segment, struct buffer *reterr)
{
    struct tls_certificate certificates[SNAPSHOT_CERTIFICATES_MAX];
    struct tls_server_options options = {.certificates = certificates};

    for (uint32_t i = 0; i < listener->certificates.count && i < ARRAY_LEN(certificates); i++) {
        const struct snapshot_certificate *row =
            SNAPSHOT_ROW(view->snapshot, listener->certificates, i, snapshot_certificate);

        certificates[i].certificate_file =
            snapshot_string(view->snapshot, row->certificate_file);
        certificates[i].key_file = snapshot_string(view->snapshot, row->key_file);
        options.certificate_count = i + 1;
    }
    options.client_ca_file = snapshot_string(view->snapshot, listener->client_ca_file);
    options.client_certificate_needed = listener->client_certificate_needed != 0;
    _Static_assert(sizeof(struct tls_ticket_keys) <= sizeof(struct segment_tickets),
                   "the segment holds them in the shape of tls.h");
    options.tickets = (const struct tls_ticket_keys *)(const void *)segment_tickets(segment);
    return tls_server_settings(&options, reterr);
}

static const struct snapshot_listener *listener_at(const struct view *view, struct span address)
{
    for (uint32_t i = 0; i < view->page->listeners.count; i++) {
        const struct snapshot_listener *row =
            SNAPSHOT_ROW(view->snapshot, view->page->listeners, i, snapshot_listener);

        if (span_eq(snapshot_span(view->snapshot, row->address), address))
            return row;
    }
    return NULL;
}

static struct span address_at(const struct view *view, uint32_t index)
{
    return snapshot_span(
        view->snapshot,
        SNAPSHOT_ROW(view->snapshot, view->page->listeners, index, snapshot_listener)->address);
}

/* BEFORE: the same listener until now, or NULL. */
static void make_listener(const struct view *view, struct view_listener *listener,
                          struct segment *segment, const struct view_listener *before,
                          struct buffer *reterr)
{
    const struct snapshot_listener *row = listener_at(view, listener->address);

    listener->secure = row ? row->certificates.count > 0 : before && before->secure;
    if (row && listener->secure)
        listener->tls = make_server(view, row, segment, reterr);
    if (!listener->tls && listener->secure && before && before->tls)
        listener->tls = tls_settings_ref(before->tls);
}

static void make_listeners(struct view *view, struct segment *segment,
                           const struct view *before, struct buffer *reterr)
{
    view->listener_count = before ? before->listener_count : view->page->listeners.count;
    CHECK(view->listener_count <= SNAPSHOT_LISTENERS_MAX);
    for (unsigned i = 0; i < view->listener_count; i++) {
        struct span address = before ? before->listeners[i].address : address_at(view, i);

        view->listeners[i].address = arena_copy(&view->arena, address);
        make_listener(view, &view->listeners[i], segment, before ? &before->listeners[i] : NULL,
                      reterr);
    }
}

struct view *view_new(struct snapshot *snapshot, struct upstream *upstream,
                      struct segment *segment, const struct view *before, struct buffer *reterr)
{
    struct view *view = MEMORY_NEW(struct view);

    view->references = 1;
    arena_init(&view->arena, 0);
    view->snapshot = snapshot;
    view->page = snapshot_page(snapshot);
    view->upstream = upstream;
    view->endpoints = memory_new_array(view->page->providers.count + 1, sizeof(void *));
    make_listeners(view, segment, before, reterr);
    return view;
}

struct view *view_ref(struct view *view)
{
    view->references++;
    return view;
}

void view_unref(struct view *view)
{
    if (!view || --view->references > 0)
        return;
    for (unsigned i = 0; i < view->listener_count; i++)
        if (view->listeners[i].tls)
            tls_settings_unref(view->listeners[i].tls);
    arena_done(&view->arena);
    snapshot_unref(view->snapshot);
    memory_free(view->endpoints);
    memory_free(view);
}

/* Client settings are shared by all providers with equal options, for the life of the worker: a
 * CA bundle costs megabytes. */
struct client_settings {
    struct client_settings *next;
    struct tls_settings *settings;
    bool verify;
    bool media; /* apart: sessions with hosts that clients name take no provider's place */
    size_t ca_len;
    char ca_file[1024];
};

static struct tls_settings *client_settings_for(const char *ca_file, bool verify, bool media,
                                                struct buffer *reterr)
{
    static struct client_settings *all; /* of the process */
    const char *name = ca_file ? ca_file : "";
    struct tls_client_options options = {.ca_file = ca_file, .verify = verify};
    struct client_settings *at = all;
    size_t len = strlen(name);

    while (at && (at->verify != verify || at->media != media || at->ca_len != len ||
                  memcmp(at->ca_file, name, len)))
        at = at->next;
    if (at)
        return at->settings;
    if (len >= sizeof(at->ca_file)) {
        (void)buffer_append(reterr, SPAN("the name of the CA file is too long"));
        return NULL;
    }
    at = MEMORY_NEW(struct client_settings);
    at->settings = tls_client_settings(&options, reterr);
    if (!at->settings) {
        memory_free(at);
        return NULL;
    }
    at->verify = verify;
    at->media = media;
    at->ca_len = len;
    memcpy(at->ca_file, name, len);
    at->next = all;
    all = at;
    return at->settings;
}

struct endpoint *view_endpoint(struct view *view, uint32_t provider, struct buffer *reterr)
{
    const struct snapshot_provider *row =
        SNAPSHOT_ROW(view->snapshot, view->page->providers, provider, snapshot_provider);
    struct endpoint_options options = {
        .host = snapshot_span(view->snapshot, row->host),
        .port = row->port,
        .proxy_host = snapshot_span(view->snapshot, row->proxy_host),
        .proxy_port = row->proxy_port,
        .keep_ms = view->page->times.upstream_idle_ms,
    };

    if (view->endpoints[provider])
        return view->endpoints[provider];
    if (row->mock) {
        options.host = SPAN("mock");
        options.dial = mock_connect;
    }
    if (row->tls) {
        options.tls = client_settings_for(snapshot_string(view->snapshot, row->ca_file),
                                          row->verify != 0, false, reterr);
        if (!options.tls)
            return NULL;
    }
    view->endpoints[provider] = upstream_endpoint(view->upstream, &options);
    return view->endpoints[provider];
}

struct tls_settings *view_media_tls(const struct view *view, struct buffer *reterr)
{
    return client_settings_for(snapshot_string(view->snapshot, view->page->media.ca_file), true,
                               true, reterr);
}
