/* shared/text/sse.h
 *
 * Cuts a byte stream into server-sent event records (HTML standard, 9.2) without changing a
 * byte: each record comes with its raw bytes, blank line included, so that a relay can pass or
 * drop it whole.  Records that lie whole in the input are given in place; only an unfinished
 * tail is carried over to the next feed.  LF, CRLF and CR end lines; a byte order mark at the
 * start is skipped in the fields.  A record whose blank line is CRLF and which was cut between
 * the two is given at the CR; the LF then begins the raw bytes of the next record.
 */
#ifndef SHARED_TEXT_SSE_H
#define SHARED_TEXT_SSE_H

#include <stdbool.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

struct sse_record {
    struct span raw;   /* from the first byte to the end of the blank line */
    struct span event; /* "event" field, or NULL */
    struct span
        data; /* "data" field; several lines are joined by LF (then in the framer's scratch) */
    struct span id; /* "id" field, or NULL */
    bool has_data;  /* false: only comments or other fields, a browser would dispatch nothing */
};

struct sse_framer {
    struct buffer carry;  /* unfinished record; its limit is the size limit of one record */
    struct buffer joined; /* data of several lines */
    size_t searched;      /* bytes of carry known to hold no end */
    bool drop_carry;      /* the last record given was in carry */
    bool started;         /* first byte was seen */
    bool after_cr;        /* the last record ended with CR: a LF that follows belongs to it */
};

void sse_init(struct sse_framer *framer, size_t record_limit_bytes);
void sse_done(struct sse_framer *framer);

enum sse_result {
    SSE_RECORD,
    SSE_MORE,
    SSE_TOO_LARGE
};

/* Eats from *REST.  SSE_RECORD: *ret holds the next record, valid until the next call.
 * SSE_MORE: all of *rest was taken. */
enum sse_result sse_next(struct sse_framer *framer, struct span *rest, struct sse_record *ret);

/* Bytes of an unfinished record when the stream ends (they are not an event by the standard;
 * empty when the stream ended between records). */
struct span sse_rest(const struct sse_framer *framer);
/* Whether those bytes are a record that lacks only its blank line, which some servers forget
 * (or JSON without any framing); half a record is none. */
bool sse_rest_is_whole(struct span rest);

#endif
