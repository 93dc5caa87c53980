/* worker/translate/openai/openai_inside.h
 *
 * What the files of this folder share: how members of objects are found, the words that stand
 * for enums, and the parts of a message. Private to the folder, and to the
 * dialects that have some of it under other roofs: dashscope, ernie.
 */
#ifndef WORKER_TRANSLATE_OPENAI_INSIDE_H
#define WORKER_TRANSLATE_OPENAI_INSIDE_H

#include "worker/translate/chat_read.h"
#include "worker/translate/hosted.h"
#include "worker/translate/openai/openai.h"

/* ---- words ----------------------------------------------------------------------------- */

bool openai_effort_read(struct json_value word, uint8_t *ret_effort);
struct span openai_effort_text(enum effort effort);

/* STOP_NONE for words that end nothing ("", "null"); an unknown word is a normal end. */
enum stop_reason openai_finish_read(struct json_value word);
/* What an OpenAI client knows. */
struct span openai_finish_text(enum stop_reason stop);

/* ---- requests -------------------------------------------------------------------------- */

read_setting_f openai_read_messages;
read_setting_f openai_read_tools;
read_setting_f openai_read_functions;
read_setting_f openai_read_tool_choice;
read_setting_f openai_read_function_call;
read_setting_f openai_read_web_search;

/* VALUE is a string or an array of parts, or absent; blocks are added to TO. */
bool openai_read_parts(struct chat_reading *reading, const struct path *path,
                       struct json_value value, struct message *to);
/* An item of tool_calls. */
bool openai_read_tool_call(struct chat_reading *reading, const struct path *path,
                           struct json_value value, struct message *to);
/* Its {"name", "arguments"}, or {"name", "input"} when CALL is custom. */
bool openai_read_called(struct chat_reading *reading, const struct path *path,
                        struct json_value value, struct block *call);

enum cache_mark openai_read_cache_mark(struct json_value cache_control);

/* Where Google's own layer puts the signature of a call, or of words. */
struct text openai_read_google_signature(struct json_value extra_content);
/* A call's id, freed from the signature in it, and the signature from there or from beside. */
void openai_read_call_id(struct text id, struct json_value extra_content, struct arena *arena,
                         struct block *call);
/* thinking_blocks: reasoning with signatures. */
void openai_read_thinking_block(struct json_value item, struct block *ret);

/* ---- answers --------------------------------------------------------------------------- */

/* The items of `choices`. False (refused): there are none, or the only one has failed. */
bool openai_read_choices(struct translation *t, struct json_value choices, struct reply *reply);
/* The texts of one form of a thinking part: a string, or text parts. */
struct text openai_thinking_text(struct json_value value, struct arena *arena);
/* What the reasoning of an answer or of a piece of it is called: the first that is there. */
struct json_value openai_reasoning_member(struct json_value reasoning_content,
                                          struct json_value reasoning);
/* The citation in an item of `annotations`; false when it is of another kind. */
bool openai_read_annotation(struct json_value item, struct citation *ret);
void openai_write_annotation(const struct citation *citation, struct json_writer *json);
void openai_place_citation(struct citation *citation, uint64_t start, uint64_t end,
                           struct arena *arena);
/* Names what a hosted tool did, and has no words here, as left out of the answer. */
void openai_drop_act(struct translation *t, const struct act *act);
/* An answer with status 200 that is an error all the same; *RET says which. */
bool openai_error_inside(struct json_value error, struct json_value base_resp, struct span body,
                         struct arena *arena, struct complaint *ret);

/* {"type": "thinking", ...} or {"type": "redacted_thinking", ...}. */
void openai_write_thinking(struct text text, struct text signature, enum dialect_id origin,
                           bool redacted, struct arena *arena, struct json_writer *json);
/* "extra_content": where Google's layer puts the signature of a call; a text's stands so in its
 * message. */
void openai_write_google_signature(struct text signature, struct json_writer *json);
/* Whether the client knows the tool NAME as one with free text. */
bool openai_is_custom_tool(const struct translation *t, struct text name);

void openai_write_usage(const struct usage *usage, struct json_writer *json);
bool openai_usage_known(const struct usage *usage);

#endif
