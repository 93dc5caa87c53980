/* worker/translate/schema_closed.h
 *
 * A JSON Schema for targets whose answers follow it strictly: every object is closed
 * (additionalProperties false), `oneOf` becomes `anyOf`, and the bounds that such targets
 * refuse (lengths, ranges, odd formats) are told to the model in the description instead.
 */
#ifndef WORKER_TRANSLATE_SCHEMA_CLOSED_H
#define WORKER_TRANSLATE_SCHEMA_CLOSED_H

#include "shared/base/arena.h"
#include "shared/text/json.h"

/* SCHEMA is an accepted object. The result lives in ARENA; what is nested deeper than
 * SCHEMA_CLOSED_DEPTH is copied as it stands. */
#define SCHEMA_CLOSED_DEPTH 64
struct span schema_close(struct json_value schema, struct arena *arena);

#endif
