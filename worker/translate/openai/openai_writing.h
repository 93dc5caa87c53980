/* worker/translate/openai/openai_writing.h
 *
 * What the files that write requests share. Private to the folder, and to the dialects that
 * have some of it under other roofs: dashscope, ernie.
 */
#ifndef WORKER_TRANSLATE_OPENAI_OPENAI_WRITING_H
#define WORKER_TRANSLATE_OPENAI_OPENAI_WRITING_H

#include "shared/settings/quirk.h"

#include "worker/translate/openai/openai_inside.h"
#include "worker/translate/turns.h"

struct chat_writing {
    struct translation *t;
    struct arena *arena;
    const struct chat *chat;
    struct json_writer *json;
    uint32_t quirks;         /* enum quirk, of the provider */
    uint32_t traits;         /* enum trait, of the model */
    bool elsewhere;          /* the tools stand in an envelope of another dialect */
    struct text instruction; /* what the target has no member for, said in the system's words */
};

static inline bool has_quirk(const struct chat_writing *writing, enum quirk quirk)
{
    return (writing->quirks & (uint32_t)quirk) != 0;
}

static inline bool has_trait(const struct chat_writing *writing, enum trait trait)
{
    return (writing->traits & (uint32_t)trait) != 0;
}

/* Not OpenAI itself, nor who follows it closely: a host with the members of 2023. */
static inline bool is_look_alike(const struct chat_writing *writing)
{
    return has_quirk(writing, QUIRK_MAX_TOKENS_OLD) ||
           has_quirk(writing, QUIRK_NO_DEVELOPER_ROLE);
}

/* Things that each client's dialect has another word for. */
enum client_word {
    CLIENT_effort,
    CLIENT_reasoning, /* of earlier turns */
    CLIENT_format,
    CLIENT_tool_choice,
    CLIENT_stop,
    CLIENT_cache,
    CLIENT_WORD_COUNT
};

void openai_drop_word(struct chat_writing *writing, enum client_word word);
/* Refuses what BLOCK says and the target cannot; the request would mean something else. */
bool openai_refuse_block(struct chat_writing *writing, const struct block *block,
                         const char *why);

/* Whether VALUE is a number of LOW to HIGH. */
bool openai_number_is(struct json_value value, double low, double high);
/* What the system has to say where the target has no member for the answer's format, or
 * TEXT_NONE. */
struct text openai_format_instruction(const struct chat_writing *writing);

/* The value of KEY "messages" / the members "tools", "tool_choice", "parallel_tool_calls". */
bool openai_write_messages(struct chat_writing *writing);
void openai_write_tools(struct chat_writing *writing);
/* Whether CHAT has tools that are not hosted, or that only this dialect has. */
bool openai_lists_tools(const struct chat *chat);

/* The member "stop", of LIMIT texts at the most; of more is named as dropped. */
void openai_write_stops(struct chat_writing *writing, unsigned limit);

/* Parts of content: a cache mark where the target has them, a text, or any block. */
bool openai_takes_marks(const struct chat_writing *writing);
void openai_write_text_part(struct chat_writing *writing, const struct block *block,
                            struct text text);
void openai_drop_block(struct chat_writing *writing, const struct block *block);
/* False: refused. What the target cannot say is named as dropped. */
bool openai_write_part(struct chat_writing *writing, const struct block *block);

/* Turns without what only its maker understands: reasoning, blocks of other dialects, names of
 * speakers. They are named as dropped. FLAGS as in turns_make. */
void openai_plain_turns(struct chat_writing *writing, uint32_t flags, struct turns *ret);

/* The id of a call as the target may see it. */
struct text openai_target_call_id(struct chat_writing *writing, struct text id);

#endif
