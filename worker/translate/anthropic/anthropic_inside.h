/* worker/translate/anthropic/anthropic_inside.h
 *
 * What the files of this folder share: members of objects by their names, words that stand for
 * enums, blocks of content. Private to the folder.
 */
#ifndef WORKER_TRANSLATE_ANTHROPIC_INSIDE_H
#define WORKER_TRANSLATE_ANTHROPIC_INSIDE_H

#include "worker/translate/anthropic/anthropic.h"
#include "worker/translate/hosted.h"
#include "worker/translate/members.h"
#include "worker/translate/turns.h"

#define NAME_LIMIT_BYTES 64 /* of tools; newer models take 128 */
#define ID_LIMIT_BYTES   64 /* of calls */
#define CACHE_MARKS_MAX  4  /* in a request */

/* The name of the tool that stands for a JSON schema where the model has no such output. */
#define FORMAT_TOOL "json"

/* ---- members -------------------------------------------------------------------------- */

/* Refuses the absence of the member NAME of what stands at UP. */
bool anthropic_need(struct translation *t, const struct path *up, struct span name,
                    struct json_value value);

/* ---- words ---------------------------------------------------------------------------- */

struct anthropic_word {
    struct span text;
    uint8_t value;
};

/* False when WORD is no string in TABLE, which ends with a row without text. */
bool anthropic_word_read(const struct anthropic_word *table, struct json_value word,
                         uint8_t *ret);
/* The first row of VALUE, else the table's first row. */
struct span anthropic_word(const struct anthropic_word *table, uint8_t value);

extern const struct anthropic_word
    anthropic_stops[]; /* enum stop_reason; the first: a normal end */
extern const struct anthropic_word anthropic_efforts[]; /* enum effort */

/* ---- blocks --------------------------------------------------------------------------- */

#define BLOCK_MEMBERS(X) \
    X(type)              \
    X(text)              \
    X(thinking)          \
    X(signature)         \
    X(data)              \
    X(id)                \
    X(name)              \
    X(input)             \
    X(tool_use_id)       \
    X(content)           \
    X(is_error)          \
    X(source)            \
    X(title)             \
    X(context)           \
    X(citations)         \
    X(cache_control)

enum block_member {
#define MEMBER(name) MEMBER_##name,
    BLOCK_MEMBERS(MEMBER)
#undef MEMBER
    BLOCK_MEMBER_COUNT
};

/* The members of a block of content, of requests and of answers. */
void anthropic_pick_block(struct json_value object, struct json_value *values);

enum cache_mark anthropic_cache_mark(struct json_value cache_control);
/* Thinking with its signature, or what is encrypted of it. */
void anthropic_read_reasoning(const struct json_value *values, bool redacted,
                              struct block *ret);
struct citation *anthropic_read_citations(struct json_value list, struct arena *arena);
void anthropic_write_citation(const struct citation *citation, struct json_writer *json);

/* A request's content, a string or an array of blocks. */
bool anthropic_read_content(struct translation *t, const struct path *path,
                            struct json_value content, struct message *ret);
bool anthropic_read_tools(struct translation *t, struct json_value tools, struct chat *ret);
bool anthropic_read_tool_choice(struct translation *t, struct json_value choice,
                                struct chat *ret);

/* ---- hosted tools --------------------------------------------------------------------- */

/* The call in a block server_tool_use, RAW with the members VALUES; NULL when no other dialect
 * has such a tool. Its input may come later. */
struct act *anthropic_read_act(const struct json_value *values, struct json_value raw,
                               struct arena *arena);
void anthropic_read_act_input(struct json_value input, struct act *act);
/* Whether a block of TYPE is what came of such a call; and its content. */
bool anthropic_is_act_result(struct json_value type);
void anthropic_read_act_result(struct json_value content, struct arena *arena, struct act *act);

/* The id of both blocks. */
struct text anthropic_act_id(struct translation *t, const struct act *act);
/* BEGUN: the input follows. */
void anthropic_write_act_call(const struct act *act, struct text id, bool begun,
                              struct json_writer *json);
void anthropic_write_act_input(const struct act *act, struct json_writer *json);
void anthropic_write_act_result(const struct act *act, struct text id,
                                struct json_writer *json);

/* ---- answers -------------------------------------------------------------------------- */

/* Words that nobody knows are a normal end; what is no word is STOP_NONE. */
enum stop_reason anthropic_stop_read(struct json_value word);
/* CALLS: whether the answer holds calls of tools, which decides what others leave open. */
struct span anthropic_stop_text(enum stop_reason stop, bool calls);
/* Why it was refused, of stop_details; TEXT_NONE when nothing is said. */
struct text anthropic_refusal_text(struct json_value details);
/* Names a block of that type, which no other dialect has, as left out of the answer. */
void anthropic_drop_answer(struct translation *t, struct json_value type);
/* Encrypted thinking that carries the signature of the text before it. */
void anthropic_write_text_signature(struct text packed, struct json_writer *json);
/* Images have no place in the words of an assistant but as Markdown. */
struct text anthropic_image_words(const struct media *media, struct arena *arena);
/* Whether the client's tool NAME takes free text. */
bool anthropic_is_custom(const struct translation *t, struct text name);

/* The free text of a custom tool's call, unwrapped from {"input":"..."} as it comes. */
#define CUSTOM_PIECE_BYTES 512
#define CUSTOM_HELD_BYTES  8

struct custom_input {
    uint8_t place, missing, held_len; /* bytes of an escape: to come, and here */
    bool escaped;
    char held[CUSTOM_HELD_BYTES];
};

void custom_input_init(struct custom_input *custom);
/* Eats from PIECE, of a partial_json; the words that are whole go to OUT, CUSTOM_PIECE_BYTES
 * large. */
struct text custom_input_next(struct custom_input *custom, struct text *piece, char *out);

/* ---- writing a request ---------------------------------------------------------------- */

/* How the model shall reason, as it can. */
struct thinking_plan {
    bool on, off; /* off: said so; neither: nothing is said */
    bool adaptive;
    uint64_t budget; /* when not adaptive */
    uint8_t effort;  /* enum effort */
};

struct chat_writing {
    struct translation *t;
    const struct chat *chat;
    struct json_writer *json;
    bool counts; /* count_tokens: no limit, no sampling */
    uint64_t max_output;
    struct thinking_plan thinking;
    struct turns turns;
    unsigned marks_to_skip; /* the oldest marks of the cache, when there are too many */
    bool short_mark_seen;   /* no longer mark may follow */
};

static inline bool writing_has(const struct chat_writing *writing, enum trait trait)
{
    return (writing->t->target.traits->traits & (uint32_t)trait) != 0;
}

/* What FIELD is in the client's words, named as dropped. */
void anthropic_drop_field(struct chat_writing *writing, enum chat_field field);

/* Sets the limit and the plan, before turns are made. */
void anthropic_plan(struct chat_writing *writing);
/* The last call of a tool has lost the thinking before it: there is none this time. */
void anthropic_plan_again(struct chat_writing *writing);
void anthropic_write_thinking(struct chat_writing *writing);

/* The tool choice that is written; TOOL_CHOICE_ABSENT where none is. */
enum tool_choice anthropic_choice(const struct chat_writing *writing);
bool anthropic_is_forced(enum tool_choice choice);
void anthropic_write_tools(struct chat_writing *writing);
/* The schema of an answer becomes a tool's. */
bool anthropic_needs_format_tool(const struct chat_writing *writing);

bool anthropic_says(struct translation *t, const struct block *block);
void anthropic_count_marks(struct chat_writing *writing);
void anthropic_write_mark(struct chat_writing *writing, enum cache_mark mark);
void anthropic_write_system(struct chat_writing *writing);
bool anthropic_write_messages(struct chat_writing *writing);

#endif
