/* worker/translate/estimate.h
 *
 * How many tokens a prompt will be, before anybody has counted: its texts are tallied in one
 * pass, and weighed for each family of models that may answer. Within 15 % of the published
 * tokenizers for English, Chinese, code and JSON (docs/tokens.md). Media count by kind and size
 * and never as text. Time is linear in the bytes, whatever they are; nothing is allocated.
 */
#ifndef WORKER_TRANSLATE_ESTIMATE_H
#define WORKER_TRANSLATE_ESTIMATE_H

#include "worker/translate/chat.h"
#include "worker/translate/tokenizer.h"

struct estimate {
    uint64_t counts[TALLY_COUNT];      /* of the texts */
    uint64_t messages, tools, numbers; /* NUMBERS: tokens that came as such */
    uint64_t pictures, sound_bytes, document_bytes;
};

/* Of the body of a request in any dialect. Names and settings of the wire format do not count,
 * schemas of tools count whole. What is no JSON gives some number. */
void estimate_body(struct span body, struct estimate *ret);
void estimate_chat(const struct chat *chat, struct estimate *ret);
uint64_t estimate_tokens(const struct estimate *estimate, enum tokenizer tokenizer);

/* Of one text, the inside of a JSON string. */
uint64_t estimate_text(struct span escaped, enum tokenizer tokenizer);

/* One of the media: base64 or an address. */
void estimate_media(struct estimate *estimate, struct span data);

#endif
