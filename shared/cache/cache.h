/* shared/cache/cache.h
 *
 * Answers in memory that all workers share: a memory file of its own, made by the parent, of a
 * size that never changes. A ring takes entries one after another; an index of atomic words
 * says where the newest of each key stands. There is no lock: a writer takes its place in the
 * ring with one addition and shows its entry with one store, a reader copies an entry out and
 * then checks the copy. So a process may die at any instruction, and whatever stands in the
 * memory, a reader gets what was stored under its key, whole, or nothing.
 *
 * The ring overwrites what is oldest. An entry that is read in the older half of the ring is
 * appended anew, so what is asked for stays: least recently used, to the half of the ring.
 *
 * docs/cache.md draws it. Times are wall milliseconds, and the caller's.
 */
#ifndef SHARED_CACHE_CACHE_H
#define SHARED_CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

#define CACHE_KEY_BYTES    32 /* SHA-256 */
#define CACHE_STAMPS       12
#define CACHE_WORDS        4096
#define CACHE_MARK_MOST    ((1ULL << 52) - 1)
#define CACHE_BYTES_LEAST  1048576
#define CACHE_ENTRIES_MOST 67108864

/* The texts of an entry. */
enum cache_part {
    CACHE_PROVIDER,
    CACHE_MODEL, /* that answered */
    CACHE_TYPE,  /* Content-Type */
    CACHE_DROPPED,
    CACHE_BODY,
    CACHE_PARTS
};

/* A mark of the memory as it was when the answer was asked for. When it is another now, the
 * entry is void: that is how many entries are cleared at once. A mark is the wall time of the
 * last clearing, in microseconds, and only grows: so the marks of several hosts are made one by
 * taking the later of each. */
struct cache_stamp {
    uint64_t word : 12, mark : 52;
};

_Static_assert(sizeof(struct cache_stamp) == 8 && CACHE_WORDS == 1 << 12, "nothing unused");

struct cache_entry {
    int64_t stored_ms, expires_ms;
    uint64_t cost_nano; /* of the answer, as the provider bills; UINT64_MAX: not known */
    uint32_t flags;     /* the caller's */
    uint32_t stamp_count;
    struct cache_stamp stamps[CACHE_STAMPS];
    struct span parts[CACHE_PARTS];
};

enum cache_found {
    CACHE_MISS,
    CACHE_HIT,
    CACHE_CORRUPT /* as a miss; the index forgets it */
};

struct cache; /* a process's view */

/* Members of a request's body on which the answer does not depend: a bit for each, 0 for
 * others. */
uint32_t cache_member_bit(struct span name);

/* How many answers a memory of BYTES is made for when ASKED is 0. */
uint32_t cache_entries(uint64_t bytes, uint32_t asked);
bool cache_fits(uint64_t bytes, uint32_t entries);
/* The memory file of BYTES for so many ENTRIES; a negative errno. */
int cache_create(uint64_t bytes, uint32_t entries);
/* NULL with errno; EPROTO: it is none, or of another build. FD stays the caller's. */
struct cache *cache_attach(int fd);
void cache_detach(struct cache *cache);

/* COPY owns what the parts of *ret point to. */
enum cache_found cache_get(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                           int64_t now_ms, struct buffer *copy, struct cache_entry *ret);
/* False: too large. *ret_evicted: it took the place of another key's in the index. */
bool cache_put(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
               const struct cache_entry *entry, bool *ret_evicted);
/* It was cleared, or is too old, or is of the time to come. */
bool cache_is_void(const struct cache *cache, const struct cache_entry *entry, int64_t now_ms);

/* What entries are cleared by. */
enum cache_group {
    CACHE_ALL,
    CACHE_OF_TENANT,
    CACHE_OF_MODEL,
    CACHE_OF_TAG,
    CACHE_OF_KEY /* the subject is the key's bytes */
};

/* Takes the stamp of SUBJECT. Some subjects share a word: then one is cleared with the other.
 */
struct cache_stamp cache_stamp(struct cache *cache, enum cache_group group,
                               struct span subject);
void cache_clear(struct cache *cache, enum cache_group group, struct span subject,
                 int64_t now_ms);

/* The mark of WORD, 0: never cleared; and what another host has there, which counts when it is
 * later. */
uint64_t cache_mark(const struct cache *cache, uint32_t word);
void cache_mark_raise(struct cache *cache, uint32_t word, uint64_t mark);
/* The marks are those of all hosts at NOW_MS, monotonic. */
void cache_marks_heard(struct cache *cache, uint64_t now_ms);
/* Whether they were within the last WITHIN_MS. */
bool cache_marks_known(const struct cache *cache, uint64_t now_ms, uint64_t within_ms);

struct cache_figures {
    uint64_t bytes, ring_bytes;
    uint64_t written_bytes; /* since ever */
    uint64_t slots;
    uint64_t entries; /* that the ring still holds; void and expired ones count */
};

/* Walks over the whole index. */
struct cache_figures cache_figures(struct cache *cache);

#endif
