#include "worker/upstream/web_address.h"

#include <arpa/inet.h>

#include "shared/base/buffer.h"
#include "shared/settings/settings.h"

#define TARGET_BYTES_MAX 16384 /* percent-encoded */
#define LOWEST_OPEN_PORT 1024  /* below it only the two of the web: others speak otherwise */

static size_t find_any(struct span text, const char *bytes)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\0' && strchr(bytes, text.ptr[i]))
            return i;
    return text.len;
}

static bool starts_nocase(struct span text, struct span prefix)
{
    return text.len >= prefix.len && span_eq_nocase(span_of(text.ptr, prefix.len), prefix);
}

/* REST is what follows the authority: a path, a query, a fragment, or nothing. */
static bool read_target(struct span rest, struct arena *arena, struct span *ret)
{
    static const char digits[] = "0123456789ABCDEF";
    struct buffer out _buffer_;

    rest.len = find_any(rest, "#");
    buffer_init(&out, TARGET_BYTES_MAX);
    if (rest.len == 0 || rest.ptr[0] != '/')
        (void)buffer_append_byte(&out, '/');
    for (size_t i = 0; i < rest.len; i++) {
        unsigned char byte = (unsigned char)rest.ptr[i];

        if (byte > ' ' && byte < 0x7f && !strchr("\"<>\\^`{|}", (char)byte)) {
            (void)buffer_append_byte(&out, (char)byte);
            continue;
        }
        (void)buffer_append_byte(&out, '%');
        (void)buffer_append_byte(&out, digits[byte >> 4]);
        (void)buffer_append_byte(&out, digits[byte & 15]);
    }
    *ret = arena_copy(arena, buffer_span(&out));
    return !out.failed;
}

static bool port_is_open(uint16_t port)
{
    return port == 80 || port == 443 || port >= LOWEST_OPEN_PORT;
}

static bool is_numeric(struct span host, int family)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(family, text, &address) == 1;
}

/* No name ends in a number, so what does is an IPv4 address, in its one proper spelling: there
 * are resolvers that read 127.1 or 0x7f000001 as one too. */
static bool is_name_or_v4(struct span host)
{
    struct span rest = host, label = host;

    while (rest.len > 0 && span_cut(&rest, '.', &label))
        continue;
    if (label.len == 0 || label.ptr[0] < '0' || label.ptr[0] > '9')
        return host.len > 0;
    return is_numeric(host, AF_INET);
}

/* AUTHORITY: host or host:port; no user, no zone of an IPv6 address. */
static bool read_authority(struct span authority, bool tls, struct arena *arena,
                           struct web_address *ret)
{
    struct settings_url parts;
    struct buffer url _buffer_;

    buffer_init(&url, WEB_ADDRESS_BYTES_MAX);
    (void)buffer_append(&url, tls ? SPAN("https://") : SPAN("http://"));
    (void)buffer_append(&url, authority);
    if (url.failed || !settings_split_url(arena_copy(arena, buffer_span(&url)), &parts) ||
        parts.path.len > 0 || !port_is_open(parts.port))
        return false;
    if (span_starts(authority, SPAN("[")) ? !is_numeric(parts.host, AF_INET6)
                                          : !is_name_or_v4(parts.host))
        return false;
    ret->host = parts.host;
    ret->port = parts.port;
    ret->tls = tls;
    return true;
}

bool web_address_read(struct span text, struct arena *arena, struct web_address *ret)
{
    bool tls = starts_nocase(text, SPAN("https://"));
    struct span rest, authority;

    if (text.len > WEB_ADDRESS_BYTES_MAX || (!tls && !starts_nocase(text, SPAN("http://"))))
        return false;
    rest = span_skip(text, tls ? strlen("https://") : strlen("http://"));
    authority = span_of(rest.ptr, find_any(rest, "/?#"));
    return read_authority(authority, tls, arena, ret) &&
           read_target(span_skip(rest, authority.len), arena, &ret->target);
}

/* "x.png" beside "/a/b.png?q" is "/a/x.png"; "?q" keeps the path. */
static bool read_beside(const struct web_address *from, struct span location,
                        struct arena *arena, struct web_address *ret)
{
    struct span path = span_of(from->target.ptr, find_any(from->target, "?"));
    struct buffer out _buffer_;

    buffer_init(&out, TARGET_BYTES_MAX);
    if (!span_starts(location, SPAN("?")))
        while (path.len > 0 && path.ptr[path.len - 1] != '/')
            path.len--;
    (void)buffer_append(&out, path);
    (void)buffer_append(&out, location);
    *ret = *from;
    return !out.failed && read_target(buffer_span(&out), arena, &ret->target);
}

bool web_address_follow(const struct web_address *from, struct span location,
                        struct arena *arena, struct web_address *ret)
{
    struct span rest = span_skip(location, 2), authority;

    if (location.len == 0 || location.len > WEB_ADDRESS_BYTES_MAX)
        return false;
    if (span_starts(location, SPAN("//"))) {
        authority = span_of(rest.ptr, find_any(rest, "/?#"));
        return read_authority(authority, from->tls, arena, ret) &&
               read_target(span_skip(rest, authority.len), arena, &ret->target);
    }
    if (find_any(location, ":") < find_any(location, "/?#"))
        return web_address_read(location, arena, ret);
    if (location.ptr[0] != '/')
        return read_beside(from, location, arena, ret);
    *ret = *from;
    return read_target(location, arena, &ret->target);
}
