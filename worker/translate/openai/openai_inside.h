/* worker/translate/openai/openai_inside.h
 *
 * What the files of this folder share: how members of objects are found, the words that stand
 * for enums, and the parts of a message. Private to the folder.
 */
#ifndef WORKER_TRANSLATE_OPENAI_INSIDE_H
#define WORKER_TRANSLATE_OPENAI_INSIDE_H

#include "worker/translate/openai/openai.h"

/* ---- members of an object -------------------------------------------------------------- */

/* Sets VALUES[i] to the member of OBJECT that is named KEYS[i], in one walk; null and what is
 * not there are JSON_ABSENT. Other members are passed over. */
void pick_members(struct json_value object, const struct span *keys, unsigned count,
                  struct json_value *values);
/* The same for an object at PATH of a request: other members are named as dropped. False when
 * it is no object. */
bool take_members(struct translation *t, const struct path *path, struct json_value object,
                  const struct span *keys, unsigned count, struct json_value *values);

/* A list of members: an enum PREFIX_name and, by MEMBER_KEYS, their names. */
#define MEMBER_KEY(name) WORD(#name),

/* ---- words ----------------------------------------------------------------------------- */

struct word {
    struct span text;
    uint8_t value;
};

/* The value of the string WORD in the COUNT rows of TABLE; false when it is not there. */
bool word_value(const struct word *table, unsigned count, struct json_value word, uint8_t *ret);
/* The first word for VALUE; SPAN_NONE when there is none. */
struct span word_text(const struct word *table, unsigned count, uint8_t value);

bool effort_read(struct json_value word, uint8_t *ret_effort);
struct span effort_text(enum effort effort);

/* STOP_NONE for words that end nothing ("", "null"); an unknown word is a normal end. */
enum stop_reason finish_read(struct json_value word);
/* What an OpenAI client knows. */
struct span finish_text(enum stop_reason stop);

/* ---- requests -------------------------------------------------------------------------- */

struct chat_reading {
    struct translation *t;
    struct arena *arena;
    struct chat *chat;
    struct extra **next_extra;
    uint32_t function_calls; /* calls without ids so far */
};

typedef bool read_setting_f(struct chat_reading *reading, const struct path *path,
                            struct json_value value);

read_setting_f read_messages;
read_setting_f read_tools;
read_setting_f read_functions;
read_setting_f read_tool_choice;
read_setting_f read_function_call;

/* VALUE is a string or an array of parts, or absent; blocks are added to TO. */
bool read_parts(struct chat_reading *reading, const struct path *path, struct json_value value,
                struct message *to);
/* An item of tool_calls. */
bool read_tool_call(struct chat_reading *reading, const struct path *path,
                    struct json_value value, struct message *to);
/* Its {"name", "arguments"}, or {"name", "input"} when CALL is custom. */
bool read_called(struct chat_reading *reading, const struct path *path, struct json_value value,
                 struct block *call);

/* A string; else refused. */
bool read_string(struct translation *t, const struct path *path, struct json_value value,
                 struct text *ret);
/* The same for a member of the object at PATH that may be absent. */
bool read_known(struct translation *t, const struct path *path, const char *key,
                struct json_value value, struct text *ret);
bool read_maybe(struct translation *t, const struct path *path, const char *key,
                struct json_value value, uint8_t *ret_maybe);
enum cache_mark read_cache_mark(struct json_value cache_control);

/* A call's id, freed from the signature in it, and the signature from there or from beside. */
void read_call_id(struct text id, struct json_value extra_content, struct arena *arena,
                  struct block *call);
/* thinking_blocks: reasoning with signatures. */
void read_thinking_block(struct json_value item, struct block *ret);

#endif
