#include "shared/cache/cache_value.h"

#include <string.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#define VERSION     1
#define HEAD_BYTES  (1 + GCM_NONCE_SIZE + GCM_TAG_SIZE)
#define ROW_BYTES   (CACHE_KEY_BYTES + 3 * 8 + (2 + CACHE_PARTS) * 4)
#define STAMP_BYTES 10
#define TTL_MOST    31536000000 /* ms: what the settings allow */

_Static_assert(ROW_BYTES == 84, "drawn in the header");

void cache_name_make(uint64_t tenant, const uint8_t key[CACHE_KEY_BYTES],
                     struct cache_name *ret)
{
    struct buffer name _buffer_;
    char digits[2 * CACHE_KEY_BYTES];

    buffer_init(&name, CACHE_NAME_BYTES);
    encode_hex(key, CACHE_KEY_BYTES, digits);
    (void)buffer_append(&name, SPAN("aigw:cache:1:"));
    (void)buffer_append_u64(&name, tenant);
    (void)buffer_append_byte(&name, ':');
    CHECK(buffer_append(&name, span_of(digits, sizeof(digits))));
    ret->len = (uint32_t)name.len;
    memcpy(ret->text, name.ptr, name.len);
}

/* An AES key for each name, so that a nonce need only be new for its name. */
static void key_of(struct secret secret, const struct cache_name *name,
                   uint8_t ret[AES_KEY_SIZE])
{
    _Static_assert(AES_KEY_SIZE == SHA256_SIZE, "a MAC is a key");
    hash_hmac_sha256(secret_reveal(secret), cache_name_span(name), ret);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void add_number(struct buffer *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        (void)buffer_append_byte(out, (char)(number >> 8 * i));
}

static void add_row(struct buffer *out, const uint8_t key[CACHE_KEY_BYTES],
                    const struct cache_entry *entry)
{
    (void)buffer_append(out, span_of((const char *)key, CACHE_KEY_BYTES));
    add_number(out, (uint64_t)entry->stored_ms, 8);
    add_number(out, (uint64_t)entry->expires_ms, 8);
    add_number(out, entry->cost_nano, 8);
    add_number(out, entry->flags, 4);
    add_number(out, entry->stamp_count, 4);
    for (unsigned i = 0; i < CACHE_PARTS; i++)
        add_number(out, entry->parts[i].len, 4);
}

static void add_plain(struct buffer *out, const uint8_t key[CACHE_KEY_BYTES],
                      const struct cache_entry *entry)
{
    add_row(out, key, entry);
    for (uint32_t i = 0; i < entry->stamp_count; i++) {
        add_number(out, entry->stamps[i].word, 2);
        add_number(out, entry->stamps[i].mark, 8);
    }
    for (unsigned i = 0; i < CACHE_PARTS; i++)
        if (entry->parts[i].len > 0)
            (void)buffer_append(out, entry->parts[i]);
}

bool cache_value_seal(struct secret secret, const struct cache_name *name,
                      const uint8_t key[CACHE_KEY_BYTES], const struct cache_entry *entry,
                      struct buffer *out)
{
    uint8_t cipher_key[AES_KEY_SIZE], nonce[GCM_NONCE_SIZE], tag[GCM_TAG_SIZE] = {0};
    size_t at = out->len;
    struct span plain;

    CHECK(entry->stamp_count <= CACHE_STAMPS);
    random_bytes(nonce, sizeof(nonce));
    (void)buffer_append_byte(out, VERSION);
    (void)buffer_append(out, span_of((const char *)nonce, sizeof(nonce)));
    (void)buffer_append(out, span_of((const char *)tag, sizeof(tag)));
    add_plain(out, key, entry);
    if (out->failed)
        return false;
    key_of(secret, name, cipher_key);
    plain = span_skip(buffer_span(out), at + HEAD_BYTES);
    gcm_seal(cipher_key, nonce, cache_name_span(name), plain,
             (uint8_t *)out->ptr + at + HEAD_BYTES, tag);
    memcpy(out->ptr + at + 1 + GCM_NONCE_SIZE, tag, sizeof(tag));
    memory_wipe(cipher_key, sizeof(cipher_key));
    return true;
}

/* ---- reading ----------------------------------------------------------------------------- */

static uint64_t take_number(const char **at, unsigned bytes)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)(uint8_t) * (*at)++ << 8 * i;
    return number;
}

static bool unseal(struct secret secret, const struct cache_name *name, struct span value,
                   struct buffer *plain)
{
    uint8_t cipher_key[AES_KEY_SIZE];
    const uint8_t *bytes = (const uint8_t *)value.ptr;
    struct span cipher = span_skip(value, HEAD_BYTES);
    char *room;
    bool good;

    if (value.len < HEAD_BYTES + ROW_BYTES || bytes[0] != VERSION)
        return false;
    buffer_clear(plain);
    plain->failed = false;
    room = buffer_reserve(plain, cipher.len);
    if (!room)
        return false;
    key_of(secret, name, cipher_key);
    good = gcm_open(cipher_key, bytes + 1, cache_name_span(name), cipher,
                    bytes + 1 + GCM_NONCE_SIZE, (uint8_t *)room);
    memory_wipe(cipher_key, sizeof(cipher_key));
    if (good)
        buffer_grew(plain, cipher.len);
    return good;
}

static void take_stamps(const char **at, struct cache_entry *ret)
{
    for (uint32_t i = 0; i < ret->stamp_count; i++) {
        ret->stamps[i].word = take_number(at, 2) & (CACHE_WORDS - 1);
        ret->stamps[i].mark = take_number(at, 8) & CACHE_MARK_MOST;
    }
}

/* Whoever sealed it has the secret, but may be of another time and mind. */
static bool take_entry(struct span plain, const uint8_t key[CACHE_KEY_BYTES],
                       struct cache_entry *ret)
{
    const char *at = plain.ptr + CACHE_KEY_BYTES;
    uint64_t bytes = ROW_BYTES;

    if (plain.len < ROW_BYTES || memcmp(plain.ptr, key, CACHE_KEY_BYTES) != 0)
        return false;
    *ret = (struct cache_entry){.stored_ms = (int64_t)take_number(&at, 8)};
    ret->expires_ms = (int64_t)take_number(&at, 8);
    ret->cost_nano = take_number(&at, 8);
    ret->flags = (uint32_t)take_number(&at, 4);
    ret->stamp_count = (uint32_t)take_number(&at, 4);
    for (unsigned i = 0; i < CACHE_PARTS; i++)
        bytes += ret->parts[i].len = take_number(&at, 4);
    if (ret->stamp_count > CACHE_STAMPS || bytes + ret->stamp_count * STAMP_BYTES != plain.len)
        return false;
    take_stamps(&at, ret);
    for (unsigned i = 0; i < CACHE_PARTS; at += ret->parts[i++].len)
        ret->parts[i].ptr = at;
    return true;
}

static bool times_fit(struct cache_entry *entry, int64_t now_ms)
{
    int64_t ttl_ms;

    if (entry->stored_ms < 0 || entry->stored_ms > now_ms + CACHE_AHEAD_MS ||
        entry->expires_ms < entry->stored_ms || entry->expires_ms - entry->stored_ms > TTL_MOST)
        return false;
    ttl_ms = entry->expires_ms - entry->stored_ms;
    if (entry->stored_ms > now_ms) {
        entry->stored_ms = now_ms;
        entry->expires_ms = now_ms + ttl_ms;
    }
    return true;
}

bool cache_value_open(struct secret secret, const struct cache_name *name,
                      const uint8_t key[CACHE_KEY_BYTES], struct span value, int64_t now_ms,
                      struct buffer *plain, struct cache_entry *ret)
{
    return unseal(secret, name, value, plain) &&
           take_entry(span_of(plain->ptr, plain->len), key, ret) && times_fit(ret, now_ms);
}
