/* shared/base/check.h
 *
 * Assertions that stay in every build.  A failed CHECK is a bug: it prints one line and aborts;
 * the supervisor starts the worker again.  Never on input from outside, never with side
 * effects.
 */
#ifndef SHARED_BASE_CHECK_H
#define SHARED_BASE_CHECK_H

/* Prints "file:line: function: CHECK(text) failed" on stderr and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *function, const char *text);

#define CHECK(cond)                                            \
    do {                                                       \
        if (__builtin_expect(!(cond), 0))                      \
            check_failed(__FILE__, __LINE__, __func__, #cond); \
    } while (0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
