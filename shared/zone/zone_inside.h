/* shared/zone/zone_inside.h
 *
 * What the files of this folder share: the changes of a zone's clock, and the rule by which
 * they go on after the last one (POSIX TZ, with the hours of RFC 8536).
 */
#ifndef SHARED_ZONE_ZONE_INSIDE_H
#define SHARED_ZONE_ZONE_INSIDE_H

#include "shared/zone/zone.h"

/* From AT on the wall is OFFSET ahead of UTC. */
struct zone_change {
    int64_t at;
    int32_t offset;
};

enum zone_day_form {
    ZONE_DAY_MONTH,   /* Mm.w.d */
    ZONE_DAY_JULIAN,  /* Jn: 1 to 365, no leap day */
    ZONE_DAY_OF_YEAR, /* n: 0 to 365 */
};

struct zone_day {
    enum zone_day_form form;
    int month, week, day;
    int32_t seconds; /* of the wall, from that day's midnight; may be negative or past a day */
};

struct zone_rule {
    bool has_summer;
    int32_t standard, summer; /* offsets */
    struct zone_day begin, end;
};

/* False: TEXT is no rule. */
bool zone_read_rule(struct span text, struct zone_rule *ret);
/* The two changes of YEAR, in their order; only of a rule with a summer. */
void zone_rule_changes(const struct zone_rule *rule, int64_t year, struct zone_change ret[2]);

#endif
