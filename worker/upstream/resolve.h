/* worker/upstream/resolve.h
 *
 * Names to addresses without blocking: c-ares on the loop, so that a look-up that hangs costs
 * one socket and no thread, and delays nobody else. /etc/hosts, numeric addresses, IPv4 and
 * IPv6.
 *
 * Answers are kept for their time to live (bounded below and above). An answer that is past its
 * time is given at once while a new one is asked for, up to RESOLVE_STALE_MS: a resolver that
 * is down stops nobody. Of RESOLVE_CACHE_MAX names the one that was asked for the longest ago
 * makes room for another. A worker has one for the names of its settings, and another one for
 * the names that clients write.
 */
#ifndef WORKER_UPSTREAM_RESOLVE_H
#define WORKER_UPSTREAM_RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

#include "worker/wire/reactor.h"

#define RESOLVE_ADDRESSES    8
#define RESOLVE_NAME_MAX     253 /* RFC 1035 */
#define RESOLVE_CACHE_MAX    1024
#define RESOLVE_TTL_LEAST_MS 5000
#define RESOLVE_TTL_MOST_MS  300000
#define RESOLVE_FAILED_MS    1000 /* a failure is remembered so long */
#define RESOLVE_STALE_MS     3600000

union resolve_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct resolve_answer {
    union resolve_address addresses[RESOLVE_ADDRESSES]; /* port 0; in the order to try */
    unsigned count;                                     /* 0: failed */
    const char *error;                                  /* why */
};

struct resolver;
struct lookup;
typedef void resolved_f(struct lookup *lookup, const struct resolve_answer *answer);

struct lookup {
    struct lookup *next, *previous; /* while waiting */
    resolved_f *resolved;
};

struct resolver_options {
    const char *servers;   /* "127.0.0.1:5353,..." instead of resolv.conf; NULL: the system's */
    uint32_t timeout_ms;   /* of one try; 0: 2000 */
    uint32_t tries;        /* 0: 2 */
    uint32_t ttl_least_ms; /* 0: RESOLVE_TTL_LEAST_MS */
};

/* NULL when c-ares fails; then *reterr is its sentence. */
struct resolver *resolver_new(struct reactor *reactor, const struct resolver_options *options,
                              const char **reterr);
/* No look-up may wait. Memory goes when the loop has closed the handles. */
void resolver_free(struct resolver *resolver);

/* True: *ret_answer is there now (cached, numeric or failed). False: `resolved` follows, unless
 * lookup_cancel comes first. NAME is copied. */
bool resolve(struct resolver *resolver, struct lookup *lookup, struct span name,
             resolved_f *resolved, struct resolve_answer *ret_answer);
void lookup_cancel(struct lookup *lookup);

#endif
