/* shared/limit/audit.h
 *
 * What dead workers held is given back, and counters that a death left too high are put right:
 * buckets, and how many requests are in flight at an account. For the controller. A worker
 * raises a counter before it notes the hold, and clears the note before it lowers the counter,
 * so after a death at any instruction it is too high or right, and its true level is what the
 * notes of all exchanges say.
 */
#ifndef SHARED_LIMIT_AUDIT_H
#define SHARED_LIMIT_AUDIT_H

#include "shared/limit/bucket.h"
#include "shared/segment/segment.h"

/* Gives back the places, calls and money that ROW of a dead worker holds. What was sent to a
 * provider counts as spent: what the worker had found, else all that was reserved. Returns
 * nanodollars that count as spent by this. */
uint64_t audit_give_back(struct segment *segment, struct inflight *row);

/* What ROW of a dead worker costs at most, before it is given back: nanodollars. A stream may
 * have outgrown what was reserved when it was sent. */
uint64_t audit_reserved_nano(const struct inflight *row);

/* Of one counter whose level seemed wrong. */
struct audit_doubt {
    uint32_t counter;
    uint32_t seen;  /* times in a row */
    int64_t excess; /* the least of all times; below zero: too low */
};

#define AUDIT_DOUBTS 256
#define AUDIT_SEEN   3 /* times that it takes */
#define AUDIT_SCANS  4 /* more looks while one seems wrong, each time */

struct audit {
    struct audit_doubt doubts[AUDIT_DOUBTS];
    uint32_t count;
    uint64_t mended_total;
};

/* Row of a bucket, or AUDIT_IN_FLIGHT of a row of target_health. */
#define AUDIT_IN_FLIGHT(row) (SEGMENT_BUCKETS + (row))
#define AUDIT_COUNTERS       (SEGMENT_BUCKETS + SEGMENT_TARGETS)

struct audit_counter {
    uint32_t counter;
    uint32_t is_budget;
};

/* Looks at all counters that places, calls and money are held of: COUNTERS[0 .. COUNT-1]. To be
 * called about once a second, by the thread that raises and lowers what was
 * spent. A level that was wrong to the same side AUDIT_SEEN times in a row is moved by the
 * least that it was wrong by, while others go on. A level that is too low is what is left of a
 * worker that was held up between two steps for so long that the audit had done the second one.
 */
void audit_look(struct audit *audit, struct segment *segment,
                const struct audit_counter *counters, uint32_t count);

#endif
