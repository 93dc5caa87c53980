/* worker/translate/responses/responses_inside.h
 *
 * What the files of this folder share. Private to the folder.
 */
#ifndef WORKER_TRANSLATE_RESPONSES_INSIDE_H
#define WORKER_TRANSLATE_RESPONSES_INSIDE_H

#include "worker/translate/chat_read.h"
#include "worker/translate/hosted.h"
#include "worker/translate/responses/responses.h"

#define NAME_LIMIT_BYTES 64 /* of tools */
#define ID_LIMIT_BYTES   64 /* of calls */

/* ---- requests -------------------------------------------------------------------------- */

/* responses_read_items.c, responses_read_tools.c */
read_setting_f responses_read_input;
read_setting_f responses_read_tools;
read_setting_f responses_read_tool_choice;

/* ---- words ----------------------------------------------------------------------------- */

extern const struct word responses_efforts[], responses_choices[];
extern const unsigned responses_effort_count, responses_choice_count;

/* ---- items ----------------------------------------------------------------------------- */

/* {"type": "summary_text", "text"} and its like, an array: their texts, a blank line between.
 */
struct text responses_summary(struct json_value list, struct arena *arena);
/* Probabilities stand in a list here; the canonical form has it as chat completions do. */
void responses_wrap_logprobs(struct json_value list, struct buffer *out,
                             struct json_value *ret);
/* The reasoning of an item into BLOCK: its texts, its signature and who made that. */
void responses_read_reasoning(struct json_value item, struct arena *arena, struct block *block);
/* {"type": "url_citation", ...}; false when it is of another kind. */
bool responses_read_annotation(struct json_value item, struct citation *ret);
void responses_read_annotations(struct json_value list, struct arena *arena,
                                struct block *block);
/* The citations of BLOCK that have an address, with commas between; or nothing. */
struct span responses_annotations(const struct block *block, struct arena *arena);
struct citation responses_placed(const struct citation *citation, struct text text,
                                 struct arena *arena);
void responses_write_annotation(const struct citation *citation, struct json_writer *json);

/* Tools as an answer repeats them and as a request has them. */
void responses_write_tools(struct translation *t, const struct chat *chat, bool renamed,
                           struct json_writer *json);
void responses_write_tool_choice(struct translation *t, const struct chat *chat, bool renamed,
                                 struct json_writer *json);
/* {"format": ..., "verbosity": ...} */
void responses_write_text(const struct chat *chat, struct json_writer *json);

void responses_write_usage(const struct usage *usage, struct json_writer *json);

/* ---- hosted tools ---------------------------------------------------------------------- */

/* What ITEM says that a hosted tool did; NULL when it is another item. */
struct act *responses_read_act(struct json_value item, struct arena *arena);
/* Names an item of that type, which no other dialect has, as left out of the answer. */
void responses_drop_answer(struct translation *t, struct json_value type);
struct text responses_act_id(struct translation *t, const struct act *act);

/* What an item says of it. */
struct act_wishes {
    bool begun; /* as it begins, without all that comes of it */
    bool sources, outputs;
};
/* What the client asked for. */
struct act_wishes responses_wishes(const struct chat *chat, bool begun);
void responses_write_act(const struct act *act, struct text id, struct act_wishes wishes,
                         struct json_writer *json);

/* ---- answers --------------------------------------------------------------------------- */

/* What is the same in all objects "response" of one exchange. */
struct response {
    struct text id, model;
    struct text service_tier; /* TEXT_NONE: not known (yet) */
    uint64_t created;
};

void responses_begin(struct translation *t, struct text id, struct text model, uint64_t created,
                     struct response *ret);

/* All members but output: STATUS "in_progress", "completed", "incomplete" or "failed"; WHY the
 * reason of an incomplete one; USAGE and COMPLAINT may be NULL. OUTPUT: the items, JSON with
 * commas between. */
struct response_state {
    const char *status, *why;
    struct span output;
    const struct usage *usage;
    const struct complaint *complaint;
};

void responses_write_response(struct translation *t, const struct response *response,
                              const struct response_state *state, struct json_writer *json);
/* The status that a stop gives, and the reason when it is no complete one. */
const char *responses_status(enum stop_reason stop, const char **ret_why);

/* Whether the client knows the tool NAME as one with free text. */
bool responses_is_custom(const struct translation *t, struct text name);

/* An item of `output`: a message with one part, reasoning, or a call. */
struct output_item {
    uint8_t kind;   /* enum block_kind: text, refusal, reasoning, tool call */
    uint8_t origin; /* enum dialect_id, of SIGNATURE */
    bool custom;
    struct text id;
    struct text text; /* words, or the call's input */
    struct text call_id, name, signature;
    struct span annotations; /* JSON with commas between */
    struct span logprobs;    /* a JSON array, or empty */
};

/* The list in the canonical form of probabilities, an empty one when there is none. */
struct span responses_logprobs(struct json_value logprobs);

/* Fills all but the texts, for a block that begins. */
void responses_item_begin(struct translation *t, enum block_kind kind, struct text call_id,
                          struct text name, struct output_item *ret);
/* STATUS "in_progress": as it begins, without its content. */
void responses_write_item(struct translation *t, const struct output_item *item,
                          const char *status, struct json_writer *json);
/* The reasoning that carries the signature of a text before it. */
void responses_text_signature(struct translation *t, const struct block *text,
                              struct output_item *ret);
/* {"type": "output_text", ...} or {"type": "refusal", ...}. */
void responses_write_part(const struct output_item *item, struct text text,
                          struct json_writer *json);

/* {"code", "message"} and the event's form with type and param. */
void responses_write_error(const struct complaint *complaint, struct json_writer *json);

#endif
