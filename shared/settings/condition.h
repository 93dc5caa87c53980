/* shared/settings/condition.h
 *
 * Conditions of a model's targets: their kinds, and how the texts of the settings are read.
 * Pure functions; the settings are checked and snapshots are made with the same ones.
 */
#ifndef SHARED_SETTINGS_CONDITION_H
#define SHARED_SETTINGS_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

enum condition {
#define CONDITION(name, help) CONDITION_##name,
#include "shared/settings/conditions.def"
#undef CONDITION
    CONDITION_COUNT
};

enum feature_number {
#define FEATURE(name, help) FEATURE_NUMBER_##name,
#include "shared/settings/features.def"
#undef FEATURE
    FEATURE_COUNT
};

enum feature {
#define FEATURE(name, help) FEATURE_##name = 1u << FEATURE_NUMBER_##name,
#include "shared/settings/features.def"
#undef FEATURE
};

_Static_assert(FEATURE_COUNT <= 32, "features are the bits of a uint32_t");

#define CONDITION_EVERY_DAY     0x7f
#define CONDITION_MINUTES       1440 /* of a day */
#define CONDITION_HEADERS_MAX   16   /* names, in all of the settings */
#define CONDITION_HEADER_LENGTH 100  /* of a name */

/* "x-tier=gold" or "x-tier=go*": its value begins so; "x-tier=*": it is there. */
struct header_condition {
    struct span name, value;
    bool prefix;
};

/* NULL, or what is wrong with TEXT ("is not ..."). Names that carry credentials are refused. */
const char *condition_read_header(struct span text, struct header_condition *ret);
/* "08:00-18:30": minutes of the day, the second after the last one; 22:00-06:00 ends on the
 * next day. */
const char *condition_read_hours(struct span text, uint32_t *ret_from, uint32_t *ret_until);
/* The bit of "mon" to "sun", from 1 on; 0: it is none. */
uint8_t condition_day(struct span text);
/* The bit of that name; 0: it is none. */
uint32_t condition_feature(struct span name);
struct span condition_name(enum condition condition);

#endif
