/* worker/translate/schema.h
 *
 * A JSON Schema in the subset of OpenAPI that some targets take in its place: references are
 * put in where they stand, unions with null become `nullable`, what the subset does not know is
 * left out. Always finite: a schema that contains itself is cut to {"type":"object"} at the
 * second occurrence, and depth and size have limits.
 */
#ifndef WORKER_TRANSLATE_SCHEMA_H
#define WORKER_TRANSLATE_SCHEMA_H

#include "worker/translate/text.h"

/* SCHEMA is checked JSON of any kind. *RET: the result, in ARENA; kind JSON_ABSENT for an
 * object without properties, which a target wants left out altogether. False: too deep or too
 * large to be written out. */
bool schema_sanitise(struct json_value schema, struct arena *arena, struct json_value *ret);

#endif
