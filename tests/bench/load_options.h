/*
 * What the load program was asked to do, from its command line.
 */
#ifndef TESTS_BENCH_LOAD_OPTIONS_H
#define TESTS_BENCH_LOAD_OPTIONS_H

#include "tests/bench/net.h"

struct load_options {
    uint16_t port;
    const char *path;
    const char *key;
    const char *model;
    const char *ids_file;  /* where "ID STATUS" of every answer goes */
    const char *body_file; /* sent in place of the made-up body */
    uint64_t body_bytes;
    uint64_t connections;
    uint64_t requests;     /* 0: no limit */
    uint64_t duration_ms;  /* 0: no limit */
    uint64_t rate;         /* requests a second, open loop; 0: closed loop */
    uint64_t ramp;         /* first requests a second; 0: all at once */
    uint64_t timeout_ms;   /* without a byte */
    uint64_t grace_ms;     /* for what is under way at the end */
    uint64_t abort_chunks; /* leave a stream after so many chunks; 0: never */
    bool close;            /* a new connection for each request */
    bool stream;
    bool usage; /* ask for the usage chunk */
    bool hold;  /* say "open N" on stderr, leave at SIGTERM */
};

/* Reads the command line; ends the program with 2 and a list of options when it is wrong. */
struct load_options load_options_read(int argc, char **argv);

/* The bytes of one request, made once. */
void load_request_make(const struct load_options *options, struct bytes *ret_request);

#endif
