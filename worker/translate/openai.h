/* worker/translate/openai.h
 *
 * What is particular to the OpenAI dialect beside its bodies: its name in records, and the
 * headers that belong to it.
 */
#ifndef WORKER_TRANSLATE_OPENAI_H
#define WORKER_TRANSLATE_OPENAI_H

#include "shared/base/span.h"

extern const struct span openai_name;

/* Client headers that go on to the provider; no other does. */
extern const struct span openai_request_headers[];
extern const unsigned openai_request_header_count;

/* Provider headers that go on to the client. */
extern const struct span openai_answer_headers[];
extern const unsigned openai_answer_header_count;

#endif
