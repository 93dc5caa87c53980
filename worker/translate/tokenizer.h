/* worker/translate/tokenizer.h
 *
 * How a family of models cuts text into tokens, and what it takes for messages, tools and
 * media: the columns of tokenizers.def. Which family a model is of stands in models.def.
 */
#ifndef WORKER_TRANSLATE_TOKENIZER_H
#define WORKER_TRANSLATE_TOKENIZER_H

#include "shared/base/dialect_id.h"
#include "shared/base/span.h"

#include "worker/translate/tally.h"

enum tokenizer {
#define TOKENIZER(name, ...) TOKENIZER_##name,
#include "worker/translate/tokenizers.def"
    TOKENIZER_COUNT
};

struct tokenizer_row {
    struct span name;
    uint16_t message, tool; /* tokens that frame each */
    uint16_t tools;         /* ... all tools together, once */
    uint16_t picture, seconds, page;
};

const struct tokenizer_row *tokenizer_row(enum tokenizer tokenizer);
/* By the longest word of models.def that MODEL, or a part of it after a sign, begins with; what
 * no word fits is as most models of a provider of DIALECT are. */
enum tokenizer tokenizer_of(struct span model, enum dialect_id dialect);
/* Tokens of the text that was counted. */
uint64_t tokenizer_weigh(const uint64_t counts[TALLY_COUNT], enum tokenizer tokenizer);

#endif
