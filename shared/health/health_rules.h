/* shared/health/health_rules.h
 *
 * When an account is taken for ill, and how long. The numbers of the settings `health`; fixed
 * widths, because they stand in the snapshot, complete for each account.
 */
#ifndef SHARED_HEALTH_HEALTH_RULES_H
#define SHARED_HEALTH_HEALTH_RULES_H

#include <stdint.h>

struct health_rules {
    uint32_t errors_in_row, breaks_in_row; /* so many eject; 0: never */
    uint32_t window_ms;                    /* 1 or more; for the shares below */
    uint32_t window_least;                 /* attempts in it before a share counts */
    uint32_t error_percent, break_percent; /* such a share ejects; 0: never */
    uint32_t degraded_percent;             /* of both together; 0: never */
    uint32_t eject_ms, eject_max_ms;       /* first time; doubles up to the second; 0: never */
    uint32_t trial_ms;                     /* a trial without end is given to another then */
    uint32_t limited_ms, limited_max_ms;   /* when a 429 names no time; the longest believed */
};

#endif
