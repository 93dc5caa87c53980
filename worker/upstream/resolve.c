#include "worker/upstream/resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#define TRY_MS 2000
#define TRIES  2

/* One name that was asked for. */
struct entry {
    struct entry *next;
    struct resolver *resolver;
    struct resolve_answer answer; /* the last good one, or the failure */
    uint64_t fresh_until_ms;
    uint64_t usable_until_ms; /* of a good answer */
    struct lookup waiting;    /* list head */
    bool asking;
    char name[RESOLVE_NAME_MAX + 1];
};

/* One socket of c-ares on the loop. */
struct watch {
    uv_poll_t poll;
    struct resolver *resolver;
    struct watch *next;
    ares_socket_t socket;
};

struct resolver {
    struct reactor *reactor;
    ares_channel channel;
    struct deadline tick;
    struct entry *entries;
    struct watch *watches;
    unsigned entry_count;
    unsigned asking_count;
    uint32_t ttl_least_ms;
};

static void watch_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

static struct watch *watch_of(struct resolver *resolver, ares_socket_t socket)
{
    struct watch *watch = resolver->watches;

    while (watch && watch->socket != socket)
        watch = watch->next;
    return watch;
}

static void watch_drop(struct resolver *resolver, struct watch *watch)
{
    struct watch **at = &resolver->watches;

    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    (void)uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, watch_closed);
}

/* c-ares asks to be called again after a while, as long as something is asked. */
static void arm_tick(struct resolver *resolver)
{
    struct timeval longest = {.tv_sec = 1}, left, *wait;

    if (resolver->asking_count == 0) {
        reactor_disarm(resolver->reactor, &resolver->tick);
        return;
    }
    wait = ares_timeout(resolver->channel, &longest, &left);
    reactor_arm(resolver->reactor, &resolver->tick,
                (uint64_t)wait->tv_sec * 1000 + (uint64_t)wait->tv_usec / 1000 + 1);
}

static void polled(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct resolver *resolver = watch->resolver;
    ares_socket_t socket = watch->socket;
    bool reads = status < 0 || (events & UV_READABLE), writes = events & UV_WRITABLE;

    /* The watch may be gone after this. */
    ares_process_fd(resolver->channel, reads ? socket : ARES_SOCKET_BAD,
                    writes ? socket : ARES_SOCKET_BAD);
    arm_tick(resolver);
}

static void socket_changed(void *who, ares_socket_t socket, int readable, int writable)
{
    struct resolver *resolver = who;
    struct watch *watch = watch_of(resolver, socket);
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

    if (events == 0) {
        if (watch)
            watch_drop(resolver, watch);
        return;
    }
    if (!watch) {
        watch = MEMORY_NEW(struct watch);
        watch->resolver = resolver;
        watch->socket = socket;
        if (uv_poll_init_socket(&resolver->reactor->loop, &watch->poll, socket) != 0) {
            memory_free(watch); /* the try runs into its time-out */
            return;
        }
        watch->poll.data = watch;
        watch->next = resolver->watches;
        resolver->watches = watch;
    }
    (void)uv_poll_start(&watch->poll, events, polled);
}

static void tick_passed(struct deadline *deadline)
{
    struct resolver *resolver =
        (struct resolver *)(void *)((char *)deadline - offsetof(struct resolver, tick));

    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_tick(resolver);
}

struct resolver *resolver_new(struct reactor *reactor, const struct resolver_options *options,
                              const char **reterr)
{
    struct resolver *resolver = MEMORY_NEW(struct resolver);
    char lookups[] = "fb"; /* the hosts file, then the network */
    struct ares_options ares = {
        .sock_state_cb = socket_changed,
        .sock_state_cb_data = resolver,
        .timeout = (int)(options->timeout_ms ? options->timeout_ms : TRY_MS),
        .tries = (int)(options->tries ? options->tries : TRIES),
        .lookups = lookups,
    };
    int result = ares_library_init(ARES_LIB_INIT_ALL);

    resolver->reactor = reactor;
    resolver->tick.passed = tick_passed;
    resolver->ttl_least_ms =
        options->ttl_least_ms ? options->ttl_least_ms : RESOLVE_TTL_LEAST_MS;
    if (result == ARES_SUCCESS)
        result = ares_init_options(&resolver->channel, &ares,
                                   ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS |
                                       ARES_OPT_TRIES | ARES_OPT_LOOKUPS);
    if (result == ARES_SUCCESS && options->servers) {
        result = ares_set_servers_ports_csv(resolver->channel, options->servers);
        if (result != ARES_SUCCESS)
            ares_destroy(resolver->channel);
    }
    if (result == ARES_SUCCESS)
        return resolver;
    *reterr = ares_strerror(result);
    memory_free(resolver);
    return NULL;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    ares_destroy(resolver->channel); /* ends what is asked, closes the sockets */
    while (resolver->watches)
        watch_drop(resolver, resolver->watches);
    reactor_disarm(resolver->reactor, &resolver->tick);
    while (resolver->entries) {
        struct entry *entry = resolver->entries;

        CHECK(entry->waiting.next == &entry->waiting);
        resolver->entries = entry->next;
        memory_free(entry);
    }
    memory_free(resolver);
}

static bool numeric(struct span name, struct resolve_answer *ret)
{
    char text[INET6_ADDRSTRLEN + 1];
    union resolve_address *address = &ret->addresses[0];

    if (name.len >= sizeof(text))
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    *ret = (struct resolve_answer){.count = 1};
    address->v4.sin_family = AF_INET;
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1)
        return true;
    *address = (union resolve_address){.v6 = {.sin6_family = AF_INET6}};
    return inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1;
}

/* Keeps the addresses of a good answer; returns its time to live. */
static uint64_t keep_addresses(const struct ares_addrinfo *found, struct resolve_answer *answer)
{
    uint64_t ttl_ms = RESOLVE_TTL_MOST_MS;

    *answer = (struct resolve_answer){0};
    for (const struct ares_addrinfo_node *node = found->nodes; node; node = node->ai_next) {
        bool known = node->ai_family == AF_INET || node->ai_family == AF_INET6;

        if (!known || answer->count == RESOLVE_ADDRESSES ||
            node->ai_addrlen > sizeof(answer->addresses[0]))
            continue;
        memcpy(&answer->addresses[answer->count++], node->ai_addr, node->ai_addrlen);
        if (node->ai_ttl >= 0 && (uint64_t)node->ai_ttl * 1000 < ttl_ms)
            ttl_ms = (uint64_t)node->ai_ttl * 1000;
    }
    return ttl_ms;
}

static void tell_waiting(struct entry *entry)
{
    struct resolve_answer answer = entry->answer;

    while (entry->waiting.next != &entry->waiting) {
        struct lookup *lookup = entry->waiting.next;

        lookup_cancel(lookup);
        lookup->resolved(lookup, &answer);
    }
}

static void asked(void *who, int status, int timeouts, struct ares_addrinfo *found)
{
    struct entry *entry = who;
    struct resolver *resolver = entry->resolver;
    uint64_t now_ms = reactor_now_ms(resolver->reactor), ttl_ms;
    struct resolve_answer answer;

    (void)timeouts;
    entry->asking = false;
    resolver->asking_count--;
    if (status == ARES_SUCCESS) {
        ttl_ms = keep_addresses(found, &answer);
        if (ttl_ms < resolver->ttl_least_ms)
            ttl_ms = resolver->ttl_least_ms;
        ares_freeaddrinfo(found);
        if (answer.count > 0) {
            entry->answer = answer;
            entry->fresh_until_ms = now_ms + ttl_ms;
            entry->usable_until_ms = entry->fresh_until_ms + RESOLVE_STALE_MS;
            tell_waiting(entry);
            return;
        }
        status = ARES_ENODATA;
    }
    if (entry->answer.count == 0 || now_ms >= entry->usable_until_ms)
        entry->answer = (struct resolve_answer){.error = ares_strerror(status)};
    entry->fresh_until_ms = now_ms + RESOLVE_FAILED_MS;
    if (status != ARES_EDESTRUCTION)
        tell_waiting(entry);
}

static void forget_entry(struct resolver *resolver, const struct entry *entry)
{
    struct entry **at = &resolver->entries;

    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    resolver->entry_count--;
}

/* Room for another name: of those that nobody asks for now the one whose answer is oldest. */
static bool make_room(struct resolver *resolver)
{
    struct entry *oldest = NULL;

    if (resolver->entry_count < RESOLVE_CACHE_MAX)
        return true;
    for (struct entry *at = resolver->entries; at; at = at->next)
        if (!at->asking && at->waiting.next == &at->waiting &&
            (!oldest || at->fresh_until_ms < oldest->fresh_until_ms))
            oldest = at;
    if (!oldest)
        return false;
    forget_entry(resolver, oldest);
    memory_free(oldest);
    return true;
}

static struct entry *entry_of(struct resolver *resolver, struct span name)
{
    struct entry *entry = resolver->entries;

    while (entry && !span_eq_nocase(span_of_text(entry->name), name))
        entry = entry->next;
    if (entry || !make_room(resolver))
        return entry;
    entry = MEMORY_NEW(struct entry);
    memcpy(entry->name, name.ptr, name.len);
    entry->resolver = resolver;
    entry->waiting.next = entry->waiting.previous = &entry->waiting;
    entry->next = resolver->entries;
    resolver->entries = entry;
    resolver->entry_count++;
    return entry;
}

static void ask(struct entry *entry)
{
    static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
                                                     .ai_socktype = SOCK_STREAM};

    if (entry->asking)
        return;
    entry->asking = true;
    entry->resolver->asking_count++;
    /* May answer from the hosts file before it returns. */
    ares_getaddrinfo(entry->resolver->channel, entry->name, NULL, &hints, asked, entry);
    arm_tick(entry->resolver);
}

bool resolve(struct resolver *resolver, struct lookup *lookup, struct span name,
             resolved_f *resolved, struct resolve_answer *ret_answer)
{
    uint64_t now_ms = reactor_now_ms(resolver->reactor);
    struct entry *entry;

    *lookup = (struct lookup){.resolved = resolved};
    if (numeric(name, ret_answer))
        return true;
    *ret_answer = (struct resolve_answer){.error = "this is no host name"};
    if (name.len == 0 || name.len > RESOLVE_NAME_MAX || memchr(name.ptr, '\0', name.len))
        return true;
    entry = entry_of(resolver, name);
    ret_answer->error = "too many host names";
    if (!entry)
        return true;
    if (now_ms >= entry->fresh_until_ms)
        ask(entry);
    if (now_ms < entry->fresh_until_ms ||
        (entry->answer.count > 0 && now_ms < entry->usable_until_ms)) {
        *ret_answer = entry->answer;
        return true;
    }
    lookup->next = &entry->waiting;
    lookup->previous = entry->waiting.previous;
    lookup->previous->next = lookup;
    entry->waiting.previous = lookup;
    return false;
}

void lookup_cancel(struct lookup *lookup)
{
    if (!lookup->next)
        return;
    lookup->previous->next = lookup->next;
    lookup->next->previous = lookup->previous;
    lookup->next = NULL;
    lookup->previous = NULL;
}
