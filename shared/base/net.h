/* shared/base/net.h
 *
 * Ranges of IP addresses, and which addresses belong to the public internet: what decides where
 * the gateway lets others make it connect to. Pure functions over what a socket is given, never
 * over the text of an address, of which there are many spellings.
 */
#ifndef SHARED_BASE_NET_H
#define SHARED_BASE_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

struct sockaddr;

/* Flat: it stands in snapshots. */
struct net {
    uint8_t bytes[16]; /* the first four: IPv4 */
    uint8_t bits;      /* of them that count */
    uint8_t v6;
    uint8_t reserved[6];
};

/* "10.1.0.0/16", "fd00::/8", or one address. */
bool net_read(struct span text, struct net *ret);
bool net_holds(const struct net *net, const struct sockaddr *address);

/* NULL: ADDRESS is one of the public internet. Else what it is: "a private address". */
const char *net_unfit(const struct sockaddr *address);

#endif
