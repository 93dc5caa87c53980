#include "shared/snapshot/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"
#include "shared/snapshot/snapshot_inside.h"

struct snapshot *snapshot_attach(int fd, struct buffer *reterr)
{
    const int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    struct snapshot *snapshot;
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    void *base;

    if (seals < 0 || (seals & needed) != needed || fstat(fd, &status) != 0) {
        (void)buffer_append(reterr, SPAN("the snapshot is not a sealed memory file"));
        return NULL;
    }
    if (status.st_size < (off_t)sizeof(struct snapshot_header_page) ||
        status.st_size > (off_t)SNAPSHOT_SIZE_MAX) {
        (void)buffer_append_format(reterr, "the snapshot has %lld bytes, which none can have",
                                   (long long)status.st_size);
        return NULL;
    }
    /* Private, since Linux before 6.7 maps no write-sealed file shared; without a write the
     * pages are the file's own all the same. */
    base = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED) {
        (void)buffer_append_format(reterr, "the snapshot cannot be mapped (errno %d)", errno);
        return NULL;
    }
    (void)madvise(base, (size_t)status.st_size, MADV_DONTDUMP);
    snapshot = MEMORY_NEW(struct snapshot);
    *snapshot = (struct snapshot){base, (size_t)status.st_size, 1};
    if (!snapshot_valid(base, snapshot->size, reterr)) {
        snapshot_unref(snapshot);
        return NULL;
    }
    return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    CHECK(snapshot && snapshot->references > 0 && snapshot->references < UINT32_MAX);
    snapshot->references++;
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    void *mapping;

    if (!snapshot)
        return;
    CHECK(snapshot->references > 0);
    if (--snapshot->references > 0)
        return;
    memcpy(&mapping, &snapshot->base, sizeof(mapping));
    (void)munmap(mapping, snapshot->size);
    memory_free(snapshot);
}

const struct snapshot_header_page *snapshot_page(const struct snapshot *snapshot)
{
    return (const struct snapshot_header_page *)snapshot->base;
}

struct span snapshot_span(const struct snapshot *snapshot, struct snapshot_text text)
{
    if (text.offset == 0)
        return SPAN_NONE;
    return span_of((const char *)snapshot->base + text.offset, text.len);
}

const char *snapshot_string(const struct snapshot *snapshot, struct snapshot_text text)
{
    return text.offset == 0 ? NULL : (const char *)snapshot->base + text.offset;
}

const void *snapshot_row(const struct snapshot *snapshot, struct snapshot_table table,
                         uint32_t index, uint32_t row_size)
{
    CHECK(index < table.count);
    return (const char *)snapshot->base + table.offset + (size_t)index * row_size;
}

/* Where the search for HASH goes on after STEP misses. */
static uint32_t index_entry(const struct snapshot *snapshot, struct snapshot_table index,
                            uint64_t hash, uint32_t step)
{
    uint32_t slot = ((uint32_t)hash + step) & (index.count - 1);

    return *(const uint32_t *)snapshot_row(snapshot, index, slot, sizeof(uint32_t));
}

typedef bool row_is_f(const struct snapshot *snapshot, uint32_t row, struct span name);

/* The row of NAME, or SNAPSHOT_NONE. */
static uint32_t find_row(const struct snapshot *snapshot, struct snapshot_table index,
                         struct span name, row_is_f *row_is)
{
    uint64_t hash = index.count > 0 ? hash_fast(name) : 0;

    for (uint32_t step = 0; step < index.count; step++) {
        uint32_t at = index_entry(snapshot, index, hash, step);

        if (at == SNAPSHOT_NONE || row_is(snapshot, at, name))
            return at;
    }
    return SNAPSHOT_NONE;
}

static const struct snapshot_key *key_at(const struct snapshot *snapshot, uint32_t row)
{
    return SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->keys, row, snapshot_key);
}

static bool is_key(const struct snapshot *snapshot, uint32_t row, struct span id)
{
    return memcmp(key_at(snapshot, row)->id, id.ptr, KEY_ID_SIZE) == 0;
}

const struct snapshot_key *snapshot_find_key(const struct snapshot *snapshot, struct span id)
{
    uint32_t row = id.len == KEY_ID_SIZE
                       ? find_row(snapshot, snapshot_page(snapshot)->key_index, id, is_key)
                       : SNAPSHOT_NONE;

    return row == SNAPSHOT_NONE ? NULL : key_at(snapshot, row);
}

static const struct snapshot_model *model_at(const struct snapshot *snapshot, uint32_t row)
{
    return SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->models, row, snapshot_model);
}

static bool is_model(const struct snapshot *snapshot, uint32_t row, struct span name)
{
    return span_eq(snapshot_span(snapshot, model_at(snapshot, row)->name), name);
}

const struct snapshot_model *snapshot_find_model(const struct snapshot *snapshot,
                                                 struct span name)
{
    uint32_t row = find_row(snapshot, snapshot_page(snapshot)->model_index, name, is_model);

    return row == SNAPSHOT_NONE ? NULL : model_at(snapshot, row);
}

const struct snapshot_scope *snapshot_scope(const struct snapshot *snapshot, uint32_t number)
{
    if (number == 0)
        return NULL;
    return SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->scopes, number - 1, snapshot_scope);
}

uint32_t snapshot_queue(const struct snapshot *snapshot,
                        const struct snapshot_provider *provider)
{
    const struct snapshot_scope *scope = snapshot_scope(snapshot, provider->scope);

    for (uint32_t i = 0; scope && i < scope->limits.count; i++) {
        uint32_t queue = SNAPSHOT_ROW(snapshot, scope->limits, i, snapshot_limit)->queue;

        if (queue > 0)
            return queue;
    }
    return 0;
}

const struct snapshot_price *snapshot_price(const struct snapshot *snapshot, uint32_t number)
{
    if (number == 0)
        return NULL;
    return SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->prices, number - 1, snapshot_price);
}

static const struct snapshot_tag *tag_at(const struct snapshot *snapshot, uint32_t row)
{
    return SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->tags, row, snapshot_tag);
}

static bool is_tag(const struct snapshot *snapshot, uint32_t row, struct span name)
{
    return span_eq(snapshot_span(snapshot, tag_at(snapshot, row)->name), name);
}

const struct snapshot_scope *snapshot_find_tag(const struct snapshot *snapshot, struct span tag)
{
    const struct snapshot_header_page *page = snapshot_page(snapshot);
    uint32_t row = find_row(snapshot, page->tag_index, tag, is_tag);

    if (row == SNAPSHOT_NONE)
        return NULL;
    return SNAPSHOT_ROW(snapshot, page->scopes, tag_at(snapshot, row)->scope, snapshot_scope);
}

const struct snapshot_provider *snapshot_find_provider(const struct snapshot *snapshot,
                                                       struct span name, uint32_t *ret_index)
{
    struct snapshot_table table = snapshot_page(snapshot)->providers;

    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_provider *provider =
            SNAPSHOT_ROW(snapshot, table, i, snapshot_provider);

        if (span_eq(snapshot_span(snapshot, provider->name), name)) {
            *ret_index = i;
            return provider;
        }
    }
    return NULL;
}
