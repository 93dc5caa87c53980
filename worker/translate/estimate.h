/* worker/translate/estimate.h
 *
 * How many tokens a chat will be, before anybody has counted: by script and by the lengths of
 * words, in one pass over the escaped text. Meant for questions that no provider answers
 * (countTokens across dialects), never for what is recorded as used. Within about 15 % of the
 * common tokenizers (o200k, cl100k) for English, Chinese, code and JSON; pictures and documents
 * count as a flat number.
 */
#ifndef WORKER_TRANSLATE_ESTIMATE_H
#define WORKER_TRANSLATE_ESTIMATE_H

#include "worker/translate/chat.h"

uint64_t estimate_text(struct span escaped);
uint64_t estimate_chat(const struct chat *chat);
/* Of the body of any request: JSON that was accepted. What looks like data and not like text
 * counts as one picture. */
uint64_t estimate_body(struct span body);

#endif
