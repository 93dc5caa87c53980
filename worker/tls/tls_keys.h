/* worker/tls/tls_keys.h
 *
 * What both implementations of tls.h share: a consistent copy of the ticket keys out of shared
 * memory, the place of the system's CA bundle, and names in certificates (RFC 9525 6.3).
 */
#ifndef WORKER_TLS_TLS_KEYS_H
#define WORKER_TLS_TLS_KEYS_H

#include "shared/base/span.h"

#include "worker/tls/tls.h"

#define TLS_TICKET_KEYS 3
#define TLS_TICKET_SECONDS                                            \
    7200 /* a ticket is good for this long, if its key is still there \
          */

/* False when they are being written and do not settle. The caller wipes the copy. */
bool tls_keys_copy(const struct tls_ticket_keys *keys, struct tls_ticket_key *ret_copy);
/* All zero names mean: not used. */
bool tls_key_used(const struct tls_ticket_key *key);
/* Index of the key called NAME, or -1. */
int tls_key_find(const struct tls_ticket_key *copy, const uint8_t name[16]);

/* NULL when none of the usual places has one. */
const char *tls_system_bundle(void);

/* PATTERN "*.example.com" covers one label; case does not count. */
bool tls_name_matches(struct span pattern, struct span name);
/* NAME is an IPv4 or IPv6 address: its 4 or 16 bytes; else 0. */
size_t tls_name_address(const char *name, uint8_t ret_bytes[16]);

#endif
