/* supervisor/events/watch.h
 *
 * Looks at the provider accounts again and again and tells what changed in between.  Pure but
 * for its memory: what an account is like at a look, and the time, are parameters.  One thread.
 *
 * The first look at an account tells nothing: it is the ground that later ones are compared
 * with.  What was ejected and came back between two looks is told by its count of ejections.
 */
#ifndef SUPERVISOR_EVENTS_WATCH_H
#define SUPERVISOR_EVENTS_WATCH_H

#include "shared/health/health.h"

#define WATCH_EVENTS_MOST 2 /* of one look at one account */
#define WATCH_NAME_BYTES  129

enum watch_cause {
    WATCH_REQUESTS, /* what became of them */
    WATCH_PROBE,
    WATCH_HAND,
    WATCH_TIME, /* what was said was for a time, and it passed */
    WATCH_CAUSES
};

struct watch_event {
    int64_t at_ms;    /* wall */
    int64_t until_ms; /* wall: the new state is expected to last; 0: nobody knows */
    char provider[WATCH_NAME_BYTES];
    uint8_t from, to; /* enum health_state */
    uint8_t cause;    /* enum watch_cause */
    uint16_t fault;   /* enum fault: of the attempt that failed last; FAULT_NONE: not known */
};

struct watch_sight {
    struct span provider;
    uint32_t row; /* in the segment, below SEGMENT_TARGETS */
    enum health_state state;
    uint64_t until_ms; /* monotonic, as health_state says it */
    uint64_t ejections;
    uint16_t fault;
};

struct watch;

struct watch *watch_new(void);
void watch_free(struct watch *watch);
/* A look at all accounts begins; who is not seen in it is forgotten. */
void watch_begin(struct watch *watch, uint64_t now_ms, int64_t wall_ms);
/* How many changes there are in RET, in their order. */
unsigned watch_look(struct watch *watch, const struct watch_sight *sight,
                    struct watch_event ret[WATCH_EVENTS_MOST]);
/* The next change of ROW is made by a probe. */
void watch_probed(struct watch *watch, uint32_t row);
/* How often the account of ROW came into STATE, each ejection counted. */
uint64_t watch_changes(const struct watch *watch, uint32_t row, enum health_state state);
const char *watch_cause_name(enum watch_cause cause);

#endif
