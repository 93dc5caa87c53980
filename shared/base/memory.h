/* shared/base/memory.h
 *
 * The one door to the heap.  Nothing here returns NULL: a process without memory prints one
 * line and aborts, so no caller tests.  Sizes that come from outside are checked against a
 * limit before they get here.
 */
#ifndef SHARED_BASE_MEMORY_H
#define SHARED_BASE_MEMORY_H

#include <stddef.h>

/* SIZE zeroed bytes. */
void *memory_new(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
/* COUNT * SIZE zeroed bytes; overflow aborts. */
void *memory_new_array(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
/* Not zeroed: the caller writes all of it. */
void *memory_new_raw(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *memory_resize(void *ptr, size_t size) __attribute__((returns_nonnull, alloc_size(2)));
/* PTR may be NULL. */
void memory_free(void *ptr);
/* Overwrites SIZE bytes in a way that the compiler keeps, for secrets. */
void memory_wipe(void *ptr, size_t size);

/* ASan builds: touching it is an error until memory_unpoison; elsewhere nothing. For memory
 * that rests in a list of ours instead of with the heap. */
void memory_poison(void *ptr, size_t size);
void memory_unpoison(void *ptr, size_t size);

#define MEMORY_NEW(type) ((type *)memory_new(sizeof(type)))

#endif
