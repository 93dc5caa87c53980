/* The memory file: how it is made, and how a process maps it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"
#include "shared/cache/cache_inside.h"

#define SLOTS_LEAST 512  /* one page */
#define USUAL_BYTES 2048 /* of an entry */

uint32_t cache_member_bit(struct span name)
{
    static const struct span names[] = {
#define CACHE_MEMBER(name) {#name, sizeof(#name) - 1},
#include "shared/cache/cache_members.def"
#undef CACHE_MEMBER
    };

    for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(names[i], name))
            return 1U << i;
    return 0;
}

static uint64_t slots_for(uint32_t entries)
{
    uint64_t wanted = entries + (uint64_t)entries / 4, slots = SLOTS_LEAST;

    while (slots < wanted)
        slots *= 2;
    return slots;
}

static bool lay_out(uint64_t bytes, uint32_t entries, struct cache_head *ret)
{
    uint64_t slots = slots_for(entries), before = INDEX_OFFSET + slots * sizeof(uint64_t);

    if (entries > CACHE_ENTRIES_MOST || bytes < before + CACHE_BYTES_LEAST / 2)
        return false;
    *ret = (struct cache_head){
        .magic = CACHE_MAGIC,
        .version = CACHE_VERSION,
        .words = CACHE_WORDS,
        .slots = slots,
        .ring_bytes = (bytes - before) / CACHE_PAGE * CACHE_PAGE,
    };
    ret->bytes = before + ret->ring_bytes;
    return true;
}

uint32_t cache_entries(uint64_t bytes, uint32_t asked)
{
    uint64_t usual = bytes / USUAL_BYTES;

    if (asked > 0)
        return asked;
    return usual < CACHE_ENTRIES_MOST ? (uint32_t)usual : CACHE_ENTRIES_MOST;
}

bool cache_fits(uint64_t bytes, uint32_t entries)
{
    struct cache_head head;

    return lay_out(bytes, entries, &head);
}

int cache_create(uint64_t bytes, uint32_t entries)
{
    struct cache_head head;
    int fd, error;

    if (!lay_out(bytes, entries, &head))
        return -EINVAL;
    fd = memfd_create("aigw-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)head.bytes) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0 &&
        pwrite(fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head))
        return fd;
    error = errno ? errno : EIO;
    (void)close(fd);
    return -error;
}

static bool head_is_sound(const struct cache_head *head, uint64_t size)
{
    return head->magic == CACHE_MAGIC && head->version == CACHE_VERSION &&
           head->words == CACHE_WORDS && head->bytes == size && head->slots >= SLOTS_LEAST &&
           head->slots <= size / sizeof(uint64_t) && (head->slots & (head->slots - 1)) == 0 &&
           head->ring_bytes >= CACHE_PAGE && head->ring_bytes % CACHE_PAGE == 0 &&
           size == INDEX_OFFSET + head->slots * sizeof(uint64_t) + head->ring_bytes;
}

/* COUNT bytes of the file from FROM on, at exactly AT. */
static bool map_part(int fd, uint8_t *at, size_t count, size_t from)
{
    const void *got =
        mmap(at, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)from);

    /* cppcheck-suppress memleak ; it is in the range that the caller unmaps */
    return got == at;
}

/* One address range for all, which the file itself reserves; then the file over it, and its
 * ring once more behind that. */
static uint8_t *map(int fd, const struct cache_head *head, size_t *ret_mapped)
{
    size_t before = (size_t)(head->bytes - head->ring_bytes);
    size_t mapped = (size_t)(head->bytes + head->ring_bytes);
    uint8_t *at = mmap(NULL, mapped, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);

    if (at == MAP_FAILED)
        return NULL;
    if (!map_part(fd, at, head->bytes, 0) ||
        !map_part(fd, at + head->bytes, head->ring_bytes, before)) {
        (void)munmap(at, mapped);
        return NULL;
    }
    /* Answers lie here: never in a core file. */
    (void)madvise(at, mapped, MADV_DONTDUMP);
    *ret_mapped = mapped;
    return at;
}

struct cache *cache_attach(int fd)
{
    struct cache_head head;
    struct stat status;
    struct cache *cache;
    size_t mapped = 0;
    uint8_t *at;

    if (fstat(fd, &status) < 0)
        return NULL;
    if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        !head_is_sound(&head, (uint64_t)status.st_size)) {
        errno = EPROTO;
        return NULL;
    }
    at = map(fd, &head, &mapped);
    if (!at)
        return NULL;
    cache = MEMORY_NEW(struct cache);
    *cache = (struct cache){
        .mapping = at,
        .mapped = mapped,
        .head = (void *)at,
        .marks = (void *)(at + CACHE_PAGE),
        .claims = (void *)(at + CLAIMS_OFFSET),
        .index = (void *)(at + INDEX_OFFSET),
        .ring = at + (head.bytes - head.ring_bytes),
        .slots = head.slots,
        .units = head.ring_bytes / CACHE_UNIT,
    };
    return cache;
}

void cache_detach(struct cache *cache)
{
    if (!cache)
        return;
    (void)munmap(cache->mapping, cache->mapped);
    memory_free(cache);
}
