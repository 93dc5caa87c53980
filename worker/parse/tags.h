/* worker/parse/tags.h
 *
 * Names that a request is put under, for limits and statistics: of the header x-aigw-tags, and
 * of "tags" in the body's metadata. Each stands once.
 */
#ifndef WORKER_PARSE_TAGS_H
#define WORKER_PARSE_TAGS_H

#include "shared/base/arena.h"
#include "shared/limit/limit.h"

struct tags {
    struct span names[TAGS_MAX]; /* in the arena */
    unsigned count;
};

/* Adds the names of LIST, by commas. False when one is no tag (letters, digits and "._:/-", at
 * most TAG_BYTES_MAX) or finds no room; the others are added all the same. */
bool tags_add(struct tags *tags, struct span list, struct arena *arena);

#endif
