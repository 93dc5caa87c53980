/* What Redis says of an answer: arbitrary bytes are no answer; a value that was changed is
 * none; what a holder of the secret sealed, however odd, is an entry whose parts lie in the
 * plain text and whose times can be. */
#include <string.h>

#include "shared/cache/cache_value.h"

#include "tests/fuzz/fuzz.h"

#define NOW_MS    1700000000000
#define MOST      (1U << 16)
#define SECRET    SPAN("0123456789abcdef")
#define NUMBERS   (3 * 8 + 4)
#define PART_MOST 255

static uint64_t number_at(const uint8_t **at, unsigned bytes)
{
    uint64_t number = 0;

    memcpy(&number, *at, bytes);
    *at += bytes;
    return number;
}

/* An entry of the first bytes; the rest is its body. */
static struct cache_entry entry_of(const uint8_t *data, size_t size)
{
    struct cache_entry entry = {.stored_ms = (int64_t)number_at(&data, 8)};

    entry.expires_ms = (int64_t)number_at(&data, 8);
    entry.cost_nano = number_at(&data, 8);
    entry.flags = (uint32_t)number_at(&data, 4);
    entry.stamp_count = entry.flags % (CACHE_STAMPS + 1);
    for (uint32_t i = 0; i < entry.stamp_count; i++)
        entry.stamps[i].word = (entry.flags >> i) & (CACHE_WORDS - 1);
    entry.parts[CACHE_BODY] = span_of((const char *)data, size - NUMBERS);
    entry.parts[CACHE_MODEL] =
        span_of((const char *)data, size - NUMBERS < PART_MOST ? size - NUMBERS : PART_MOST);
    return entry;
}

static void is_sound(const struct cache_entry *entry, const struct buffer *plain)
{
    MUST(entry->stored_ms <= NOW_MS && entry->expires_ms >= entry->stored_ms);
    MUST(entry->stamp_count <= CACHE_STAMPS);
    for (unsigned i = 0; i < CACHE_PARTS; i++)
        MUST(entry->parts[i].len == 0 ||
             (entry->parts[i].ptr >= plain->ptr &&
              entry->parts[i].ptr + entry->parts[i].len <= plain->ptr + plain->len));
}

static void sealed_comes_back(const struct cache_name *name, const uint8_t *key,
                              const struct cache_entry *entry, size_t steer)
{
    struct buffer value, plain;
    struct cache_entry found;

    buffer_init(&value, 4 * MOST);
    buffer_init(&plain, 4 * MOST);
    MUST(cache_value_seal(secret_of(SECRET), name, key, entry, &value));
    if (cache_value_open(secret_of(SECRET), name, key, buffer_span(&value), NOW_MS, &plain,
                         &found)) {
        is_sound(&found, &plain);
        MUST(span_eq(found.parts[CACHE_BODY], entry->parts[CACHE_BODY]));
        MUST(memcmp(found.stamps, entry->stamps, sizeof(found.stamps)) == 0);
    }
    value.ptr[steer % value.len] ^= 1;
    MUST(!cache_value_open(secret_of(SECRET), name, key, buffer_span(&value), NOW_MS, &plain,
                           &found));
    buffer_done(&value);
    buffer_done(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t key[CACHE_KEY_BYTES] = {1, 2, 3};
    struct cache_name name;
    struct cache_entry entry;
    struct buffer plain;

    if (size > MOST)
        return 0;
    cache_name_make(7, key, &name);
    buffer_init(&plain, MOST);
    MUST(!cache_value_open(secret_of(SECRET), &name, key, span_of((const char *)data, size),
                           NOW_MS, &plain, &entry));
    buffer_done(&plain);
    if (size < NUMBERS + 1)
        return 0;
    entry = entry_of(data, size - 1);
    sealed_comes_back(&name, key, &entry, (size_t)data[size - 1] * size / 64);
    return 0;
}
