/* Answers by chance, whole and as streams: what a dialect's writer makes of one for a client,
 * its reader gives back, as if the client's words were a provider's. */
#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/must.h"
#include "tests/support/parsed.h"
#include "tests/support/replies.h"
#include "tests/support/same.h"
#include "worker/translate/dialect.h"

#define CASES 10000

static struct arena arena;
static struct buffer first, second, difference;
static struct chat chat;
static struct translation writing, reading;

static void set_up(void)
{
    arena_init(&arena, 0);
    buffer_init(&first, SIZE_MAX);
    buffer_init(&second, SIZE_MAX);
    buffer_init(&difference, SIZE_MAX);
}

static void tear_down(void)
{
    buffer_done(&first);
    buffer_done(&second);
    buffer_done(&difference);
    arena_done(&arena);
}

/* As much of what was written as a message may hold. */
static struct span shown(void)
{
    struct span all = buffer_span(&first);

    return span_of(all.ptr, all.len < 3000 ? all.len : 3000);
}

static void begin(enum dialect_id dialect)
{
    struct translation *both[] = {&writing, &reading};

    arena_reset(&arena);
    chat = (struct chat){.dialect = (uint8_t)dialect, .wants_usage = true};
    replies_ask(&chat, &arena);
    for (unsigned i = 0; i < ARRAY_LEN(both); i++) {
        translation_init(both[i], &arena, 1, 1700000000);
        both[i]->target.model = SPAN("target");
        both[i]->chat = &chat;
    }
    buffer_clear(&first);
    buffer_clear(&second);
    buffer_clear(&difference);
}

static void compare(uint64_t seed, enum dialect_id dialect, struct reply *made,
                    struct reply *known)
{
    replies_settle(made, &arena);
    replies_settle(known, &arena);
    MUST(same_reply(made, known, &difference), "seed %lu in %s: %.*s, of %.*s",
         (unsigned long)seed, dialect_row(dialect)->name.ptr,
         SPAN_ARG(buffer_span(&difference)), SPAN_ARG(shown()));
}

/* ---- whole ------------------------------------------------------------------------------- */

static void write(enum dialect_id dialect, const struct reply *reply, struct buffer *out)
{
    struct json_writer json;

    writing.made_ids = 0;
    json_write_init(&json, out);
    dialect_row(dialect)->write_reply(&writing, reply, &json);
}

static void go_round(uint64_t seed, enum dialect_id dialect)
{
    struct reply made, known = {.created = 0};

    begin(dialect);
    replies_make(seed, dialect, false, &arena, &made);
    write(dialect, &made, &first);
    usage_init(&known.usage);
    MUST(dialect_row(dialect)->read_reply(&reading, parsed_span(buffer_span(&first)), &known),
         "seed %lu is not read: %.*s", (unsigned long)seed, SPAN_ARG(shown()));
    write(dialect, &known, &second);
    MUST(span_eq(buffer_span(&first), buffer_span(&second)),
         "seed %lu: %.*s is written anew as %.*s", (unsigned long)seed, SPAN_ARG(shown()),
         SPAN_ARG(buffer_span(&second)));
    compare(seed, dialect, &made, &known);
}

START_TEST(an_answer_is_read_as_it_was_written)
{
    uint64_t seed = luck_first_seed();

    for (uint64_t i = luck_cases(CASES); i > 0; i--)
        go_round(seed++, (enum dialect_id)_i);
}

END_TEST

/* ---- streams ----------------------------------------------------------------------------- */

/* To the reader, in pieces of any length. */
static void hear(struct event_reader *reader, struct luck *luck, struct span bytes)
{
    struct sse_framer framer;
    uint32_t longest = luck_once_in(luck, 2) ? 16 : 600;

    sse_init(&framer, 1 << 20);
    while (bytes.len > 0) {
        size_t len = 1 + luck_below(luck, longest);

        len = len < bytes.len ? len : bytes.len;
        hearing_pass(reader, &framer, span_of(bytes.ptr, len));
        bytes = span_skip(bytes, len);
    }
    sse_done(&framer);
    event_read_end(reader);
}

static void go_round_in_pieces(uint64_t seed, enum dialect_id dialect)
{
    struct luck luck = {~seed, &arena};
    struct event_writer writer;
    struct event_reader reader;
    struct gathering gathering;
    struct reply made;

    begin(dialect);
    replies_make(seed, dialect, true, &arena, &made);
    replies_settle(&made, &arena);
    event_writer_init(&writer, dialect_row(dialect), &writing, &first);
    replies_tell(&made, &luck, &writer);
    MUST(!writer.failed, "seed %lu is not written", (unsigned long)seed);
    gathering_init(&gathering, &arena);
    event_reader_init(&reader, dialect_row(dialect), &reading, gathering_take, &gathering);
    hear(&reader, &luck, buffer_span(&first));
    MUST(reader.ended && !reader.repaired, "seed %lu in %s is broken: %.*s",
         (unsigned long)seed, dialect_row(dialect)->name.ptr, SPAN_ARG(shown()));
    gathering.reply.usage = reader.usage;
    compare(seed, dialect, &made, &gathering.reply);
}

START_TEST(a_stream_is_read_as_it_was_written)
{
    uint64_t seed = luck_first_seed();

    for (uint64_t i = luck_cases(CASES); i > 0; i--)
        go_round_in_pieces(seed++, (enum dialect_id)_i);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("round_trip_answer");
    TCase *tc = tcase_create("round_trip_answer");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, an_answer_is_read_as_it_was_written, DIALECT_openai,
                        DIALECT_gemini + 1);
    tcase_add_loop_test(tc, a_stream_is_read_as_it_was_written, DIALECT_openai,
                        DIALECT_gemini + 1);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
