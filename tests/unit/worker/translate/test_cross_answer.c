/* Answers by chance, whole and as streams, of a provider of one dialect for a client of
 * another: the client is told what the provider said. */
#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/must.h"
#include "tests/support/parsed.h"
#include "tests/support/replies.h"
#include "worker/translate/call.h"
#include "worker/translate/dialect.h"
#include "worker/translate/words.h"

#define CASES    2000 /* of each pair, whole and streamed */
#define DIALECTS 4

static struct arena arena;
static struct buffer said, told;

/* One answer under way. */
static struct {
    uint64_t seed;
    bool streamed;
    enum dialect_id provider, client;
    struct chat chat;
    struct translation translation;
    struct reply made, heard;
} now;

static void set_up(void)
{
    arena_init(&arena, 0);
    buffer_init(&said, SIZE_MAX);
    buffer_init(&told, SIZE_MAX);
}

static void tear_down(void)
{
    buffer_done(&said);
    buffer_done(&told);
    arena_done(&arena);
}

static const struct dialect *row_of(enum dialect_id dialect)
{
    return dialect_row(dialect);
}

static struct span beginning(const struct buffer *all)
{
    return span_of(buffer_span(all).ptr, all->len < 1500 ? all->len : 1500);
}

static void lost(const char *what, struct span made, struct span heard)
{
    ck_abort_msg("seed %lu, %s to %s, %s: %.*s became %.*s; %.*s was told as %.*s",
                 (unsigned long)now.seed, row_of(now.provider)->name.ptr,
                 row_of(now.client)->name.ptr, what, SPAN_ARG(made), SPAN_ARG(heard),
                 SPAN_ARG(beginning(&said)), SPAN_ARG(beginning(&told)));
}

/* ---- what is said ------------------------------------------------------------------------ */

typedef void tell_f(const struct block *block, struct buffer *out);

static void put(struct buffer *out, struct text text)
{
    struct span plain = text_plain(text, &arena);

    CHECK(buffer_append(out, span_of(plain.ptr ? plain.ptr : "", plain.len)));
}

static void tell_texts(const struct block *block, struct buffer *out)
{
    if (block->kind == BLOCK_text)
        put(out, block->text);
}

static void tell_refusals(const struct block *block, struct buffer *out)
{
    if (block->kind == BLOCK_refusal)
        put(out, block->text);
}

/* A refusal is a text to those who have none. */
static void tell_words(const struct block *block, struct buffer *out)
{
    if (block->kind == BLOCK_text || block->kind == BLOCK_refusal)
        put(out, block->text);
}

/* Several thoughts that become one member stand in lines. */
static void tell_thoughts(const struct block *block, struct buffer *out)
{
    if (block->kind != BLOCK_reasoning)
        return;
    put(out, block->text);
}

static void tell_calls(const struct block *block, struct buffer *out)
{
    struct text input;

    if (block->kind != BLOCK_tool_call)
        return;
    input = call_custom_input(block, &arena);
    put(out, block->name);
    put(out, input.ptr ? input : call_arguments(block, &arena));
    put(out, TEXT("\\n"));
}

/* A signature of a call may be a part of its id. */
static void tell_ids(const struct block *block, struct buffer *out)
{
    struct text signature;

    if (block->kind != BLOCK_tool_call)
        return;
    put(out, signed_id_unpack(block->id, &arena, &signature));
    put(out, TEXT(" "));
}

static void tell_citations(const struct block *block, struct buffer *out)
{
    for (const struct citation *at = block->citations; at; at = at->next) {
        put(out, at->url);
        put(out, at->title);
    }
}

static struct span told_of(const struct choice *choice, tell_f *tell)
{
    struct buffer out _buffer_;

    buffer_init(&out, SIZE_MAX);
    for (const struct block *block = choice->blocks; block; block = block->next)
        tell(block, &out);
    return arena_copy(&arena, buffer_span(&out));
}

/* Without the line ends that join thoughts, which are no part of them. */
static struct span without_lines(struct span text)
{
    char *to = arena_take_text(&arena, text.len);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\n')
            to[len++] = text.ptr[i];
    return span_of(to, len);
}

static void check_said(const char *what, tell_f *tell, const struct choice *made,
                       const struct choice *heard)
{
    struct span left = without_lines(told_of(made, tell));
    struct span right = without_lines(told_of(heard, tell));

    if (!span_eq(left, right))
        lost(what, left, right);
}

/* ---- images ------------------------------------------------------------------------------ */

/* Those who have none get a text with a link, or nothing: only the others are compared. */
static bool has_images(const struct choice *choice)
{
    return choice_has(choice, BLOCK_image) && now.client != DIALECT_openai &&
           now.client != DIALECT_gemini;
}

static void tell_images(const struct block *block, struct buffer *out)
{
    if (block->kind == BLOCK_image)
        put(out, block->media.data);
}

/* ---- why it ended, and what it used ------------------------------------------------------ */

/* Only one dialect tells these apart. */
static uint8_t common_stop(uint8_t stop)
{
    if (stop == STOP_SEQUENCE || stop == STOP_PAUSE)
        return STOP_END;
    return stop == STOP_CONTEXT ? STOP_LENGTH : stop;
}

static void check_number(const char *what, uint64_t made, uint64_t heard)
{
    MUST(usage_or_zero(made) == usage_or_zero(heard),
         "seed %lu, %s to %s, %s: %lu became %lu; told as %.*s", (unsigned long)now.seed,
         row_of(now.provider)->name.ptr, row_of(now.client)->name.ptr, what,
         (unsigned long)usage_or_zero(made), (unsigned long)usage_or_zero(heard),
         SPAN_ARG(beginning(&told)));
}

static void check_usage(void)
{
    const struct usage *made = &now.made.usage, *heard = &now.heard.usage;

    check_number("input", made->input, heard->input);
    check_number("output", made->output, heard->output);
    check_number("cached", made->cached, heard->cached);
    check_number("reasoning", made->reasoning, heard->reasoning);
    if (now.client != DIALECT_gemini)
        check_number("written", made->cache_write, heard->cache_write);
}

/* Two dialects tell a refusal from a text, one of them in a member of its own. */
static void check_words(const struct choice *made, const struct choice *heard)
{
    if (now.client == DIALECT_openai || now.client == DIALECT_responses) {
        check_said("texts", tell_texts, made, heard);
        check_said("refusals", tell_refusals, made, heard);
    } else {
        check_said("words", tell_words, made, heard);
    }
}

/* Where in all words of a choice each citation begins and ends, in characters. OF_ALL: it is
 * told so, whatever stands between the words. */
static struct span places_of(const struct choice *choice, bool of_all)
{
    struct buffer out _buffer_;
    uint64_t before = 0;

    buffer_init(&out, SIZE_MAX);
    for (const struct block *block = choice->blocks; block; block = block->next) {
        uint64_t count = words_count(block->text);
        bool words = block->kind == BLOCK_text ||
                     (block->kind == BLOCK_refusal && now.client == DIALECT_gemini);

        for (const struct citation *at = block->citations; at; at = at->next) {
            uint64_t start = 0, end = count;

            (void)json_u64(at->start, &start);
            (void)json_u64(at->end, &end);
            CHECK(buffer_append_format(&out, "%lu-%lu ", (unsigned long)(before + start),
                                       (unsigned long)(before + end)));
        }
        before += words && !of_all ? count : 0;
    }
    return arena_copy(&arena, buffer_span(&out));
}

/* Read from a stream of Gemini, most of them lie in texts that are over: see
 * test_round_trip_answer. */
static void check_places(const struct choice *made, const struct choice *heard)
{
    struct span a = places_of(made, false);
    struct span b = places_of(heard, now.client == DIALECT_openai);

    if (!replies_place(now.client) || (now.client == DIALECT_gemini && now.streamed))
        return;
    if (!span_eq(a, b))
        lost("places", a, b);
}

static void check_choice(const struct choice *made, const struct choice *heard)
{
    if (!has_images(made)) {
        check_words(made, heard);
        check_said("images", tell_images, made, heard);
        check_places(made, heard);
    }
    check_said("thoughts", tell_thoughts, made, heard);
    check_said("calls", tell_calls, made, heard);
    check_said("ids", tell_ids, made, heard);
    check_said("citations", tell_citations, made, heard);
    check_number("stop", common_stop(made->stop), common_stop(heard->stop));
}

static const struct choice *heard_choice(uint32_t index)
{
    const struct choice *choice = now.heard.choices;

    while (choice && choice->index != index)
        choice = choice->next;
    MUST(choice, "seed %lu: choice %u is lost", (unsigned long)now.seed, index);
    return choice;
}

/* Two dialects have one choice, which is the first. */
static void check(void)
{
    bool one = now.client == DIALECT_responses || now.client == DIALECT_anthropic;

    check_usage();
    for (const struct choice *made = now.made.choices; made; made = made->next)
        if (made->index == 0 || !one)
            check_choice(made, heard_choice(made->index));
    if (!text_eq(now.made.model, now.heard.model))
        lost("model", span_of(now.made.model.ptr, now.made.model.len),
             span_of(now.heard.model.ptr, now.heard.model.len));
}

/* ---- the passage ------------------------------------------------------------------------- */

static void begin(uint64_t seed, bool streamed)
{
    arena_reset(&arena);
    buffer_clear(&said);
    buffer_clear(&told);
    now.seed = seed;
    now.streamed = streamed;
    now.chat = (struct chat){.dialect = (uint8_t)now.client, .wants_usage = true};
    replies_ask(&now.chat, &arena);
    translation_init(&now.translation, &arena, 1, 1700000000);
    now.translation.target.model = SPAN("target");
    now.translation.chat = &now.chat;
    replies_make(seed, now.provider, streamed, &arena, &now.made);
    replies_settle(&now.made, &arena);
}

static void read_whole(enum dialect_id dialect, const struct buffer *body, struct reply *ret)
{
    *ret = (struct reply){.created = 0};
    usage_init(&ret->usage);
    MUST(row_of(dialect)->read_reply(&now.translation, parsed_span(buffer_span(body)), ret),
         "seed %lu is not read: %.*s", (unsigned long)now.seed, SPAN_ARG(beginning(body)));
}

static void write_whole(enum dialect_id dialect, const struct reply *reply, struct buffer *out)
{
    struct json_writer json;

    json_write_init(&json, out);
    row_of(dialect)->write_reply(&now.translation, reply, &json);
}

static void pass_whole(uint64_t seed)
{
    struct reply between;

    begin(seed, false);
    write_whole(now.provider, &now.made, &said);
    read_whole(now.provider, &said, &between);
    write_whole(now.client, &between, &told);
    read_whole(now.client, &told, &now.heard);
    check();
}

static void take(void *who, const struct event *event)
{
    event_write(who, event);
}

static void read_stream(enum dialect_id dialect, const struct buffer *bytes,
                        take_event_f *take_it, void *who)
{
    struct event_reader reader;
    struct sse_framer framer;

    event_reader_init(&reader, row_of(dialect), &now.translation, take_it, who);
    sse_init(&framer, 1 << 20);
    hearing_pass(&reader, &framer, buffer_span(bytes));
    sse_done(&framer);
    event_read_end(&reader);
    MUST(reader.ended && !reader.repaired, "seed %lu: %s is broken: %.*s",
         (unsigned long)now.seed, row_of(dialect)->name.ptr, SPAN_ARG(beginning(bytes)));
    now.heard.usage = reader.usage;
}

static void pass_stream(uint64_t seed)
{
    struct luck luck = {~seed, &arena};
    struct gathering gathering;
    struct event_writer writer;

    begin(seed, true);
    event_writer_init(&writer, row_of(now.provider), &now.translation, &said);
    replies_tell(&now.made, &luck, &writer);
    event_writer_init(&writer, row_of(now.client), &now.translation, &told);
    read_stream(now.provider, &said, take, &writer);
    gathering_init(&gathering, &arena);
    read_stream(now.client, &told, gathering_take, &gathering);
    gathering.reply.usage = now.heard.usage;
    now.heard = gathering.reply;
    check();
}

START_TEST(a_client_is_told_what_the_provider_said)
{
    uint64_t seed = luck_first_seed();

    now.provider = (enum dialect_id)(_i / DIALECTS);
    now.client = (enum dialect_id)(_i % DIALECTS);
    if (now.provider == now.client)
        return;
    for (uint64_t i = luck_cases(CASES); i > 0; i--) {
        pass_whole(seed);
        pass_stream(seed++);
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("cross_answer");
    TCase *tc = tcase_create("cross_answer");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, a_client_is_told_what_the_provider_said, 0, DIALECTS * DIALECTS);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
