#include "shared/settings/settings.h"

static bool read_port(struct span text, uint16_t *ret_port)
{
    uint64_t port;

    if (!span_read_u64(text, &port) || port == 0 || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

static bool host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '-' || c == '_';
}

static bool host_is_plain(struct span host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (!host_byte(host.ptr[i]))
            return false;
    }
    return host.len <= 253;
}

/* Hex digits, colons, dots, and a zone; the resolver decides. */
static bool host_is_v6(struct span host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (!host_byte(host.ptr[i]) && host.ptr[i] != ':' && host.ptr[i] != '%')
            return false;
    }
    return host.len >= 2 && host.len <= 64;
}

/* "host", "host:port", "[v6]", "[v6]:port"; *ret_port is untouched without one. */
static bool split_authority(struct span text, struct span *ret_host, uint16_t *ret_port)
{
    struct span rest;
    size_t end;

    if (span_starts(text, SPAN("["))) {
        end = span_find(text, SPAN("]"));
        if (end == SIZE_MAX)
            return false;
        *ret_host = span_of(text.ptr + 1, end - 1);
        rest = span_skip(text, end + 1);
        if (!host_is_v6(*ret_host))
            return false;
    } else {
        end = span_find(text, SPAN(":"));
        *ret_host = end == SIZE_MAX ? text : span_of(text.ptr, end);
        rest = span_skip(text, ret_host->len);
        if (!host_is_plain(*ret_host))
            return false;
    }
    if (rest.len == 0)
        return true;
    return rest.ptr[0] == ':' && read_port(span_skip(rest, 1), ret_port);
}

bool settings_split_address(struct span address, struct span *ret_host, uint16_t *ret_port)
{
    uint16_t port = 0;
    struct span host;

    if (span_starts(address, SPAN("*:")))
        address = span_skip(address, 1);
    if (!split_authority(address, &host, &port) || port == 0)
        return false;
    *ret_host = host;
    *ret_port = port;
    return true;
}

static bool path_is_plain(struct span path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] <= ' ' || path.ptr[i] >= 127 || strchr("\"<>\\^`{|}?#", path.ptr[i]))
            return false;
    }
    return true;
}

bool settings_split_url(struct span url, struct settings_url *ret)
{
    struct settings_url parts = {.tls = span_starts(url, SPAN("https://"))};
    size_t slash;

    if (!parts.tls && !span_starts(url, SPAN("http://")))
        return false;
    url = span_skip(url, parts.tls ? 8 : 7);
    slash = span_find(url, SPAN("/"));
    parts.authority = slash == SIZE_MAX ? url : span_of(url.ptr, slash);
    parts.path = span_skip(url, parts.authority.len);
    parts.port = parts.tls ? 443 : 80;
    while (span_ends(parts.path, SPAN("/")))
        parts.path.len--;
    if (!split_authority(parts.authority, &parts.host, &parts.port) || parts.host.len == 0 ||
        !path_is_plain(parts.path))
        return false;
    *ret = parts;
    return true;
}
