/* shared/base/fault.h
 *
 * What can go wrong with an exchange, as one closed list (faults.def).  A fault becomes the
 * client's error reply (in the client's dialect), a metric label and a field of the usage
 * record and access line.
 */
#ifndef SHARED_BASE_FAULT_H
#define SHARED_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

enum fault {
    FAULT_NONE,
#define FAULT(name, status, type, code, source, flags, message) FAULT_##name,
#include "shared/base/faults.def"
#undef FAULT
    FAULT_COUNT
};

enum fault_source {
    SOURCE_GATEWAY,
    SOURCE_PROVIDER,
    SOURCE_CLIENT
};

enum fault_flag {
    FAULT_NEXT_TARGET = 1, /* another target may be tried while no byte went to the client */
    FAULT_CLOSES = 2,      /* the client's connection cannot be used further */
    FAULT_NO_RETRY = 4,    /* answers x-should-retry: false */
    FAULT_UNSERVED = 8,    /* the provider has not worked for the request: nothing is charged */
};

struct fault_row {
    const char *name; /* metric label, log field */
    uint16_t status;  /* HTTP status */
    const char *type; /* OpenAI error.type */
    const char *code; /* error.code, or NULL */
    uint8_t source;   /* enum fault_source */
    uint8_t flags;
    const char *message; /* default text; a room may set a better one in struct refusal */
};

/* FAULT must be a real fault or FAULT_NONE. */
const struct fault_row *fault_row(enum fault fault);

#endif
