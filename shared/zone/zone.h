/* shared/zone/zone.h
 *
 * Time zones of the IANA database (the files of tzdata, RFC 8536), read by ourselves: the C
 * library knows one zone per process, and asking it for another is not safe with threads. UTC
 * is always known; other names need the files. A zone is read once and never changes: any
 * thread may ask it.
 */
#ifndef SHARED_ZONE_ZONE_H
#define SHARED_ZONE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

#define ZONE_NAME_MAX 64

struct zone;

/* Reads the zone of that name ("Europe/Berlin"); NULL: there is none, or its file is damaged.
 */
struct zone *zone_open(struct span name);
void zone_close(struct zone *zone); /* NULL is fine */

/* Seconds to be added to UTC for the clock on the wall, at SECONDS since 1970. */
int32_t zone_offset(const struct zone *zone, int64_t seconds);

/* The first instant at which the clock on the wall has passed LOCAL_SECONDS (a date and time as
 * if it were UTC). When a change of the clock leaves that time out, it is the change itself;
 * when the time comes twice, its first coming. */
int64_t zone_first(const struct zone *zone, int64_t local_seconds);

#endif
