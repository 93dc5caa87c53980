#include "shared/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#    define MEMORY_POISONS 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define MEMORY_POISONS 1
#    endif
#endif

#ifdef MEMORY_POISONS
#    include <sanitizer/asan_interface.h>
#else
#    define ASAN_POISON_MEMORY_REGION(ptr, size)   ((void)(ptr), (void)(size))
#    define ASAN_UNPOISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#endif

static _Noreturn void memory_gone(size_t size)
{
    (void)fprintf(stderr, "out of memory: %zu bytes were not to be had\n", size);
    abort();
}

void *memory_new(size_t size)
{
    void *ptr = calloc(1, size ? size : 1);

    if (!ptr)
        memory_gone(size);
    return ptr;
}

void *memory_new_array(size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        memory_gone(SIZE_MAX);
    return memory_new(total);
}

void *memory_new_raw(size_t size)
{
    void *ptr = malloc(size ? size : 1);

    if (!ptr)
        memory_gone(size);
    return ptr;
}

void *memory_resize(void *ptr, size_t size)
{
    void *moved = realloc(ptr, size ? size : 1);

    if (!moved)
        memory_gone(size);
    return moved;
}

void memory_free(void *ptr)
{
    free(ptr);
}

void memory_wipe(void *ptr, size_t size)
{
    if (size == 0) /* then PTR may be NULL */
        return;
    explicit_bzero(ptr, size);
}

void memory_poison(void *ptr, size_t size)
{
    ASAN_POISON_MEMORY_REGION(ptr, size);
}

void memory_unpoison(void *ptr, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(ptr, size);
}
