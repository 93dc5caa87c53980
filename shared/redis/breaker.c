#include "shared/redis/breaker.h"

bool breaker_may_ask(const struct breaker *breaker, uint64_t now_ms)
{
    return !breaker->open || now_ms >= breaker->probe_ms;
}

bool breaker_failed(struct breaker *breaker, uint64_t now_ms)
{
    bool was_open = breaker->open;

    if (breaker->failures < BREAKER_FAILURES)
        breaker->failures++;
    breaker->open = breaker->failures == BREAKER_FAILURES;
    breaker->probe_ms = now_ms + BREAKER_PROBE_MS;
    return breaker->open && !was_open;
}

bool breaker_worked(struct breaker *breaker)
{
    bool was_open = breaker->open;

    *breaker = (struct breaker){0};
    return was_open;
}
