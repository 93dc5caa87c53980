/* worker/translate/embeddings.h
 *
 * Requests for embeddings between the two forms that there are: OpenAI's (one list of inputs)
 * and Gemini's (embedContent for one text, batchEmbedContents for many). Pure functions, as
 * those of the dialects: bytes in place, what is made lives in the translation's arena. Towards
 * a Gemini provider it is always batchEmbedContents.
 *
 * Readers of requests that answer false have set the translation's refusal, those of answers
 * too (kind bad_answer).
 */
#ifndef WORKER_TRANSLATE_EMBEDDINGS_H
#define WORKER_TRANSLATE_EMBEDDINGS_H

#include "worker/translate/translation.h"

/* The dialects that have them, the most common first. */
#define EMBEDDING_DIALECTS DIALECT_openai, DIALECT_gemini

struct embed_ask {
    uint8_t dialect; /* enum dialect_id of the client: openai or gemini */
    bool batch;      /* of Gemini's two, the one for many */
    bool base64;     /* the client wants floats as base64 of little-endian IEEE 754 singles */
    struct text_item *texts;
    uint32_t count;
    struct json_value dimensions; /* a number, or absent */
    struct text task, title;      /* Gemini's: "RETRIEVAL_QUERY"; of a document */
};

struct embed_vector {
    struct embed_vector *next;
    struct json_value values; /* an array of numbers, or a string of base64 */
};

struct embed_answer {
    struct embed_vector *vectors;
    uint64_t tokens; /* of the prompt; TOKENS_UNKNOWN */
    struct text model;
};

/* BODY is an object that json_check has accepted. BATCH: of the operation, Gemini only. */
bool embed_read_ask(struct translation *t, enum dialect_id client, bool batch,
                    struct json_value body, struct embed_ask *ret);
/* For a provider that speaks PROVIDER, with the target's model; names what is left out. */
void embed_write_ask(struct translation *t, enum dialect_id provider,
                     const struct embed_ask *ask, struct json_writer *json);
bool embed_read_answer(struct translation *t, enum dialect_id provider, struct json_value body,
                       struct embed_answer *ret);
/* In the form that ASK's client expects. */
void embed_write_answer(struct translation *t, const struct embed_ask *ask,
                        const struct embed_answer *answer, struct json_writer *json);

/* The numbers of an array as base64, and base64 as an array; ret JSON_ABSENT when it is no such
 * value. */
struct json_value embed_to_base64(struct json_value numbers, struct arena *arena);
struct json_value embed_from_base64(struct json_value base64, struct arena *arena);

#endif
