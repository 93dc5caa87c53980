#include "shared/base/arena.h"

#include "shared/base/check.h"
#include "shared/base/memory.h"

#define FIRST_SIZE_BYTES   1024
#define BLOCK_MAXIMUM      65536
#define ALIGNMENT          16U
#define ROUND_UP(size)     (((size) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1))
#define SIZE_MAXIMUM_BYTES ((size_t)1 << 40) /* more is a bug of the caller */

/* The head block is the one that is being filled; a piece too large for any block stands behind
 * it. */
struct arena_block {
    struct arena_block *older;
    size_t used;
    size_t size;
    char bytes[] __attribute__((aligned(ALIGNMENT)));
};

struct arena_cleanup {
    struct arena_cleanup *older;
    void (*function)(void *what);
    void *what;
};

void arena_init(struct arena *arena, size_t first_size_bytes)
{
    *arena = (struct arena){.first_size_bytes =
                                first_size_bytes ? first_size_bytes : FIRST_SIZE_BYTES};
}

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = memory_new_raw(sizeof(*block) + size);

    block->older = NULL;
    block->used = 0;
    block->size = size;
    memory_poison(block->bytes, size);
    return block;
}

/* A block with room for SIZE bytes: a new head, or one behind the head for a large piece. */
static struct arena_block *block_with_room(struct arena *arena, size_t size)
{
    struct arena_block *head = arena->blocks;
    size_t next_size = head ? head->size * 2 : arena->first_size_bytes;
    struct arena_block *block;

    if (next_size > BLOCK_MAXIMUM)
        next_size = BLOCK_MAXIMUM;
    if (size > next_size) {
        block = block_new(size);
        if (head) {
            block->older = head->older;
            head->older = block;
        } else {
            arena->blocks = block;
        }
        return block;
    }
    block = block_new(next_size);
    block->older = head;
    arena->blocks = block;
    return block;
}

static char *take(struct arena *arena, size_t size, size_t alignment)
{
    struct arena_block *block = arena->blocks;
    size_t start;

    CHECK(size <= SIZE_MAXIMUM_BYTES);
    start = block ? (block->used + alignment - 1) & ~(alignment - 1) : 0;
    if (!block || start > block->size || size > block->size - start) {
        block = block_with_room(arena, size);
        start = 0;
    }
    block->used = start + size;
    arena->used_bytes += size;
    memory_unpoison(block->bytes + start, size);
    return block->bytes + start;
}

void *arena_take(struct arena *arena, size_t size)
{
    return take(arena, size, ALIGNMENT);
}

void *arena_take_zeroed(struct arena *arena, size_t size)
{
    return memset(take(arena, size, ALIGNMENT), 0, size);
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    CHECK(!__builtin_mul_overflow(count, size, &total));
    return arena_take_zeroed(arena, total);
}

char *arena_take_text(struct arena *arena, size_t size)
{
    return take(arena, size, 1);
}

struct span arena_copy(struct arena *arena, struct span s)
{
    char *copy = take(arena, s.len + 1, 1);

    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return span_of(copy, s.len);
}

void arena_on_done(struct arena *arena, void (*function)(void *what), void *what)
{
    struct arena_cleanup *cleanup = arena_take(arena, sizeof(*cleanup));

    cleanup->older = arena->cleanups;
    cleanup->function = function;
    cleanup->what = what;
    arena->cleanups = cleanup;
}

/* A cleanup may still take memory or register another cleanup. */
static void clean_up(struct arena *arena)
{
    while (arena->cleanups) {
        struct arena_cleanup *cleanup = arena->cleanups;

        arena->cleanups = cleanup->older;
        cleanup->function(cleanup->what);
    }
}

static void block_free(struct arena_block *block)
{
    memory_unpoison(block->bytes, block->size);
    memory_free(block);
}

void arena_done(struct arena *arena)
{
    clean_up(arena);
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;

        arena->blocks = block->older;
        block_free(block);
    }
    arena->used_bytes = 0;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = NULL;

    clean_up(arena);
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;

        arena->blocks = block->older;
        if (!kept && block->size == arena->first_size_bytes)
            kept = block;
        else
            block_free(block);
    }
    if (kept) {
        kept->older = NULL;
        kept->used = 0;
        memory_poison(kept->bytes, kept->size);
    }
    arena->blocks = kept;
    arena->used_bytes = 0;
}
