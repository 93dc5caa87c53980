/* shared/base/arena.h
 *
 * Memory of one lifetime: taken piece by piece, given back at once.  One arena per exchange.
 * Never returns NULL.  No libuv handle may live in an arena (libuv owns it until its close
 * callback). Blocks: the first is small (the caller's size), later ones double up to 64 KB; a
 * piece larger than a block gets its own.  ASan builds poison the free tail.
 */
#ifndef SHARED_BASE_ARENA_H
#define SHARED_BASE_ARENA_H

#include <stddef.h>

#include "shared/base/span.h"

struct arena_block;
struct arena_cleanup;

struct arena {
    struct arena_block *blocks;     /* newest first */
    struct arena_cleanup *cleanups; /* newest first */
    size_t first_size_bytes;
    size_t used_bytes; /* given out, all blocks */
};

/* An empty arena; takes no memory before the first piece.  FIRST_SIZE_BYTES 0 means 1024. */
void arena_init(struct arena *arena, size_t first_size_bytes);

/* SIZE bytes aligned to 16, not zeroed / zeroed. */
void *arena_take(struct arena *arena, size_t size)
    __attribute__((returns_nonnull, alloc_size(2)));
void *arena_take_zeroed(struct arena *arena, size_t size)
    __attribute__((returns_nonnull, alloc_size(2)));

/* COUNT * SIZE zeroed; overflow aborts (check sizes from outside before). */
void *arena_take_array(struct arena *arena, size_t count, size_t size)
    __attribute__((returns_nonnull, alloc_size(2, 3)));

/* SIZE bytes without alignment, for text. */
char *arena_take_text(struct arena *arena, size_t size) __attribute__((returns_nonnull));

/* A copy of S in the arena; the copy is followed by a NUL that does not count. */
struct span arena_copy(struct arena *arena, struct span s);

/* Runs FUNCTION(WHAT) at arena_done, newest first: for things that are not memory. */
void arena_on_done(struct arena *arena, void (*function)(void *what), void *what);

/* Runs the cleanups, frees all blocks; the arena is empty and usable again. */
void arena_done(struct arena *arena);
/* As arena_done, but a first block is kept for what comes next. */
void arena_reset(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_take_zeroed((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) \
    ((type *)arena_take_array((arena), (count), sizeof(type)))

#endif
