#include "shared/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *function, const char *text)
{
    (void)fprintf(stderr, "%s:%d: %s: CHECK(%s) failed\n", file, line, function, text);
    abort();
}
