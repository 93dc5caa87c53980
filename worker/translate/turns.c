#include "shared/base/check.h"

#include "worker/translate/hosted.h"
#include "worker/translate/turns_inside.h"

/* ---- one turn --------------------------------------------------------------------------- */

struct turn *turn_new(enum message_role role, struct arena *arena)
{
    struct turn *turn = ARENA_NEW(arena, struct turn);

    turn->role = (uint8_t)role;
    return turn;
}

static void append(struct turn_block **first, struct turn_block **last,
                   const struct block *block, struct arena *arena)
{
    struct turn_block *item = ARENA_NEW(arena, struct turn_block);

    item->block = block;
    if (*last)
        (*last)->next = item;
    else
        *first = item;
    *last = item;
}

void turn_add(struct turn *turn, const struct block *block, struct arena *arena)
{
    append(&turn->blocks, &turn->last, block, arena);
    turn->calls += block->kind == BLOCK_tool_call;
}

void turn_absorb(struct turn *to, struct turn *from)
{
    if (!from->blocks)
        return;
    if (to->last)
        to->last->next = from->blocks;
    else
        to->blocks = from->blocks;
    to->last = from->last;
    to->calls += from->calls;
}

static const struct block *made_text(struct text text, struct arena *arena)
{
    struct block *block = ARENA_NEW(arena, struct block);

    block->kind = BLOCK_text;
    block->origin = DIALECT_NONE;
    block->text = text;
    return block;
}

static const struct block *folded(const struct block *block, struct arena *arena)
{
    struct block *copy;

    if (block->kind != BLOCK_text)
        return block;
    copy = ARENA_NEW(arena, struct block);
    *copy = *block;
    copy->next = NULL;
    copy->text =
        text_join(text_join(TEXT("<system>"), block->text, arena), TEXT("</system>"), arena);
    return copy;
}

void turn_fold(struct turn *turn, struct arena *arena)
{
    for (struct turn_block *item = turn->blocks; item; item = item->next)
        item->block = folded(item->block, arena);
    turn->role = ROLE_user;
}

/* ---- from messages to turns ------------------------------------------------------------- */

struct builder {
    struct translation *translation;
    uint32_t flags;
    says_block_f *says;
    struct turns *turns;
};

static bool says_nothing(const struct block *block)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_text:
    case BLOCK_refusal: return text_blank(block->text) && block->signature.len == 0;
    case BLOCK_reasoning: return block->text.len == 0 && block->signature.len == 0;
    case BLOCK_image:
    case BLOCK_audio:
    case BLOCK_document:
    case BLOCK_tool_call:
    case BLOCK_tool_result:
    case BLOCK_hosted:
    case BLOCK_other: break;
    }
    return false;
}

static bool wanted(const struct builder *builder, const struct block *block)
{
    return !says_nothing(block) &&
           (!builder->says || builder->says(builder->translation, block));
}

static struct turn *turn_of(struct builder *builder, enum message_role role)
{
    struct turns *turns = builder->turns;
    struct turn *turn;

    if (turns->last && turns->last->role == role)
        return turns->last;
    turn = turn_new(role, builder->translation->arena);
    if (turns->last)
        turns->last->next = turn;
    else
        turns->first = turn;
    turns->last = turn;
    return turn;
}

static bool is_system(const struct message *message)
{
    return message->role == ROLE_system || message->role == ROLE_developer;
}

static const struct message *take_leading_system(struct builder *builder,
                                                 const struct message *message)
{
    struct turns *turns = builder->turns;

    for (; message && is_system(message); message = message->next)
        for (const struct block *block = message->blocks; block; block = block->next)
            if (wanted(builder, block))
                append(&turns->system, &turns->last_system, block, builder->translation->arena);
    return message;
}

static const struct block *in_words(const struct builder *builder, const struct block *block)
{
    struct arena *arena = builder->translation->arena;
    struct text words = TEXT_NONE;

    if (block->kind == BLOCK_hosted && (builder->flags & TURNS_ACT_WORDS))
        words = act_words(block->act, arena);
    return words.ptr ? made_text(words, arena) : block;
}

static void take_message(struct builder *builder, const struct message *message)
{
    struct arena *arena = builder->translation->arena;
    bool folds = is_system(message) && !(builder->flags & TURNS_MID_SYSTEM);
    enum message_role role = folds                ? ROLE_user
                             : is_system(message) ? ROLE_system
                                                  : (enum message_role)message->role;

    for (const struct block *at = message->blocks; at; at = at->next) {
        const struct block *block = in_words(builder, at);

        if (wanted(builder, block))
            turn_add(turn_of(builder, role), folds ? folded(block, arena) : block, arena);
    }
}

/* ---- system turns that may not stay where they are --------------------------------------- */

/* After the user's words, and before the assistant's or the end. */
static bool may_stay(const struct turn *before, const struct turn *turn)
{
    return before && before->role == ROLE_user &&
           (!turn->next || turn->next->role == ROLE_assistant);
}

static void fold_misplaced(struct turns *turns, struct arena *arena)
{
    struct turn *before = NULL;

    for (struct turn *turn = turns->first; turn; turn = turn->next) {
        if (turn->role == ROLE_system && !may_stay(before, turn))
            turn_fold(turn, arena);
        if (!before || before->role != turn->role) {
            before = turn;
            continue;
        }
        turn_absorb(before, turn);
        before->next = turn->next;
    }
    turns->last = before;
}

/* ---- both ends --------------------------------------------------------------------------- */

static void put_user_first(struct builder *builder)
{
    struct turns *turns = builder->turns;
    struct arena *arena = builder->translation->arena;
    struct turn *turn;

    if (turns->first ? turns->first->role == ROLE_user : !turns->system)
        return;
    turn = turn_new(ROLE_user, arena);
    turn_add(turn, made_text(TEXT("."), arena), arena);
    turn->next = turns->first;
    turns->first = turn;
    if (!turns->last)
        turns->last = turn;
}

static void put_user_last(struct builder *builder)
{
    struct arena *arena = builder->translation->arena;

    if (builder->turns->last && builder->turns->last->role == ROLE_assistant)
        turn_add(turn_of(builder, ROLE_user), made_text(TEXT("Continue."), arena), arena);
}

void turns_make(struct translation *translation, const struct chat *chat, uint32_t flags,
                says_block_f *says, struct turns *ret)
{
    struct builder builder = {
        .translation = translation, .flags = flags, .says = says, .turns = ret};
    const struct message *message;

    *ret = (struct turns){.system = NULL};
    message = take_leading_system(&builder, chat->messages);
    for (; message; message = message->next)
        take_message(&builder, message);
    fold_misplaced(ret, translation->arena);
    turns_settle_results(translation, chat, ret);
    if (flags & TURNS_USER_FIRST)
        put_user_first(&builder);
    if (flags & TURNS_USER_LAST)
        put_user_last(&builder);
}

/* ---- places ------------------------------------------------------------------------------ */

const struct block *turns_find_call(const struct chat *chat, struct text id)
{
    for (const struct message *message = chat->messages; message; message = message->next)
        for (const struct block *block = message->blocks; block; block = block->next)
            if (block->kind == BLOCK_tool_call && text_eq(block->id, id))
                return block;
    return NULL;
}

/* What the dialects call the list of messages and that of blocks; whether they have the
 * leading system message outside of it. */
static const struct {
    struct span messages, blocks;
    bool system_apart;
} words[] = {
    [DIALECT_openai] = {{"messages", 8}, {"content", 7}, false},
    [DIALECT_responses] = {{"input", 5}, {"content", 7}, false},
    [DIALECT_anthropic] = {{"messages", 8}, {"content", 7}, true},
    [DIALECT_gemini] = {{"contents", 8}, {"parts", 5}, true},
    [DIALECT_dashscope] = {{"input.messages", 14}, {"content", 7}, false},
    [DIALECT_ernie] = {{"messages", 8}, {"content", 7}, true},
};

_Static_assert(ARRAY_LEN(words) == DIALECT_COUNT, "words for each dialect");

/* Chat completions have the calls in a list of their own. */
static bool stands_apart(const struct chat *chat, const struct block *block)
{
    return chat->dialect == DIALECT_openai && block->kind == BLOCK_tool_call;
}

static struct span place_text(const struct chat *chat, const struct block *block,
                              uint32_t message, uint32_t index, struct arena *arena)
{
    struct path list = {.key = words[chat->dialect].messages};
    struct path item = {.up = &list, .index = message};
    struct path blocks = {.up = &item,
                          .key = stands_apart(chat, block) ? SPAN("tool_calls")
                                                           : words[chat->dialect].blocks};
    struct path place = {.up = &blocks, .index = index};

    return path_text(&place, arena);
}

struct span turns_place(const struct chat *chat, const struct block *block, struct arena *arena)
{
    const struct message *message = chat->messages;
    uint32_t at = 0, inside;

    CHECK(chat->dialect < DIALECT_COUNT);
    if (message && words[chat->dialect].system_apart && is_system(message))
        message = message->next;
    for (; message; message = message->next, at++) {
        inside = 0;
        for (const struct block *b = message->blocks; b; b = b->next) {
            if (b == block)
                return place_text(chat, b, at, inside, arena);
            inside += stands_apart(chat, b) == stands_apart(chat, block);
        }
    }
    return words[chat->dialect].messages;
}

/* To find a place takes a walk: only for those that will be named. */
void turns_drop(struct translation *translation, const struct block *block)
{
    if (translation->dropped_count < DROPPED_MAX)
        drop(translation, turns_place(translation->chat, block, translation->arena));
}

void turns_drop_citations(struct translation *translation, const struct block *block)
{
    bool claude = translation->chat->dialect == DIALECT_anthropic;

    if (block->citations)
        drop(translation, claude ? SPAN("citations") : SPAN("annotations"));
}
