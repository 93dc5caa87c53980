/* Requests by chance, of one dialect for a provider of another: what the provider is asked is
 * what the client asked, or is named as dropped. */
#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/chats.h"
#include "tests/support/must.h"
#include "tests/support/parsed.h"
#include "worker/translate/call.h"
#include "worker/translate/dialect.h"
#include "worker/translate/media.h"
#include "worker/translate/turns.h"

#define CASES        3000 /* of each pair */
#define DIALECTS     4
#define DROPPED_SIZE 65536
#define SCHEMA_WISH  "Answer with one JSON object that fits this JSON schema"

static struct arena arena;
static struct buffer body;

/* One request under way. */
static struct {
    uint64_t seed;
    const struct chat *asked; /* by the client */
    struct chat heard;        /* by the provider */
    enum dialect_id from, to;
    const struct model_traits *model; /* the provider's */
    struct span dropped;              /* names, between ", " */
} now;

static bool has_trait(enum trait trait)
{
    return (now.model->traits & (uint32_t)trait) != 0;
}

static void set_up(void)
{
    arena_init(&arena, 0);
    buffer_init(&body, SIZE_MAX);
}

static void tear_down(void)
{
    buffer_done(&body);
    arena_done(&arena);
}

static const char *name_of(enum dialect_id dialect)
{
    return dialect_row(dialect)->name.ptr;
}

/* Fails, and tells all that is needed to see why. */
static void lost(const char *what, struct span asked, struct span heard)
{
    ck_abort_msg("seed %lu, %s to %s, %s: %.*s became %.*s in %.*s, dropped %.*s",
                 (unsigned long)now.seed, name_of(now.from), name_of(now.to), what,
                 SPAN_ARG(asked), SPAN_ARG(heard), SPAN_ARG(buffer_span(&body)),
                 SPAN_ARG(now.dropped));
}

/* Whether a name that was dropped has WORD in it. */
static bool is_named(const char *word)
{
    return now.dropped.ptr && span_find(now.dropped, span_of_text(word)) != SIZE_MAX;
}

static void must_be_named(const char *what, const char *const *words)
{
    for (; *words; words++)
        if (is_named(*words))
            return;
    lost(what, SPAN("something"), SPAN("nothing"));
}

#define NAMED_AS(what, ...) must_be_named(what, (const char *const[]){__VA_ARGS__, NULL})

/* ---- what is said ------------------------------------------------------------------------ */

struct saying {
    struct buffer out;
    int role; /* whose words came last */
};

static void put(struct buffer *out, struct span bytes)
{
    CHECK(buffer_append(out, bytes));
}

/* Decoded, without what the dialects put between words and around them. */
static void put_words(struct buffer *out, struct text words)
{
    static const char *const added[] = {"\n", "<system>", "</system>", "[see the next message]",
                                        "Answer with one JSON object and nothing else."};
    struct span rest = text_plain(words, &arena);

    if (span_eq(rest, SPAN("Continue.")))
        return; /* where an assistant may not speak last */
    while (rest.len > 0 && !span_starts(rest, SPAN(SCHEMA_WISH))) {
        size_t skip = 0;

        for (unsigned i = 0; i < ARRAY_LEN(added) && skip == 0; i++)
            if (span_starts(rest, span_of_text(added[i])))
                skip = strlen(added[i]);
        if (skip == 0)
            put(out, span_of(rest.ptr, 1));
        rest = span_skip(rest, skip > 0 ? skip : 1);
    }
}

static struct text words_of(const struct block *block)
{
    if (block->kind == BLOCK_document && text_is(block->media.type, SPAN("text/plain")) &&
        block->media.form == MEDIA_DATA)
        return media_decode_words(block->media.data, &arena);
    return block_words(block);
}

static int speaker_of(const struct message *message, bool begun)
{
    if (message->role == ROLE_assistant)
        return ROLE_assistant;
    return message->role == ROLE_user || begun ? ROLE_user : ROLE_system;
}

static void say_message(struct saying *saying, const struct message *message, bool begun)
{
    int role = speaker_of(message, begun || has_trait(TRAIT_NO_SYSTEM));

    for (const struct block *block = message->blocks; block; block = block->next) {
        struct buffer words _buffer_;

        buffer_init(&words, SIZE_MAX);
        put_words(&words, words_of(block));
        if (words.len == 0)
            continue; /* only what a writer added */
        if (role != saying->role)
            CHECK(buffer_append_format(&saying->out, "\n%d:", role));
        put(&saying->out, buffer_span(&words));
        saying->role = role;
    }
}

/* All words of the conversation, those of one speaker in a row as one. */
static struct span words_in(const struct chat *chat)
{
    struct saying saying = {.role = -1};
    bool begun = false;
    struct span said;

    buffer_init(&saying.out, SIZE_MAX);
    for (const struct message *at = chat->messages; at; at = at->next) {
        begun = begun || at->role == ROLE_user || at->role == ROLE_assistant;
        say_message(&saying, at, begun);
    }
    said = arena_copy(&arena, buffer_span(&saying.out));
    buffer_done(&saying.out);
    return said;
}

/* ---- media, calls, results --------------------------------------------------------------- */

typedef void tell_f(const struct block *block, struct buffer *out);

static void each_block(const struct block *block, tell_f *tell, struct buffer *out)
{
    for (; block; block = block->next) {
        tell(block, out);
        each_block(block->content, tell, out);
    }
}

static struct span told_of(const struct chat *chat, tell_f *tell)
{
    struct buffer out _buffer_;

    buffer_init(&out, SIZE_MAX);
    for (const struct message *at = chat->messages; at; at = at->next)
        each_block(at->blocks, tell, &out);
    return arena_copy(&arena, buffer_span(&out));
}

/* A block that the provider's dialect has no words for is named by its place. */
static bool is_named_block(const struct block *block)
{
    struct span place = turns_place(now.asked, block, &arena);

    return now.dropped.ptr && span_find(place, SPAN("[")) != SIZE_MAX &&
           span_find(now.dropped, place) != SIZE_MAX;
}

static void tell_media(const struct block *block, struct buffer *out)
{
    bool media = block->kind == BLOCK_image || block->kind == BLOCK_audio ||
                 block->kind == BLOCK_document;

    if (media && !words_of(block).ptr && !is_named_block(block))
        CHECK(buffer_append_format(out, "%d %d %.*s\n", block->kind, block->media.form,
                                   (int)block->media.data.len, block->media.data.ptr));
}

static void tell_call(const struct block *block, struct buffer *out)
{
    struct text free_text;
    struct span input;

    if (block->kind != BLOCK_tool_call)
        return;
    free_text = call_custom_input(block, &arena);
    put(out, span_of(block->name.ptr, block->name.len));
    if (free_text.ptr) {
        put(out, span_of(free_text.ptr, free_text.len));
    } else {
        MUST(call_input(block, &arena, &input), "seed %lu: a call says no object",
             (unsigned long)now.seed);
        put(out, input);
    }
    put(out, SPAN("\n"));
}

/* That it failed is a flag, or stands in the words. */
static struct span words_of_result(const struct block *result)
{
    struct buffer words _buffer_;
    struct span said;

    buffer_init(&words, SIZE_MAX);
    for (const struct block *inner = result->content; inner; inner = inner->next)
        if (words_of(inner).ptr)
            put_words(&words, words_of(inner));
    said = arena_copy(&arena, buffer_span(&words));
    return span_starts(said, SPAN("Error:")) ? span_trim(span_skip(said, 6)) : said;
}

static void tell_result(const struct block *block, struct buffer *out)
{
    if (block->kind != BLOCK_tool_result)
        return;
    put(out, words_of_result(block));
    put(out, SPAN("\n"));
}

/* Each result has the id of a call that came before it. */
static void check_ids(const struct chat *chat)
{
    for (const struct message *at = chat->messages; at; at = at->next)
        for (const struct block *block = at->blocks; block; block = block->next)
            if (block->kind == BLOCK_tool_result && !turns_find_call(chat, block->id))
                lost("id", span_of(block->id.ptr, block->id.len), SPAN("that of no call"));
}

static bool has_block(enum block_kind kind)
{
    for (const struct message *at = now.asked->messages; at; at = at->next)
        for (const struct block *block = at->blocks; block; block = block->next)
            if (block->kind == kind)
                return true;
    return false;
}

static void check_told(const char *what, tell_f *tell)
{
    struct span asked = told_of(now.asked, tell), heard = told_of(&now.heard, tell);

    if (!span_eq(asked, heard))
        lost(what, asked, heard);
}

static void tell_marks(const struct block *block, struct buffer *out)
{
    if (block->cache != CACHE_NONE)
        put(out, SPAN("x"));
}

static void tell_details(const struct block *block, struct buffer *out)
{
    if (block->media.detail.len > 0 && !text_is(block->media.detail, SPAN("auto")))
        put(out, SPAN("x"));
}

static void check_conversation(void)
{
    struct span asked = words_in(now.asked), heard = words_in(&now.heard);

    if (!span_eq(asked, heard))
        lost("words", asked, heard);
    check_told("media", tell_media);
    check_told("calls", tell_call);
    check_told("results", tell_result);
    check_ids(&now.heard);
    if (has_block(BLOCK_reasoning))
        NAMED_AS("reasoning", "reasoning", "thinking", "thought", "content[", "parts[",
                 "input[");
    if (told_of(now.asked, tell_marks).len > told_of(&now.heard, tell_marks).len)
        NAMED_AS("marks of the cache", "cache");
    if (told_of(now.asked, tell_details).len > told_of(&now.heard, tell_details).len)
        NAMED_AS("detail of images", "detail");
}

/* ---- tools ------------------------------------------------------------------------------- */

static bool is_expected(const struct tool *tool)
{
    return tool->kind != TOOL_HOSTED &&
           (now.heard.tool_names || chat_allows_tool(now.asked, tool));
}

static void check_text(const char *what, struct text asked, struct text heard)
{
    if (!text_eq(asked, heard))
        lost(what, span_of(asked.ptr, asked.len), span_of(heard.ptr, heard.len));
}

/* Models without JSON schemas get what they understand of them. */
static bool same_schema(struct json_value asked, struct json_value heard)
{
    bool less = now.to == DIALECT_gemini && !has_trait(TRAIT_SCHEMA_OUTPUT);

    return heard.kind == JSON_OBJECT && (less || span_eq(asked.raw, heard.raw));
}

/* Where no member holds the schema of an answer, a tool stands for it that must be called. */
static bool is_format_tool(const struct tool *tool)
{
    return now.asked->format.kind == FORMAT_SCHEMA && now.to == DIALECT_anthropic &&
           !has_trait(TRAIT_SCHEMA_OUTPUT) && text_is(tool->name, SPAN("json")) && !tool->next;
}

static void check_tool(const struct tool *asked, const struct tool *heard)
{
    if (!heard)
        lost("tool", span_of(asked->name.ptr, asked->name.len), SPAN("nothing"));
    check_text("name of a tool", asked->name, heard->name);
    check_text("description of a tool", asked->description, heard->description);
    if (asked->kind == TOOL_FUNCTION && asked->schema.kind == JSON_OBJECT &&
        !same_schema(asked->schema, heard->schema))
        lost("schema of a tool", asked->schema.raw, heard->schema.raw);
    if (asked->strict == MAYBE_TRUE && heard->strict != MAYBE_TRUE)
        NAMED_AS("strict", "strict");
    if (asked->cache != CACHE_NONE && heard->cache == CACHE_NONE)
        NAMED_AS("mark at a tool", "cache");
    if (asked->grammar.kind == JSON_OBJECT && heard->grammar.kind != JSON_OBJECT)
        NAMED_AS("grammar", "format");
}

static const struct tool *next_expected(const struct tool *tool)
{
    while (tool && !is_expected(tool))
        tool = tool->next;
    return tool;
}

static void check_tools(void)
{
    const struct tool *asked = next_expected(now.asked->tools), *heard = now.heard.tools;

    for (; asked; asked = next_expected(asked->next), heard = heard->next)
        check_tool(asked, heard);
    if (heard && !is_format_tool(heard))
        lost("tools", SPAN("nothing"), span_of(heard->name.ptr, heard->name.len));
    for (asked = now.asked->tools; asked; asked = asked->next)
        if (asked->kind == TOOL_HOSTED)
            NAMED_AS("hosted tool", "tools[", "web_search", "googleSearch");
}

static void check_choice(void)
{
    const struct chat *asked = now.asked, *heard = &now.heard;
    bool filled = asked->tool_choice == TOOL_CHOICE_ABSENT &&
                  heard->tool_choice == TOOL_CHOICE_AUTO && asked->parallel == MAYBE_FALSE;

    if (heard->last_tool && is_format_tool(heard->last_tool))
        return;
    if (asked->tool_choice != heard->tool_choice && !filled)
        NAMED_AS("tool choice", "tool_choice", "toolConfig");
    if (asked->tool_choice == TOOL_CHOICE_NAMED && heard->tool_choice == TOOL_CHOICE_NAMED)
        check_text("chosen tool", asked->tool_names->text, heard->tool_names->text);
    if (asked->parallel == MAYBE_FALSE && heard->parallel != MAYBE_FALSE)
        NAMED_AS("parallel calls", "parallel");
}

/* ---- settings ---------------------------------------------------------------------------- */

static void check_stops(void)
{
    const struct text_item *asked = now.asked->stops, *heard = now.heard.stops;

    for (; asked && heard; asked = asked->next, heard = heard->next)
        check_text("stop", asked->text, heard->text);
    if (asked)
        NAMED_AS("stop", "stop");
}

static void check_format(void)
{
    const struct chat *asked = now.asked, *heard = &now.heard;
    bool plain = asked->format.kind == FORMAT_ABSENT || asked->format.kind == FORMAT_TEXT ||
                 (asked->format.kind == FORMAT_JSON && now.to == DIALECT_anthropic);

    bool told = asked->format.kind == FORMAT_SCHEMA && !has_trait(TRAIT_SCHEMA_OUTPUT) &&
                (now.to == DIALECT_anthropic
                     ? heard->last_tool && is_format_tool(heard->last_tool)
                     : span_find(buffer_span(&body), SPAN(SCHEMA_WISH)) != SIZE_MAX);

    if (plain || told)
        return;
    if (asked->format.kind != heard->format.kind)
        NAMED_AS("format", "format", "responseMimeType");
    else if (asked->format.kind == FORMAT_SCHEMA && heard->format.kind == FORMAT_SCHEMA &&
             !same_schema(asked->format.schema, heard->format.schema))
        lost("schema", asked->format.schema.raw, heard->format.schema.raw);
}

static bool asks_to_reason(const struct chat *chat)
{
    const struct reasoning *reasoning = &chat->reasoning;

    return reasoning->effort > EFFORT_NONE || reasoning->adaptive ||
           reasoning->budget.kind == JSON_NUMBER;
}

static void check_reasoning(void)
{
    bool by_itself = now.to == DIALECT_gemini && now.asked->reasoning.adaptive;

    if (asks_to_reason(now.asked) && !asks_to_reason(&now.heard) && !by_itself)
        NAMED_AS("reasoning", "reasoning", "thinking");
}

/* What a provider is told although nobody asked, or told by not being told. */
static bool is_silent(enum chat_field field)
{
    return (field == CHAT_choice_count && span_eq(now.asked->fields[field].raw, SPAN("1"))) ||
           (field == CHAT_store && now.asked->fields[field].kind != JSON_TRUE) ||
           (field == CHAT_logprobs && now.asked->fields[field].kind == JSON_FALSE) ||
           (field == CHAT_service_tier &&
            json_text_eq(now.asked->fields[field], SPAN("auto"))) ||
           !chat_has(now.asked, field);
}

static void check_fields(void)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        enum chat_field field = (enum chat_field)i;
        struct span name = chat_field_name(field, now.from);
        struct json_value asked = now.asked->fields[i], heard = now.heard.fields[i];

        if (is_silent(field) || span_eq(asked.raw, heard.raw))
            continue;
        if (name.len == 0 || span_find(now.dropped, name) == SIZE_MAX)
            lost(name.ptr, asked.raw, heard.raw.ptr ? heard.raw : SPAN("nothing"));
    }
    for (const struct extra *extra = now.asked->extras; extra; extra = extra->next)
        NAMED_AS("extra", "x_unheard_of");
    if (now.from != DIALECT_gemini && now.to != DIALECT_gemini)
        MUST(now.asked->stream == now.heard.stream, "seed %lu: stream",
             (unsigned long)now.seed);
}

/* ---- one request ------------------------------------------------------------------------- */

static void begin(struct translation *t, const struct model_traits *traits)
{
    translation_init(t, &arena, 1, 1700000000);
    t->target = (struct chat_target){.model = SPAN("model"), .traits = traits};
    t->chat = now.asked;
}

/* A model that allows all that its dialect knows, or, half of the time, one that there is. */
static const struct model_traits *some_traits(void)
{
    static const struct span names[DIALECTS][6] = {
        [DIALECT_openai] = {WORD("gpt-4.1"), WORD("gpt-5-mini"), WORD("gpt-5.2"),
                            WORD("gpt-5.6"), WORD("o3"), WORD("gpt-3.5-turbo")},
        [DIALECT_responses] = {WORD("gpt-4.1"), WORD("gpt-5-mini"), WORD("gpt-5.2"),
                               WORD("gpt-5.6"), WORD("o3"), WORD("gpt-5-chat")},
        [DIALECT_anthropic] = {WORD("claude-opus-4-8"), WORD("claude-sonnet-4-6"),
                               WORD("claude-sonnet-4-5"), WORD("claude-opus-4-1"),
                               WORD("claude-3-5-haiku"), WORD("claude-fable-5")},
        [DIALECT_gemini] = {WORD("gemini-3-pro"), WORD("gemini-2.5-flash"),
                            WORD("gemini-2.5-pro"), WORD("gemini-2.0-flash"), WORD("gemma-3"),
                            WORD("gemini-3-flash-preview")},
    };

    if (now.seed % 4 < 2)
        return chats_traits(now.to, now.seed % 2);
    return model_traits(names[now.to][now.seed / 4 % 6], now.to);
}

/* False: the provider's dialect has no words for something that must not be left out. */
static bool ask(void)
{
    struct translation there, back;
    struct json_writer json;

    now.model = some_traits();
    begin(&there, now.model);
    buffer_clear(&body);
    json_write_init(&json, &body);
    if (!dialect_row(now.to)->write_chat(&there, now.asked, &json)) {
        MUST(there.refusal.kind == COMPLAINT_unsupported, "seed %lu is refused: %.*s",
             (unsigned long)now.seed, (int)there.refusal.message.len,
             there.refusal.message.ptr);
        return false;
    }
    now.dropped = dropped_list(&there, DROPPED_SIZE);
    now.heard = (struct chat){.dialect = 0};
    begin(&back, NULL);
    MUST(dialect_row(now.to)->read_chat(&back, parsed_span(buffer_span(&body)), &now.heard),
         "seed %lu, %s to %s is not read: %.*s in %.*s", (unsigned long)now.seed,
         name_of(now.from), name_of(now.to), (int)back.refusal.message.len,
         back.refusal.message.ptr, SPAN_ARG(buffer_span(&body)));
    return true;
}

static bool go_across(uint64_t seed, enum dialect_id from, enum dialect_id to)
{
    struct chat made;

    arena_reset(&arena);
    chats_make(seed, from, seed % 2, &arena, &made);
    now.seed = seed;
    now.asked = &made;
    now.from = from;
    now.to = to;
    if (!ask())
        return false;
    check_conversation();
    check_tools();
    check_choice();
    check_stops();
    check_format();
    check_reasoning();
    check_fields();
    return true;
}

START_TEST(what_a_provider_is_not_asked_is_named)
{
    enum dialect_id from = (enum dialect_id)(_i / DIALECTS);
    enum dialect_id to = (enum dialect_id)(_i % DIALECTS);
    uint64_t seed = luck_first_seed(), cases = luck_cases(CASES), asked = 0;

    if (from == to)
        return;
    for (uint64_t i = cases; i > 0; i--)
        asked += go_across(seed++, from, to);
    ck_assert_uint_gt(asked, cases / 4); /* else the refusals hide too much */
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("cross_chat");
    TCase *tc = tcase_create("cross_chat");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, what_a_provider_is_not_asked_is_named, 0, DIALECTS * DIALECTS);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
