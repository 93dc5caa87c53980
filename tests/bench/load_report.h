/*
 * What the load program counted, and its one JSON object on stdout.
 *
 * A request ends in exactly one way: ok, one of the failures, aborted (on purpose), held (open
 * streams at SIGTERM) or unfinished (under way when the time was over).  There is no retry, so
 * requests = the sum of all ends.
 */
#ifndef TESTS_BENCH_LOAD_REPORT_H
#define TESTS_BENCH_LOAD_REPORT_H

#include "tests/bench/histogram.h"
#include "tests/bench/load_options.h"

#define FAILURES(F)                                                                          \
    F(connect_refused)    /* nobody listens */                                               \
    F(connect_failed)     /* any other end of a connect */                                   \
    F(reset_before_byte)  /* the connection was reset before any byte of the answer */       \
    F(closed_before_byte) /* closed in order before any byte of the answer */                \
    F(cut)                /* reset, closed or ended without [DONE] in the answer's middle */ \
    F(cut_said)           /* a stream that ended with an error event */                      \
    F(bad_status)         /* an answer with a status other than 200 */                       \
    F(bad_body)           /* 200, but not what was asked for */                              \
    F(bad_http)           /* not HTTP */                                                     \
    F(timeout)            /* silent for too long */

enum failure {
#define FAILURE(name) FAILURE_##name,
    FAILURES(FAILURE)
#undef FAILURE
    FAILURE_COUNT
};

enum {
    FAILURE_TIMES = 2000,
    STATUSES = 600
};

/* When a request failed, for those who ask how long after a kill. */
struct failure_time {
    uint64_t at_ns;
    enum failure why;
};

struct load_counts {
    uint64_t begun_ns, ended_ns;
    uint64_t requests, ok, failed, aborted, held, unfinished;
    uint64_t failures[FAILURE_COUNT];
    uint64_t statuses[STATUSES];
    uint64_t connections_opened, close_honoured, idle_closed;
    uint64_t chunks, streams_open, streams_most;
    uint64_t queued_most; /* open loop: requests that waited for a free connection */
    struct failure_time times[FAILURE_TIMES];
    uint64_t times_count;
    struct histogram latency; /* of good answers: to the last byte */
    struct histogram first;   /* of good answers and open streams: to the first byte or event */
    struct histogram gap;     /* between reads that brought events */
};

/* Counts one failed request. */
void load_failed(struct load_counts *counts, enum failure why);

/* Prints all. */
void load_report(const struct load_counts *counts, const struct load_options *options);

#endif
