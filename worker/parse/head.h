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
#include "shared/base/dialect_id.h"
#include "shared/base/fault.h"
#include "shared/base/secret.h"
#include "shared/http/http_reader.h"
#include "shared/settings/priority.h"

#include "worker/parse/cache_wish.h"
#include "worker/parse/tags.h"

enum operation {
    OPERATION_none,
#define OPERATION(name, method, path, dialect, kind) OPERATION_##name,
#include "worker/parse/operations.def"
#undef OPERATION
    OPERATION_COUNT
};

/* Up to COMPLETIONS a provider answers, from MODELS on the gateway itself. */
enum operation_kind {
    OPERATION_KIND_CHAT,       /* the body says whether to stream */
    OPERATION_KIND_CHAT_WHOLE, /* the path does */
    OPERATION_KIND_CHAT_STREAM,
    OPERATION_KIND_COUNT, /* tokens of a chat */
    OPERATION_KIND_EMBEDDINGS,
    OPERATION_KIND_COMPLETIONS,
    OPERATION_KIND_MODELS,
    OPERATION_KIND_MODEL,
    OPERATION_KIND_STORED, /* what the gateway keeps of responses */
    OPERATION_KIND_STORED_ITEMS,
    OPERATION_KIND_SOCKET, /* asks for a WebSocket: refused, so that clients fall back */
    OPERATION_KIND_HEALTH,
};

struct operation_row {
    const char *name; /* in logs and usage records */
    enum http_method method;
    struct span path;
    uint8_t dialect; /* enum dialect_id */
    uint8_t kind;    /* enum operation_kind */
};

const struct operation_row *operation_row(enum operation operation);

/* A provider answers it. */
static inline bool operation_calls(const struct operation_row *row)
{
    return row->method == HTTP_METHOD_POST && row->kind <= OPERATION_KIND_COMPLETIONS;
}

static inline bool operation_needs_key(const struct operation_row *row)
{
    return row->kind != OPERATION_KIND_HEALTH;
}

/* A chat of any form: what can be translated between dialects. */
static inline bool operation_chats(const struct operation_row *row)
{
    return row->kind <= OPERATION_KIND_CHAT_STREAM;
}

#define HEAD_FORWARDED_MAX 4 /* client headers that go on to the provider */

/* The client headers that are kept for a provider of the same dialect; lower case. */
struct head_wanted {
    const struct span *names;
    unsigned count; /* at most HEAD_FORWARDED_MAX */
};

struct forwarded {
    struct span name, value;
};

/* Which part of a list, in the query: decoded, not checked; ptr NULL: not said. */
struct head_page {
    struct span after, limit, order;
};

struct head {
    enum operation operation;
    struct span method, path; /* for the log; path without query, cut */
    struct span argument;     /* decoded part of the path that a '*' took */
    enum fault unfit;         /* the body cannot be taken; told after the key was looked at */
    const char *allow;        /* with FAULT_method_not_allowed: the Allow header's value */
    struct secret key;        /* as sent, ptr NULL: none */
    uint64_t content_length;  /* HTTP_LENGTH_NONE: chunked or none */
    bool has_body, keep_alive, expect_continue, head_only, options;
    struct head_page page;
    struct tags tags;
    struct span session, provider; /* x-aigw-session, x-aigw-provider; ptr NULL: not said */
    struct cache_wish cache;       /* x-aigw-cache */
    uint8_t priority;              /* x-aigw-priority: enum priority; 0, the first: not said */
    bool strict;                   /* x-aigw-strict: refuse what a translation would drop */
    bool sse;                      /* alt=sse in the query */
    uint8_t minor;                 /* HTTP/1.minor */
    uint8_t
        dialect; /* enum dialect_id: of the operation; of the headers where it has several */
    struct forwarded forwarded[HEAD_FORWARDED_MAX];
    unsigned forwarded_count;
};

/* Reads FROM, whose spans are copied as far as they are needed; of other headers those that
 * WANTED[dialect] names are kept. Always fills RET as far as it goes. */
enum fault head_read(const struct http_head *from, uint64_t body_limit_bytes,
                     const struct head_wanted wanted[DIALECT_COUNT], struct arena *arena,
                     struct head *ret);

#endif
