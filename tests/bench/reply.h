/*
 * Reads one HTTP/1.1 answer from pieces of any size: status, framing, and what the load program
 * must know of the body (a whole chat completion? how many events? a [DONE] at the end?).
 *
 * Owned by the connection and begun anew for each request; holds a copy of the head and of a
 * body that is no stream, nothing of a stream.
 */
#ifndef TESTS_BENCH_REPLY_H
#define TESTS_BENCH_REPLY_H

#include "tests/bench/net.h"
#include "tests/bench/wire.h"

enum reply_state {
    REPLY_HEAD,
    REPLY_COUNTED, /* Content-Length */
    REPLY_CHUNK_SIZE,
    REPLY_CHUNK_DATA,
    REPLY_CHUNK_END,
    REPLY_TRAILER,
    REPLY_TO_END, /* until the peer closes */
    REPLY_DONE,
    REPLY_BAD, /* not HTTP */
};

struct reply {
    enum reply_state state;
    unsigned status;
    bool events;   /* text/event-stream */
    bool close;    /* this connection takes no more requests */
    bool done;     /* data: [DONE] came */
    bool fault;    /* an event that says error */
    uint64_t left; /* bytes of the body or chunk yet to come */
    unsigned seen; /* bytes of the line of framing being read */
    uint64_t body_bytes;
    uint64_t chunks; /* data events, without [DONE] */
    uint64_t rest;   /* bytes after the end of the answer: there must be none */
    char id[64];     /* x-request-id of the answer */
    char line[48];   /* front of the event line being read */
    uint64_t line_len;
    uint64_t bytes; /* of the whole answer */
    struct bytes kept;
};

/* Forgets the last answer; keeps its memory. */
void reply_begin(struct reply *r);

/* Takes `len` bytes as they came. */
void reply_take(struct reply *r, const char *ptr, size_t len);

/* The peer closed: the end of an answer that has no other one. */
void reply_end_of_input(struct reply *r);

/* After REPLY_DONE with status 200: is the body what was asked for? */
bool reply_body_is_good(const struct reply *r, bool stream);

void reply_done(struct reply *r);

#endif
