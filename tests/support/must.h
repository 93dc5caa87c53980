/* tests/support/must.h
 *
 * MUST(condition, format, ...): the test fails when the condition does not hold. For what is
 * asked millions of times: ck_assert writes down each time it is asked, MUST only a failure.
 */
#ifndef TESTS_SUPPORT_MUST_H
#define TESTS_SUPPORT_MUST_H

#include <check.h>

#define MUST(condition, ...)           \
    do {                               \
        if (!(condition))              \
            ck_abort_msg(__VA_ARGS__); \
    } while (0)

#endif
