#include "shared/snapshot/snapshot_build.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/file.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"
#include "shared/snapshot/snapshot_inside.h"

void snapshot_build_init(struct snapshot_builder *builder)
{
    static const struct snapshot_header_page empty;

    buffer_init(&builder->bytes, SNAPSHOT_SIZE_MAX);
    (void)buffer_append(&builder->bytes, span_of((const char *)&empty, sizeof(empty)));
}

void snapshot_build_done(struct snapshot_builder *builder)
{
    if (builder->bytes.ptr)
        memory_wipe(builder->bytes.ptr, builder->bytes.len);
    buffer_done(&builder->bytes);
}

struct snapshot_text snapshot_build_text(struct snapshot_builder *builder, struct span text)
{
    size_t offset = builder->bytes.len;

    if (!text.ptr || !buffer_append(&builder->bytes, text) ||
        !buffer_append_byte(&builder->bytes, '\0'))
        return (struct snapshot_text){0, 0};
    return (struct snapshot_text){(uint32_t)offset, (uint32_t)text.len};
}

struct snapshot_table snapshot_build_rows(struct snapshot_builder *builder, const void *rows,
                                          size_t count, size_t row_size)
{
    static const char zeros[8];
    struct buffer *bytes = &builder->bytes;
    size_t size, offset;

    if (count == 0)
        return (struct snapshot_table){0, 0};
    if (__builtin_mul_overflow(count, row_size, &size) || size > SNAPSHOT_SIZE_MAX) {
        bytes->failed = true;
        return (struct snapshot_table){0, 0};
    }
    (void)buffer_append(bytes, span_of(zeros, -bytes->len % 8));
    offset = bytes->len;
    if (!buffer_append(bytes, span_of(rows, size)))
        return (struct snapshot_table){0, 0};
    return (struct snapshot_table){(uint32_t)offset, (uint32_t)count};
}

/* The bytes that row ROW is found by. */
typedef struct span row_name_f(const struct snapshot_builder *builder, const void *row);

static struct span key_name(const struct snapshot_builder *builder, const void *row)
{
    const struct snapshot_key *key = row;

    (void)builder;
    return span_of(key->id, KEY_ID_SIZE);
}

static struct span model_name(const struct snapshot_builder *builder, const void *row)
{
    const struct snapshot_model *model = row;

    return span_of(builder->bytes.ptr + model->name.offset, model->name.len);
}

static struct span tag_name(const struct snapshot_builder *builder, const void *row)
{
    const struct snapshot_tag *tag = row;

    return span_of(builder->bytes.ptr + tag->name.offset, tag->name.len);
}

/* At most half full, so that a search is short and always ends. */
static uint32_t index_size(uint32_t rows)
{
    uint32_t size = 2;

    while (size / 2 < rows)
        size *= 2;
    return size;
}

static struct snapshot_table build_index(struct snapshot_builder *builder,
                                         struct snapshot_table table, size_t row_size,
                                         row_name_f *row_name)
{
    uint32_t size = index_size(table.count), slot;
    struct snapshot_table index;
    uint32_t *entries;

    if (builder->bytes.failed || table.count == 0)
        return (struct snapshot_table){0, 0};
    entries = memory_new_array(size, sizeof(uint32_t));
    for (uint32_t i = 0; i < size; i++)
        entries[i] = SNAPSHOT_NONE;
    for (uint32_t i = 0; i < table.count; i++) {
        const char *row = builder->bytes.ptr + table.offset + row_size * i;

        slot = (uint32_t)hash_fast(row_name(builder, row)) & (size - 1);
        while (entries[slot] != SNAPSHOT_NONE)
            slot = (slot + 1) & (size - 1);
        entries[slot] = i;
    }
    index = SNAPSHOT_BUILD_ROWS(builder, entries, size);
    memory_free(entries);
    return index;
}

static void derive(const struct snapshot_builder *builder,
                   const struct snapshot_provider *providers, struct snapshot_target *target)
{
    const struct snapshot_provider *provider = &providers[target->provider];

    target->health_row = provider->health_row;
    target->waiting = provider->waiting;
    target->name_hash =
        hash_fast(span_of(builder->bytes.ptr + provider->name.offset, provider->name.len));
    target->inverse = target->weight > 1 ? UINT64_MAX / target->weight + 1 : 0;
}

/* Of what was checked. */
static void derive_all(struct snapshot_builder *builder,
                       const struct snapshot_header_page *page)
{
    char *base = builder->bytes.ptr;
    const struct snapshot_provider *providers = (const void *)(base + page->providers.offset);
    const struct snapshot_model *models = (const void *)(base + page->models.offset);

    for (uint32_t i = 0; i < page->models.count; i++) {
        struct snapshot_target *targets = (void *)(base + models[i].targets.offset);

        for (uint32_t k = 0; k < models[i].targets.count; k++)
            derive(builder, providers, &targets[k]);
    }
}

static int sealed_file(struct span bytes)
{
    int fd = memfd_create("aigw snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int result;

    if (fd < 0)
        return -errno;
    result = file_write(fd, bytes);
    if (result == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        result = -errno;
    if (result < 0) {
        (void)close(fd);
        return result;
    }
    return fd;
}

int snapshot_build_seal(struct snapshot_builder *builder, struct snapshot_header_page *page)
{
    struct buffer *bytes = &builder->bytes;
    struct buffer why = {.limit_bytes = 256};

    page->key_index = build_index(builder, page->keys, sizeof(struct snapshot_key), key_name);
    page->model_index =
        build_index(builder, page->models, sizeof(struct snapshot_model), model_name);
    page->tag_index = build_index(builder, page->tags, sizeof(struct snapshot_tag), tag_name);
    if (bytes->failed)
        return -E2BIG;
    page->magic = SNAPSHOT_MAGIC;
    page->version = SNAPSHOT_VERSION;
    page->header_size = sizeof(*page);
    page->size = bytes->len;
    memcpy(bytes->ptr, page, sizeof(*page));
    if (!snapshot_valid(bytes->ptr, bytes->len, &why)) {
        buffer_done(&why);
        return -EINVAL;
    }
    derive_all(builder, page);
    return sealed_file(buffer_span(bytes));
}
