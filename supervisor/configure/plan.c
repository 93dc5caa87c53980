#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/un.h>

#include "shared/cache/cache.h"

#include "supervisor/configure/configure.h"

/* CPUs that this process may use. */
static uint32_t cpu_count(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) < 1)
        return 1;
    return CPU_COUNT(&set) > 60 ? 60 : (uint32_t)CPU_COUNT(&set);
}

static void put_name(struct plan_listener *listener, struct span name)
{
    size_t len = name.len < sizeof(listener->name) ? name.len : sizeof(listener->name) - 1;

    memcpy(listener->name, name.ptr, len);
    listener->name[len] = '\0';
}

/* An empty HOST is every IPv4 address. */
static const char *resolve(struct span host, uint16_t port, struct plan_listener *ret)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | (host.len == 0 ? AI_PASSIVE : 0)};
    struct addrinfo *found = NULL;
    char name[256], service[8];
    int error;

    if (host.len >= sizeof(name))
        return "the name is too long";
    memcpy(name, host.ptr, host.len);
    name[host.len] = '\0';
    if (host.len == 0)
        hints.ai_family = AF_INET; /* a host without IPv6 must start, too */
    (void)snprintf(service, sizeof(service), "%u", port);
    error = getaddrinfo(host.len > 0 ? name : NULL, service, &hints, &found);
    if (error != 0)
        return gai_strerror(error);
    if (found->ai_addrlen > sizeof(ret->address)) {
        freeaddrinfo(found);
        return "the address is of an unknown kind";
    }
    memcpy(&ret->address, found->ai_addr, found->ai_addrlen);
    ret->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return NULL;
}

static bool put_address(const char *file, uint32_t line, const char *what, struct span address,
                        struct plan_listener *ret, struct buffer *reterr)
{
    const char *wrong = "is no address";
    struct span host;
    uint16_t port;

    put_name(ret, address);
    if (settings_split_address(address, &host, &port))
        wrong = resolve(host, port, ret);
    if (wrong)
        (void)buffer_append_format(reterr, "%s:%u: %s: `%.*s`: %s\n", file, line, what,
                                   SPAN_ARG(address), wrong);
    return !wrong;
}

static bool put_socket(const char *file, uint32_t line, struct span path,
                       struct plan_listener *ret, struct buffer *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    put_name(ret, path);
    if (path.len >= sizeof(address.sun_path)) {
        (void)buffer_append_format(reterr, "%s:%u: admin.socket: the path is too long\n", file,
                                   line);
        return false;
    }
    memcpy(address.sun_path, path.ptr, path.len);
    memcpy(&ret->address, &address, sizeof(address));
    ret->address_len = (uint32_t)sizeof(address);
    return true;
}

static bool put_admin(const struct settings_admin *admin, const char *file, struct plan *plan,
                      struct buffer *reterr)
{
    bool good = true;

    if (admin->listen.ptr)
        good = put_address(file, admin->line, "admin.listen", admin->listen,
                           &plan->admin[plan->admin_count++], reterr);
    return put_socket(file, admin->line, admin->socket, &plan->admin[plan->admin_count++],
                      reterr) &&
           good;
}

bool configure_plan(const struct settings *settings, const char *file,
                    const struct settings *previous, struct plan *ret, struct buffer *reterr)
{
    struct plan plan = {
        .workers = settings->workers > 0 ? (uint32_t)settings->workers : cpu_count(),
        .listener_count = settings->listeners.count,
        .needs_new_workers = previous && settings_need_new_workers(previous, settings),
        .drain_delay_ms = (uint32_t)settings->timeouts.drain_delay,
        .drain_ms = (uint32_t)settings->timeouts.drain,
        .watchdog_ms = (uint32_t)settings->timeouts.watchdog,
        .cache_bytes = settings->cache.memory,
        .cache_entries =
            cache_entries(settings->cache.memory, (uint32_t)settings->cache.entries),
    };
    bool good = true;

    for (uint32_t i = 0; i < settings->listeners.count && i < HERITAGE_LISTENERS; i++) {
        const struct settings_listener *listener =
            SETTINGS_ROW(settings->listeners, i, settings_listener);

        good = put_address(file, listener->line, "listen", listener->address,
                           &plan.listeners[i], reterr) &&
               good;
    }
    good = put_admin(&settings->admin, file, &plan, reterr) && good;
    if (good)
        *ret = plan;
    return good;
}
