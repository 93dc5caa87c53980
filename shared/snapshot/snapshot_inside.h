/* shared/snapshot/snapshot_inside.h
 *
 * What the files of this folder share: the mapping, and the check of a snapshot's bytes.
 */
#ifndef SHARED_SNAPSHOT_SNAPSHOT_INSIDE_H
#define SHARED_SNAPSHOT_SNAPSHOT_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/snapshot/snapshot.h"

#define SNAPSHOT_SIZE_MAX ((size_t)1 << 30)

struct snapshot {
    const void *base;
    size_t size;
    uint32_t references;
};

/* True when every offset, count and index in SIZE bytes (at least a header page) at BASE,
 * aligned to 8, is sound; else one sentence goes to *reterr. */
bool snapshot_valid(const void *base, size_t size, struct buffer *reterr);

#endif
