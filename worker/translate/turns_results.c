/* Results of tools beside their calls. Ids are looked up in a table of one pair of turns, so
 * that a conversation of many calls costs no more than its length. */
#include "shared/base/check.h"
#include "shared/base/hash.h"

#include "worker/translate/turns_inside.h"

/* What a client calls a result, for the list of what was left out. */
static const struct span result_words[] = {
    [DIALECT_openai] = {"messages[].tool_call_id", 23},
    [DIALECT_responses] = {"input[].call_id", 15},
    [DIALECT_anthropic] = {"messages[].content[].tool_use_id", 32},
    [DIALECT_gemini] = {"contents[].parts[].functionResponse", 35},
    [DIALECT_dashscope] = {"input.messages[].tool_call_id", 29},
    [DIALECT_ernie] = {"messages[].name", 15},
};
_Static_assert(ARRAY_LEN(result_words) == DIALECT_COUNT, "a word for each dialect");

/* An id, with the results that wait for a call of it. */
struct answer {
    struct answer *next; /* of the same place in the table */
    struct text id;
    struct turn_block *results, *last;
    unsigned calls; /* so far */
};

struct table {
    struct answer **places;
    size_t mask;
    size_t waiting; /* results without a call, so far */
    struct arena *arena;
    struct translation *translation;
};

static struct answer *answer_of(struct table *table, struct text id)
{
    struct answer **place =
        &table->places[hash_fast(span_of(id.ptr ? id.ptr : "", id.len)) & table->mask];
    struct answer *answer;

    for (answer = *place; answer; answer = answer->next)
        if (text_eq(answer->id, id))
            return answer;
    answer = ARENA_NEW(table->arena, struct answer);
    answer->id = id;
    answer->next = *place;
    *place = answer;
    return answer;
}

static size_t results_of(const struct turn *turn)
{
    size_t count = 0;

    for (const struct turn_block *item = turn->blocks; item; item = item->next)
        count += item->block->kind == BLOCK_tool_result;
    return count;
}

static void table_init(struct table *table, size_t ids, struct translation *translation)
{
    struct arena *arena = translation->arena;
    size_t places = 8;

    while (places < ids)
        places *= 2;
    *table = (struct table){
        .places = ARENA_ARRAY(arena, places, struct answer *),
        .mask = places - 1,
        .arena = arena,
        .translation = translation,
    };
}

static void append(struct turn_block **first, struct turn_block **last, struct turn_block *item)
{
    item->next = NULL;
    if (*last)
        (*last)->next = item;
    else
        *first = item;
    *last = item;
}

/* Takes the results out of TURN into TABLE; the other blocks stay. */
static void collect(struct table *table, struct turn *turn)
{
    struct turn_block *item = turn->blocks, *next;

    turn->blocks = turn->last = NULL;
    for (; item; item = next) {
        next = item->next;
        if (item->block->kind == BLOCK_tool_result) {
            struct answer *answer = answer_of(table, item->block->id);

            append(&answer->results, &answer->last, item);
            table->waiting++;
        } else {
            append(&turn->blocks, &turn->last, item);
        }
    }
}

static struct block *copy_of(const struct block *block, struct arena *arena)
{
    struct block *copy = ARENA_NEW(arena, struct block);

    *copy = *block;
    copy->next = NULL;
    return copy;
}

/* "call_1_2": the second call of that id. */
static struct text numbered(struct text id, unsigned number, struct arena *arena)
{
    struct buffer out _buffer_;
    struct span made;

    buffer_init(&out, id.len + 24);
    (void)buffer_append(&out, span_of(id.ptr, id.len));
    (void)buffer_append_byte(&out, '_');
    (void)buffer_append_u64(&out, number);
    made = arena_copy(arena, buffer_span(&out));
    return (struct text){made.ptr, made.len};
}

/* Who is strict wants nothing made up. */
static void name_missing(struct translation *translation, const struct block *call)
{
    struct arena *arena = translation->arena;
    struct text words = text_join(text_join(TEXT("call "), call->id, arena),
                                  TEXT(" without its result"), arena);

    if (translation->strict)
        drop(translation, text_plain(words, arena));
}

static const struct block *missing_result(const struct block *call, struct arena *arena)
{
    struct block *result = ARENA_NEW(arena, struct block);
    struct block *text = ARENA_NEW(arena, struct block);

    text->kind = BLOCK_text;
    text->origin = DIALECT_NONE;
    text->text = TEXT("[no result: interrupted]");
    result->kind = BLOCK_tool_result;
    result->origin = DIALECT_NONE;
    result->id = call->id;
    result->name = call->name;
    result->is_error = true;
    result->content = text;
    return result;
}

/* The result for the call in ITEM, which gets an id of its own when it has a namesake. */
static struct turn_block *take_answer(struct table *table, struct turn_block *item)
{
    struct answer *answer = answer_of(table, item->block->id);
    struct turn_block *result = answer->results;

    if (++answer->calls > 1) {
        struct block *call = copy_of(item->block, table->arena);

        call->id = numbered(call->id, answer->calls, table->arena);
        item->block = call;
    }
    if (!result) {
        result = ARENA_NEW(table->arena, struct turn_block);
        result->block = missing_result(item->block, table->arena);
        name_missing(table->translation, item->block);
    } else {
        answer->results = result->next;
        if (!answer->results)
            answer->last = NULL;
        table->waiting--;
    }
    if (!text_eq(result->block->id, item->block->id)) {
        struct block *copy = copy_of(result->block, table->arena);

        copy->id = item->block->id;
        result->block = copy;
    }
    result->call = item->block;
    return result;
}

/* The results of TURN, the user's, as the calls of BEFORE (or none) want them. */
static void settle(struct translation *translation, const struct chat *chat,
                   struct turn *before, struct turn *turn)
{
    size_t calls = before ? before->calls : 0;
    size_t results = results_of(turn);
    struct turn_block *first = NULL, *last = NULL;
    struct table table;

    if (calls == 0 && results == 0)
        return;
    table_init(&table, calls + results, translation);
    collect(&table, turn);
    for (struct turn_block *item = calls > 0 ? before->blocks : NULL; item; item = item->next)
        if (item->block->kind == BLOCK_tool_call)
            append(&first, &last, take_answer(&table, item));
    if (table.waiting > 0)
        drop(translation, result_words[chat->dialect]);
    if (last) {
        last->next = turn->blocks;
        turn->blocks = first;
        if (!turn->last)
            turn->last = last;
    }
}

static struct turn *insert_after(struct turn *before, struct arena *arena)
{
    struct turn *turn = turn_new(ROLE_user, arena);

    turn->next = before->next;
    before->next = turn;
    return turn;
}

/* Takes out TURN, which lost all it had, and joins what now are neighbours. */
static void remove_empty(struct turns *turns, struct turn *before, struct turn *turn,
                         struct arena *arena)
{
    struct turn *after = turn->next;

    if (before)
        before->next = after;
    else
        turns->first = after;
    if (after && after->role == ROLE_system)
        turn_fold(after, arena);
    if (before && after && before->role == after->role) {
        turn_absorb(before, after);
        before->next = after->next;
    }
}

void turns_settle_results(struct translation *translation, const struct chat *chat,
                          struct turns *turns)
{
    struct turn *before = NULL, *turn = turns->first;

    CHECK(chat->dialect < DIALECT_COUNT);
    while (turn) {
        if (turn->role == ROLE_user)
            settle(translation, chat, before, turn);
        if (!turn->blocks) {
            remove_empty(turns, before, turn, translation->arena);
        } else {
            before = turn;
        }
        if (before && before->calls > 0 && (!before->next || before->next->role != ROLE_user))
            (void)insert_after(before, translation->arena);
        turn = before ? before->next : turns->first;
    }
    turns->last = before;
}
