#include "tests/bench/idset.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROWS = 4096,
    MOST_IDS = 8000000
};

static uint64_t hash_of(struct text id)
{
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.ptr[i]) * 0x100000001b3U;
    return hash ^ (hash >> 32);
}

/* The row of `id`, or the free one where it belongs. */
static struct idset_row *row_of(const struct idset *set, struct text id)
{
    size_t at = hash_of(id) & (set->size - 1);

    while (set->rows[at].seen &&
           (set->rows[at].len != id.len || memcmp(set->rows[at].id, id.ptr, id.len) != 0))
        at = (at + 1) & (set->size - 1);
    return &set->rows[at];
}

static void grow(struct idset *set)
{
    struct idset old = *set;

    set->size = old.size ? old.size * 2 : FIRST_ROWS;
    set->rows = memory_zeroed(set->size, sizeof *set->rows);
    for (size_t i = 0; i < old.size; i++)
        if (old.rows[i].seen)
            *row_of(set, (struct text){old.rows[i].id, old.rows[i].len}) = old.rows[i];
    free(old.rows);
}

void idset_see(struct idset *set, struct text id)
{
    if (id.len > sizeof set->rows->id - 1)
        id.len = sizeof set->rows->id - 1;
    if (set->distinct * 2 >= set->size)
        grow(set);
    struct idset_row *row = row_of(set, id);

    if (row->seen++) {
        set->duplicates++;
        return;
    }
    if (set->distinct >= MOST_IDS) {
        row->seen = 0;
        set->lost++;
        return;
    }
    memcpy(row->id, id.ptr, id.len);
    row->len = (uint32_t)id.len;
    set->distinct++;
}

void idset_print(const struct idset *set, struct bytes *out)
{
    for (size_t i = 0; i < set->size; i++)
        if (set->rows[i].seen)
            bytes_format(out, "%s %u\n", set->rows[i].id, set->rows[i].seen);
}

void idset_clear(struct idset *set)
{
    free(set->rows);
    *set = (struct idset){0};
}
