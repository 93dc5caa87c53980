/* shared/limit/audit.h
 *
 * What dead workers held is given back, and buckets that a death left too high are put right.
 * For the controller. A worker raises a bucket before it notes the hold, and clears the note
 * before it lowers the bucket, so after a death at any instruction a bucket is too high or
 * right, and its true level is what the notes of all exchanges say.
 */
#ifndef SHARED_LIMIT_AUDIT_H
#define SHARED_LIMIT_AUDIT_H

#include "shared/limit/bucket.h"
#include "shared/segment/segment.h"

/* Gives back the places and money that ROW of a dead worker holds. What was sent to a provider
 * counts as spent: what the worker had found, else all that was reserved. Returns nanodollars
 * that count as spent by this. */
uint64_t audit_give_back(struct segment *segment, struct inflight *row);

/* Of one bucket whose level seemed wrong. */
struct audit_doubt {
    uint32_t bucket;
    uint32_t seen;  /* times in a row */
    int64_t excess; /* the least of all times; below zero: too low */
};

#define AUDIT_DOUBTS 256
#define AUDIT_SEEN   3 /* times that it takes */
#define AUDIT_SCANS  4 /* more looks at one that seems wrong, each time */

struct audit {
    struct audit_doubt doubts[AUDIT_DOUBTS];
    uint32_t count;
    uint64_t mended_total;
};

/* Looks at all buckets that places and money are held of: BUCKETS[0 .. COUNT-1], with IS_BUDGET
 * for each. To be called about once a second, by the thread that raises and lowers what was
 * spent. A level that was wrong to the same side AUDIT_SEEN times in a row is moved by the
 * least that it was wrong by, while others go on. A level that is too low is what is left of a
 * worker that was held up between two steps for so long that the audit had done the second one.
 */
struct audit_bucket {
    uint32_t bucket;
    uint32_t is_budget;
};

void audit_look(struct audit *audit, struct segment *segment,
                const struct audit_bucket *buckets, uint32_t count);

#endif
