/* shared/base/clock.h
 *
 * Two clocks.  Durations, time-outs and leases use the monotonic one; only what people read,
 * token expiry and budget periods use the wall.  Functions that decide something take the time
 * as a parameter, so that tests choose it.
 */
#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

#include <stdint.h>

#include "shared/base/span.h"

uint64_t clock_monotonic_ns(void);

static inline uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);

/* "2026-11-24T08:15:30.123Z" (RFC 3339, 24 bytes) into TEXT. */
#define CLOCK_TEXT_SIZE 24
void clock_write_rfc3339(int64_t wall_ms, char text[CLOCK_TEXT_SIZE]);

/* "2026-12-01" (its first moment in UTC) or "2026-12-01T08:15:30Z", of 1970 to 9999. False when
 * it is none. */
bool clock_read_date_ms(struct span text, int64_t *ret_ms);

/* "Sun, 06 Nov 1994 08:49:37 GMT", the form of RFC 9110 5.6.7 that is made today. False when it
 * is none. */
bool clock_read_http_date_ms(struct span text, int64_t *ret_ms);

/* "90s", "250ms", "5m", "2h", "7d" or plain milliseconds ("0").  False when it is none. */
bool clock_read_duration_ms(struct span text, uint64_t *ret_ms);

#endif
