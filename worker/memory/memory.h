/* worker/memory/memory.h
 *
 * Responses that the gateway keeps for providers that keep none: what previous_response_id
 * refers to, and what GET and DELETE /v1/responses/{id} and its input_items answer. Pure
 * functions over spans; shared/kept holds the bytes, under the response's id as their name.
 *
 * What is kept is one JSON object: {"version", "owner", "input": [items], "response": {...}}.
 * INPUT is all that the model saw, with what was kept before it, so no chain is walked and a
 * deleted response breaks none that came after it. RESPONSE is the object as the client got it.
 * OWNER is whoever made it (key or tenant, the caller's words): for any other it is not there.
 * The instructions of a request are no part of it: they count for one request only.
 */
#ifndef WORKER_MEMORY_MEMORY_H
#define WORKER_MEMORY_MEMORY_H

#include "shared/base/arena.h"
#include "shared/text/json.h"
#include "shared/text/json_write.h"

struct memory {
    struct json_value input;    /* an array */
    struct json_value response; /* an object */
};

/* Whether ID can be one that the gateway made: "resp_" and letters or digits, at most 64. */
bool memory_is_id(struct span id);

/* FILE as it was kept; points into it. False when it is broken or another's. */
bool memory_read(struct span file, struct span owner, struct memory *ret);
/* The file of an answer to BODY (as it was expanded). */
bool memory_write(struct span owner, struct json_value body, struct json_value response,
                  struct buffer *out);

/* BODY, a request with previous_response_id, as one without: its input begins with what the
 * previous response was given and answered. All other members stay as they are. */
bool memory_expand(struct json_value body, const struct memory *previous, struct buffer *out);

/* The answer within RECORDS, the last event of a stream as it was written; JSON_ABSENT when
 * there is none. */
struct json_value memory_of_records(struct span records);

/* A page of input_items, newest first unless ASCENDING. */
struct memory_page {
    struct span after; /* an item's id, or SPAN_NONE */
    unsigned limit;    /* 1 to 100 */
    bool ascending;
};

void memory_write_items(const struct memory *memory, const struct memory_page *page,
                        struct arena *arena, struct json_writer *json);
void memory_write_deleted(struct span id, struct json_writer *json);

#endif
