/* worker/translate/count.h
 *
 * Questions for the number of tokens (Anthropic count_tokens, Gemini countTokens) that the
 * model's provider cannot be asked: the chat in the question, and the answer to it.
 */
#ifndef WORKER_TRANSLATE_COUNT_H
#define WORKER_TRANSLATE_COUNT_H

#include "shared/base/dialect_id.h"
#include "shared/base/span.h"
#include "shared/text/json_write.h"

/* The request within BODY, an accepted object: itself, or what it wraps. */
struct span count_request(enum dialect_id dialect, struct span body);

void count_write(enum dialect_id dialect, uint64_t tokens, struct json_writer *json);

#endif
