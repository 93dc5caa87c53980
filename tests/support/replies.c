#include "tests/support/replies.h"

#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/hosted.h"
#include "worker/translate/words.h"

#define PAGES       3 /* that an answer may cite */
#define NOW_SECONDS 1700000000

enum answered {
#define ANSWERED(what, openai, responses, anthropic, gemini) ANSWERED_##what,
#include "tests/support/answered.def"
#undef ANSWERED
    ANSWERED_COUNT
};

struct reply_maker {
    struct luck luck;
    enum dialect_id dialect;
    bool streamed;
    unsigned calls; /* so far */
    struct text titles[PAGES];
    struct reply *reply;
    struct choice *choice;
};

static bool answers(enum dialect_id dialect, enum answered what)
{
    static const bool table[ANSWERED_COUNT][4] = {
#define ANSWERED(what, openai, responses, anthropic, gemini) \
    {openai, responses, anthropic, gemini},
#include "tests/support/answered.def"
#undef ANSWERED
    };

    CHECK(dialect < 4);
    return table[what][dialect];
}

static bool may(struct reply_maker *maker, enum answered what, uint32_t count)
{
    return answers(maker->dialect, what) && luck_once_in(&maker->luck, count);
}

static struct block *add(struct reply_maker *maker, enum block_kind kind)
{
    return choice_add_block(maker->choice, kind, maker->luck.arena);
}

/* ---- blocks ------------------------------------------------------------------------------ */

static void sign(struct reply_maker *maker, struct block *block, enum dialect_id origin)
{
    block->signature = luck_base64(&maker->luck);
    block->origin = (uint8_t)origin;
}

/* Within TEXT, and of at least one character. */
static void place(struct reply_maker *maker, struct citation *citation, struct text text)
{
    uint32_t count = (uint32_t)words_count(text), start = luck_below(&maker->luck, count);

    citation->start = words_number(start, maker->luck.arena);
    citation->end =
        words_number(start + 1 + luck_below(&maker->luck, count - start), maker->luck.arena);
}

/* A page has one title, however often it is cited. */
static void choose_page(struct reply_maker *maker, struct citation *citation)
{
    unsigned number = luck_below(&maker->luck, PAGES);

    if (!maker->titles[number].ptr)
        maker->titles[number] = luck_words(&maker->luck);
    citation->url = luck_unique(&maker->luck, "https://pages.example/", number);
    citation->title = maker->titles[number];
}

static void add_citation(struct reply_maker *maker, struct block *block)
{
    struct citation *citation = ARENA_NEW(maker->luck.arena, struct citation);
    struct citation **end = &block->citations;

    choose_page(maker, citation);
    if (answers(maker->dialect, ANSWERED_citation_quote))
        citation->quote = luck_words(&maker->luck);
    if (answers(maker->dialect, ANSWERED_citation_place))
        place(maker, citation, block->text);
    while (*end)
        end = &(*end)->next;
    *end = citation;
}

static void add_text(struct reply_maker *maker)
{
    add(maker, BLOCK_text)->text = luck_words(&maker->luck);
}

/* Gemini's streams cite when all is said: what is no longer open cannot be meant. */
static bool is_citable(const struct reply_maker *maker, const struct block *block)
{
    return block->kind == BLOCK_text && (!maker->streamed || !block->next ||
                                         answers(maker->dialect, ANSWERED_streamed_citations));
}

static void cite(struct reply_maker *maker)
{
    for (struct block *block = maker->choice->blocks; block; block = block->next)
        if (is_citable(maker, block) && may(maker, ANSWERED_citations, 3))
            for (unsigned i = luck_below(&maker->luck, 3); i < 3; i++)
                add_citation(maker, block);
}

static void add_reasoning(struct reply_maker *maker)
{
    struct block *block = add(maker, BLOCK_reasoning);

    if (may(maker, ANSWERED_signed_reasoning, 2)) {
        sign(maker, block, maker->dialect);
        block->redacted =
            may(maker, maker->streamed ? ANSWERED_redacted : ANSWERED_whole_redacted, 3);
    }
    if (!block->redacted)
        block->text = luck_words(&maker->luck);
}

static void add_call(struct reply_maker *maker)
{
    struct block *call = add(maker, BLOCK_tool_call);

    call->id = luck_unique(&maker->luck, "call_", ++maker->calls);
    call->name = luck_name(&maker->luck);
    call->custom = may(maker, ANSWERED_custom, 4);
    call->arguments = call->custom
                          ? luck_words(&maker->luck)
                          : text_escape(luck_object(&maker->luck).raw, maker->luck.arena);
    if (may(maker, ANSWERED_signed_call, 3))
        sign(maker, call, DIALECT_gemini);
}

static void add_image(struct reply_maker *maker)
{
    add(maker, BLOCK_image)->media = (struct media){
        .form = MEDIA_DATA,
        .type = TEXT("image/png"),
        .data = luck_base64(&maker->luck),
    };
}

static bool may_follow(const struct reply_maker *maker, enum block_kind kind)
{
    const struct block *last = maker->choice->last;

    return !last || last->kind != kind || !answers(maker->dialect, ANSWERED_one_text);
}

static void add_any(struct reply_maker *maker)
{
    switch (luck_below(&maker->luck, 5)) {
    case 0:
        if (may_follow(maker, BLOCK_reasoning))
            add_reasoning(maker);
        break;
    case 1: add_call(maker); break;
    case 2:
        if (may(maker, ANSWERED_image, 2))
            add_image(maker);
        break;
    default:
        if (may(maker, ANSWERED_refusal, 6))
            add(maker, BLOCK_refusal)->text = luck_words(&maker->luck);
        else if (may_follow(maker, BLOCK_text))
            add_text(maker);
        break;
    }
}

/* The members of a message of chat completions, in its order. */
static void add_members(struct reply_maker *maker)
{
    if (luck_once_in(&maker->luck, 3))
        add_reasoning(maker);
    if (!luck_once_in(&maker->luck, 4))
        add_text(maker);
    cite(maker);
    if (may(maker, ANSWERED_refusal, 6))
        add(maker, BLOCK_refusal)->text = luck_words(&maker->luck);
    if (may(maker, ANSWERED_image, 6))
        add_image(maker);
    for (unsigned i = luck_below(&maker->luck, 4); i < 3; i++)
        add_call(maker);
}

/* ---- choices ----------------------------------------------------------------------------- */

static void make_stop(struct reply_maker *maker)
{
    struct choice *choice = maker->choice;

    if (choice_has(choice, BLOCK_tool_call)) {
        choice->stop = STOP_TOOL;
        return;
    }
    choice->stop = (uint8_t)(luck_once_in(&maker->luck, 3)   ? STOP_LENGTH
                             : luck_once_in(&maker->luck, 4) ? STOP_FILTER
                                                             : STOP_END);
    if (may(maker, ANSWERED_stop_sequence, 4)) {
        choice->stop = STOP_SEQUENCE;
        choice->stop_sequence = luck_words(&maker->luck);
    }
    if (may(maker, ANSWERED_stop_context, 6))
        choice->stop = STOP_CONTEXT;
    if (may(maker, ANSWERED_stop_pause, 6))
        choice->stop = STOP_PAUSE;
    if (choice->stop != STOP_SEQUENCE)
        choice->stop_sequence = TEXT_NONE;
}

static void make_choice(struct reply_maker *maker, uint32_t index)
{
    maker->choice = reply_add_choice(maker->reply, maker->luck.arena);
    maker->choice->index = index;
    if (answers(maker->dialect, ANSWERED_any_order)) {
        add_text(maker);
        for (unsigned i = luck_below(&maker->luck, 5); i > 0; i--)
            add_any(maker);
        cite(maker);
    } else {
        add_members(maker);
    }
    if (!maker->choice->blocks)
        add_text(maker);
    if (!maker->streamed && choice_has(maker->choice, BLOCK_text) &&
        may(maker, ANSWERED_whole_logprobs, 4))
        maker->choice->logprobs = (struct json_value){
            JSON_OBJECT,
            SPAN("{\"content\":[{\"token\":\"t\",\"logprob\":-0.5}],\"refusal\":null}")};
    make_stop(maker);
}

/* ---- what it used ------------------------------------------------------------------------ */

static uint64_t some(struct reply_maker *maker, enum answered what)
{
    if (may(maker, what, 2))
        return 1 + luck_below(&maker->luck, 90);
    return answers(maker->dialect, what) && answers(maker->dialect, ANSWERED_usage_says_zero)
               ? 0
               : TOKENS_UNKNOWN;
}

static void make_usage(struct reply_maker *maker)
{
    struct usage *usage = &maker->reply->usage;

    usage_init(usage);
    usage->input = 1000 + luck_below(&maker->luck, 1000000);
    usage->output = 1000 + luck_below(&maker->luck, 100000);
    usage->cached = some(maker, ANSWERED_usage_cached);
    usage->cache_write = some(maker, ANSWERED_usage_cache_write);
    if (answers(maker->dialect, ANSWERED_usage_cache_write_long))
        usage->cache_write_long = usage->cache_write / 2;
    usage->reasoning = some(maker, ANSWERED_usage_reasoning);
    usage->audio_input = some(maker, ANSWERED_usage_audio);
    usage->audio_output = some(maker, ANSWERED_usage_audio);
    usage->tool_input = some(maker, ANSWERED_usage_tool_input);
}

void replies_make(uint64_t seed, enum dialect_id dialect, bool streamed, struct arena *arena,
                  struct reply *ret)
{
    struct reply_maker maker = {
        .luck = {seed, arena}, .dialect = dialect, .streamed = streamed, .reply = ret};
    uint32_t count = may(&maker, ANSWERED_choices, 4) ? 2 : 1;

    *ret = (struct reply){.created = 0};
    ret->id = luck_unique(&maker.luck, "resp_", luck_below(&maker.luck, 1000));
    ret->model = luck_name(&maker.luck);
    if (answers(dialect, ANSWERED_created))
        ret->created = 1 + luck_below(&maker.luck, NOW_SECONDS);
    else if (dialect == DIALECT_anthropic)
        ret->created = NOW_SECONDS; /* its answers have no date: they are of now */
    if (!streamed && may(&maker, ANSWERED_whole_tier, 2))
        ret->service_tier = TEXT("flex");
    for (uint32_t i = 0; i < count; i++)
        make_choice(&maker, i);
    make_usage(&maker);
}

bool replies_place(enum dialect_id dialect)
{
    return answers(dialect, ANSWERED_citation_place);
}

void replies_ask(struct chat *chat, struct arena *arena)
{
    struct tool *search = chat_add_tool(chat, TOOL_HOSTED, arena);

    search->origin = chat->dialect;
    search->hosted = ARENA_NEW(arena, struct hosted);
    search->hosted->kind = HOSTED_search;
    search->raw = (struct json_value){JSON_OBJECT, SPAN("{\"type\":\"web_search\"}")};
}

void replies_settle(struct reply *reply, struct arena *arena)
{
    for (struct choice *choice = reply->choices; choice; choice = choice->next)
        for (struct block *block = choice->blocks; block; block = block->next) {
            if (block->kind == BLOCK_reasoning)
                block->id = TEXT_NONE;
            if (block->kind != BLOCK_tool_call || block->custom)
                continue;
            block->arguments = call_arguments(block, arena);
            block->input = (struct json_value){.kind = JSON_ABSENT};
        }
}
