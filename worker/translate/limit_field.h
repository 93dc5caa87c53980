/* worker/translate/limit_field.h
 *
 * How a dialect spells in header fields where a limit stands.
 */
#ifndef WORKER_TRANSLATE_LIMIT_FIELD_H
#define WORKER_TRANSLATE_LIMIT_FIELD_H

#include "shared/limit/limit.h"

enum limit_value {
    LIMIT_VALUE_LIMIT,
    LIMIT_VALUE_REMAINING,
    LIMIT_VALUE_RESET_SPAN, /* "6m0.5s" until all of it remains */
    LIMIT_VALUE_RESET_TIME  /* RFC 3339 */
};

struct limit_field {
    struct span name;
    uint8_t unit;  /* enum limit_unit */
    uint8_t value; /* enum limit_value */
};

#endif
