#include "worker/translate/chat.h"

#include "shared/base/check.h"

struct message *chat_add_message(struct chat *chat, enum message_role role, struct arena *arena)
{
    struct message *message = ARENA_NEW(arena, struct message);

    message->role = (uint8_t)role;
    if (chat->last_message)
        chat->last_message->next = message;
    else
        chat->messages = message;
    chat->last_message = message;
    return message;
}

struct block *message_add_block(struct message *message, enum block_kind kind,
                                struct arena *arena)
{
    struct block *block = ARENA_NEW(arena, struct block);

    block->kind = (uint8_t)kind;
    block->origin = DIALECT_NONE;
    if (message->last)
        message->last->next = block;
    else
        message->blocks = block;
    message->last = block;
    return block;
}

struct tool *chat_add_tool(struct chat *chat, enum tool_kind kind, struct arena *arena)
{
    struct tool *tool = ARENA_NEW(arena, struct tool);

    tool->kind = (uint8_t)kind;
    tool->origin = chat->dialect;
    if (chat->last_tool)
        chat->last_tool->next = tool;
    else
        chat->tools = tool;
    chat->last_tool = tool;
    return tool;
}

void chat_add_stop(struct chat *chat, struct text stop, struct arena *arena)
{
    struct text_item *item = ARENA_NEW(arena, struct text_item);

    item->text = stop;
    if (chat->last_stop)
        chat->last_stop->next = item;
    else
        chat->stops = item;
    chat->last_stop = item;
}

struct text block_words(const struct block *block)
{
    if (block->kind == BLOCK_text || block->kind == BLOCK_refusal)
        return block->text;
    if (block->kind == BLOCK_document && block->media.form == MEDIA_TEXT)
        return block->media.data;
    return TEXT_NONE;
}

const struct tool *chat_find_tool(const struct chat *chat, struct text name)
{
    for (const struct tool *tool = chat->tools; tool; tool = tool->next)
        if (tool->kind != TOOL_HOSTED && text_eq(tool->name, name))
            return tool;
    return NULL;
}

bool chat_allows_tool(const struct chat *chat, const struct tool *tool)
{
    if (!chat->tool_names || chat->tool_choice == TOOL_CHOICE_NAMED)
        return true;
    for (const struct text_item *item = chat->tool_names; item; item = item->next)
        if (text_eq(item->text, tool->name))
            return true;
    return false;
}

bool chat_is_tier(struct json_value tier)
{
    static const struct span words[] = {WORD("auto"), WORD("default"), WORD("flex"),
                                        WORD("scale"), WORD("priority")};

    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        if (json_text_eq(tier, words[i]))
            return true;
    return false;
}
