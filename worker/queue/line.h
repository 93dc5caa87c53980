/* worker/queue/line.h
 *
 * Those of this worker that wait for a place at a provider account: by flows, those of a flow
 * as they came (shared/queue/queue.h). A request may stand in the lines of several accounts,
 * with a turn in each; turns belong to who waits and keep their address. A line exists while
 * somebody stands in it, a flow's part of it likewise. The first of each line is published in
 * the segment.
 */
#ifndef WORKER_QUEUE_LINE_H
#define WORKER_QUEUE_LINE_H

#include "shared/queue/queue.h"

struct line;
struct line_flow;

struct turn {
    struct turn *next, *previous; /* of its flow */
    struct line_flow *flow;       /* NULL: it stands in no line */
    void *who;
    unsigned target; /* of who's plan */
    uint32_t queue;  /* row of the segment */
    uint64_t key;    /* of its try, set by line_first */
    bool insists;    /* goes though one of another worker is before it, which does not go */
};

struct line_flow {
    struct line_flow *next;
    struct line *line;
    struct queue_flow_of of;
    struct turn *first, *last;
    uint32_t count;
};

struct line {
    struct line *next;
    struct line_flow *flows;
    uint32_t queue, count;
    uint64_t passed_over_ms; /* since when there is room and the first of another worker is
                                before ours; 0: it is not so */
};

struct lines {
    struct segment *segment;
    uint32_t slot;
    struct line *first;
    uint32_t waiting; /* turns in all lines */
};

void lines_init(struct lines *lines, struct segment *segment, uint32_t slot);
/* NULL: nobody waits there. */
struct line *line_find(const struct lines *lines, uint32_t queue);
/* TURN, of which `who` and `queue` are set, joins the line of its queue. */
void line_join(struct lines *lines, struct turn *turn, const struct queue_flow_of *flow);
/* It leaves, wherever it stands; the line may be gone afterwards. */
void line_leave(struct lines *lines, struct turn *turn);
/* Who goes next of LINE, as things stand now; that is published. */
struct turn *line_first(const struct lines *lines, const struct line *line);
/* Who goes last: of the lowest priority the last of the flow with the most that wait, for its
 * weight. */
struct turn *line_last(const struct line *line);
/* Whether one more of FLOW would go before LAST, which is line_last's. */
bool line_goes_before(const struct line *line, const struct queue_flow_of *flow,
                      const struct turn *last);
/* How many of the FLOW wait in LINE, which may be NULL. */
uint32_t line_count(const struct line *line, const struct queue_flow_of *flow);

#endif
