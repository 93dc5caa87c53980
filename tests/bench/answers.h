/*
 * What the fake provider answers: the plan that a model's name asks for, and the bytes.
 *
 * Model names (what stands before the last '/' is ignored):
 *   stream-100-10ms   100 chunks, 10 ms apart, when the body asks for a stream (0ms: one after
 *                     the other, as fast as the peer takes them)
 *   slow-200ms        the answer, or the first chunk, comes 200 ms late
 *   status-500        an error with this status
 *   cut-after-3       closes after 3 chunks, or in the middle of a plain body
 *   reset             closes with a reset and without an answer
 *   close             answers with `Connection: close`
 * Any other name is answered at once.  Pure functions; the texts are made once by answers_make.
 */
#ifndef TESTS_BENCH_ANSWERS_H
#define TESTS_BENCH_ANSWERS_H

#include "tests/bench/net.h"
#include "tests/bench/wire.h"

/* What the command line says where the model's name says nothing. */
struct answer_defaults {
    uint64_t chunks;
    uint64_t pace_ms;
    uint64_t answer_bytes;
    uint64_t chunk_bytes;
};

struct plan {
    uint64_t chunks;
    uint64_t pace_ns;
    uint64_t delay_ns;
    uint64_t cut_after;
    unsigned status;
    bool stream;
    bool usage; /* a usage chunk was asked for */
    bool cut;
    bool reset;
    bool close; /* say `Connection: close` and do it */
};

/* Builds the fixed texts; once, at start. */
void answers_make(const struct answer_defaults *defaults);

/* Reads a request body. */
struct plan plan_read(struct text body);

/* A whole answer that is no stream, head and body. */
void answer_plain(const struct plan *plan, struct bytes *out);

/* A JSON or text answer of the control paths. */
void answer_text(const char *type, struct text body, struct bytes *out);

/* The pieces of a stream: head, the `number`th chunk, and what ends it. */
void answer_stream_head(const struct plan *plan, struct bytes *out);
void answer_stream_chunk(uint64_t number, struct bytes *out);
void answer_stream_end(const struct plan *plan, struct bytes *out);

#endif
