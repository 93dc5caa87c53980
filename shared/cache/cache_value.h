/* shared/cache/cache_value.h
 *
 * An entry as it lies in Redis, where hosts share answers. Pure; Redis is trusted with nothing:
 * a value is sealed (AES-256-GCM) under a key that is made of the installation's secret and of
 * the name that it has in Redis, so that nobody without the secret can read it, change it, or
 * give it under another name, and so to another tenant. What is stale in it is the caller's to
 * find: its times and stamps are in the entry.
 *
 *   name    aigw:cache:1:TENANT:KEY in hexadecimal digits
 *   value   version 1 byte, nonce 12, tag 16, sealed: row of 84 bytes, stamps of 10, texts
 *   row     key 32, stored 8, expires 8, cost 8, flags 4, stamps 4, lengths of the texts 4 each
 *
 * Numbers are little-endian. The version is in name and value: another build's answers are
 * misses.
 */
#ifndef SHARED_CACHE_CACHE_VALUE_H
#define SHARED_CACHE_CACHE_VALUE_H

#include "shared/base/secret.h"
#include "shared/cache/cache.h"

#define CACHE_NAME_BYTES  (13 + 20 + 1 + 2 * CACHE_KEY_BYTES)
#define CACHE_VALUE_EXTRA 4096 /* a value is an answer and at most so much more */
#define CACHE_AHEAD_MS    5000 /* by which another host's clock may be before this one's */

struct cache_name {
    char text[CACHE_NAME_BYTES];
    uint32_t len;
};

/* TENANT: 0, the answer belongs to a key alone. */
void cache_name_make(uint64_t tenant, const uint8_t key[CACHE_KEY_BYTES],
                     struct cache_name *ret);

static inline struct span cache_name_span(const struct cache_name *name)
{
    return span_of(name->text, name->len);
}

/* Appends the value; false: OUT is too small. */
bool cache_value_seal(struct secret secret, const struct cache_name *name,
                      const uint8_t key[CACHE_KEY_BYTES], const struct cache_entry *entry,
                      struct buffer *out);
/* False: it is none, or not of this name, key and secret. PLAIN, which is emptied, owns what
 * the parts of *ret point to. An entry that another host's clock made in the time to come, by
 * at most CACHE_AHEAD_MS, is new at NOW_MS (wall) and lives as long as it was made for. */
bool cache_value_open(struct secret secret, const struct cache_name *name,
                      const uint8_t key[CACHE_KEY_BYTES], struct span value, int64_t now_ms,
                      struct buffer *plain, struct cache_entry *ret);

#endif
