/* worker/parse/cache_wish.h
 *
 * The header x-aigw-cache of a request: a list of ttl=SECONDS, no-store, refresh and
 * only-if-cached. A pure function.
 */
#ifndef WORKER_PARSE_CACHE_WISH_H
#define WORKER_PARSE_CACHE_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

struct cache_wish {
    bool said;     /* there is such a header */
    bool has_ttl;  /* an answer that is not older is good; one that comes is kept so long */
    bool no_store; /* neither looked for nor kept */
    bool refresh;  /* not looked for, but kept */
    bool only;     /* no provider is asked */
    uint64_t ttl_s;
};

/* VALUE of the header, ptr NULL: none. False: it has a word that is none of them. */
bool cache_wish_read(struct span value, struct cache_wish *ret);

#endif
