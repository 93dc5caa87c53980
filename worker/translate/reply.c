#include "worker/translate/reply.h"

#include "shared/base/check.h"
#include "shared/price/price.h"

#include "worker/translate/hosted.h"

void usage_init(struct usage *usage)
{
    *usage = (struct usage){
        .input = TOKENS_UNKNOWN,
        .output = TOKENS_UNKNOWN,
        .cached = TOKENS_UNKNOWN,
        .cache_write = TOKENS_UNKNOWN,
        .cache_write_long = TOKENS_UNKNOWN,
        .reasoning = TOKENS_UNKNOWN,
        .audio_input = TOKENS_UNKNOWN,
        .audio_output = TOKENS_UNKNOWN,
        .image_input = TOKENS_UNKNOWN,
        .image_output = TOKENS_UNKNOWN,
        .tool_input = TOKENS_UNKNOWN,
        .searches = TOKENS_UNKNOWN,
        .fetches = TOKENS_UNKNOWN,
    };
}

void usage_read_service(struct json_value word, struct usage *ret)
{
    static const struct {
        struct span word;
        enum price_service service;
    } words[] = {
        {WORD("default"), PRICE_SERVICE_standard},  {WORD("standard"), PRICE_SERVICE_standard},
        {WORD("batch"), PRICE_SERVICE_batch},       {WORD("flex"), PRICE_SERVICE_flex},
        {WORD("priority"), PRICE_SERVICE_priority},
    };

    if (word.kind != JSON_STRING)
        return;
    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        if (json_text_eq(word, words[i].word))
            ret->service = (uint8_t)(words[i].service + 1);
}

void usage_take(struct json_value value, uint64_t *ret)
{
    uint64_t count;

    if (json_u64(value, &count) && count <= INT64_MAX)
        *ret = count;
}

void usage_read(struct json_value object, struct span name, uint64_t *ret)
{
    if (object.kind == JSON_OBJECT)
        usage_take(json_member(object, name), ret);
}

uint64_t usage_or_zero(uint64_t number)
{
    return number == TOKENS_UNKNOWN ? 0 : number;
}

/* Each is at most INT64_MAX, so that a sum of two never wraps; more do not come together. */
uint64_t usage_add(uint64_t a, uint64_t b)
{
    uint64_t sum = usage_or_zero(a) + usage_or_zero(b);

    if (a == TOKENS_UNKNOWN && b == TOKENS_UNKNOWN)
        return TOKENS_UNKNOWN;
    return sum <= INT64_MAX ? sum : INT64_MAX;
}

uint64_t usage_less(uint64_t a, uint64_t b)
{
    if (a == TOKENS_UNKNOWN || b == TOKENS_UNKNOWN)
        return a;
    return a > b ? a - b : 0;
}

void usage_note_act(struct usage *usage, const struct act *act)
{
    if (act->kind == HOSTED_search)
        usage->searches = usage_add(usage->searches, 1);
    if (act->kind == HOSTED_fetch)
        usage->fetches = usage_add(usage->fetches, 1);
}

struct choice *reply_add_choice(struct reply *reply, struct arena *arena)
{
    struct choice *choice = ARENA_NEW(arena, struct choice);

    if (reply->last) {
        choice->index = reply->last->index + 1;
        reply->last->next = choice;
    } else {
        reply->choices = choice;
    }
    reply->last = choice;
    return choice;
}

struct block *choice_add_block(struct choice *choice, enum block_kind kind, struct arena *arena)
{
    struct block *block = ARENA_NEW(arena, struct block);

    block->kind = (uint8_t)kind;
    block->origin = DIALECT_NONE;
    if (choice->last)
        choice->last->next = block;
    else
        choice->blocks = block;
    choice->last = block;
    return block;
}

bool choice_has(const struct choice *choice, enum block_kind kind)
{
    for (const struct block *block = choice->blocks; block; block = block->next)
        if (block->kind == kind)
            return true;
    return false;
}
