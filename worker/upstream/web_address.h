/* worker/upstream/web_address.h
 *
 * Addresses of files on the web that clients write, RFC 3986 as far as http and https need it:
 * where to connect and what to ask for. Strict about the host, which must be a name, an IPv4
 * address or [IPv6], without a user in front; lenient about the rest, which is percent-encoded
 * where a request line could not have it. Fragments are dropped. Pure; texts live in the arena.
 */
#ifndef WORKER_UPSTREAM_WEB_ADDRESS_H
#define WORKER_UPSTREAM_WEB_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/arena.h"

#define WEB_ADDRESS_BYTES_MAX 8192

struct web_address {
    struct span host;   /* without brackets */
    struct span target; /* "/path?query" */
    uint16_t port;
    bool tls;
};

bool web_address_read(struct span text, struct arena *arena, struct web_address *ret);
/* Where a Location that stood at FROM leads: an address, or one relative to it. */
bool web_address_follow(const struct web_address *from, struct span location,
                        struct arena *arena, struct web_address *ret);

#endif
