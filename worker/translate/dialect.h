/* worker/translate/dialect.h
 *
 * A dialect is one wire format, spoken by clients, by providers, or by both; a row, defined in
 * the file of its name. So far there is one, and same-dialect forwarding (forward.h) needs of
 * it only what stands beside the bodies.
 */
#ifndef WORKER_TRANSLATE_DIALECT_H
#define WORKER_TRANSLATE_DIALECT_H

#include "shared/base/span.h"

struct dialect {
    struct span name; /* in usage records */
    const struct span
        *request_headers; /* client headers that go on to the provider; no other does */
    unsigned request_header_count;
    const struct span *answer_headers; /* provider headers that go on to the client */
    unsigned answer_header_count;
};

/* The dialect of the /v1 operations. */
const struct dialect *dialect_of_chat(void);

#endif
