/* worker/parse/features.h
 *
 * What a request uses of a model, in the body of any dialect. Pure; for conditions of targets,
 * so a word in a text of the conversation or in a schema must not count.
 */
#ifndef WORKER_PARSE_FEATURES_H
#define WORKER_PARSE_FEATURES_H

#include "shared/base/span.h"
#include "shared/settings/condition.h"

/* Bits of enum feature but FEATURE_stream; BODY was checked as JSON. */
uint32_t features_of(struct span body);

#endif
