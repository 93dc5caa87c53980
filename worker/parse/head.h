/* worker/parse/head.h
 *
 * What a request asks for, from its head: the one parse that authentication and dispatch both
 * use. Made once per exchange, in its arena, const afterwards.
 */
#ifndef WORKER_PARSE_HEAD_H
#define WORKER_PARSE_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/fault.h"
#include "shared/base/secret.h"
#include "shared/http/http_reader.h"

enum operation {
    OPERATION_none,
#define OPERATION(name, method, path, needs_key, upstream_path) OPERATION_##name,
#include "worker/parse/operations.def"
#undef OPERATION
    OPERATION_COUNT
};

struct operation_row {
    const char *name; /* in logs and usage records */
    enum http_method method;
    struct span path;
    bool needs_key;
    struct span upstream_path; /* empty: answered here */
};

const struct operation_row *operation_row(enum operation operation);

#define HEAD_FORWARDED_MAX 4 /* client headers that go on to the provider */

struct forwarded {
    struct span name, value;
};

struct head {
    enum operation operation;
    struct span method, path; /* for the log; path without query, cut */
    struct span argument;     /* decoded rest of a path that ends in '*' */
    enum fault unfit;         /* the body cannot be taken; told after the key was looked at */
    const char *allow;        /* with FAULT_method_not_allowed: the Allow header's value */
    struct secret key;        /* as sent, ptr NULL: none */
    uint64_t content_length;  /* HTTP_LENGTH_NONE: chunked or none */
    bool has_body, keep_alive, expect_continue, head_only, options;
    uint8_t minor; /* HTTP/1.minor */
    struct forwarded forwarded[HEAD_FORWARDED_MAX];
    unsigned forwarded_count;
};

/* Reads FROM, whose spans are copied as far as they are needed; of other headers those named in
 * FORWARDED (lower case, at most HEAD_FORWARDED_MAX) are kept. Always fills RET as far as it
 * goes. */
enum fault head_read(const struct http_head *from, uint64_t body_limit_bytes,
                     const struct span *forwarded, unsigned forwarded_count,
                     struct arena *arena, struct head *ret);

#endif
