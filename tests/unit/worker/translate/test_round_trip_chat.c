/* Requests by chance: what a dialect's writer makes of one, its reader gives back. */
#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/chats.h"
#include "tests/support/must.h"
#include "tests/support/parsed.h"
#include "tests/support/same.h"
#include "worker/translate/dialect.h"

#define CASES 10000

static struct arena arena;
static struct buffer first, second, difference;

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

static void begin(struct translation *t, const struct chat *chat,
                  const struct model_traits *traits)
{
    translation_init(t, &arena, 1, 1700000000);
    t->target = (struct chat_target){.model = SPAN("model"), .traits = traits};
    t->chat = chat;
}

/* CHAT in the words of its own dialect. */
static void write(const struct chat *chat, const struct model_traits *traits, uint64_t seed,
                  struct buffer *out)
{
    struct translation t;
    struct json_writer json;
    struct span dropped;

    begin(&t, chat, traits);
    buffer_clear(out);
    json_write_init(&json, out);
    MUST(dialect_row(chat->dialect)->write_chat(&t, chat, &json), "seed %lu is refused: %.*s",
         (unsigned long)seed, (int)t.refusal.message.len, t.refusal.message.ptr);
    dropped = dropped_list(&t, 4096);
    MUST(!dropped.ptr, "seed %lu drops %.*s from %.*s", (unsigned long)seed, SPAN_ARG(dropped),
         SPAN_ARG(buffer_span(out)));
}

static void read(const struct buffer *body, enum dialect_id dialect, uint64_t seed,
                 struct chat *ret)
{
    struct translation t;
    struct span dropped;

    begin(&t, NULL, NULL);
    MUST(dialect_row(dialect)->read_chat(&t, parsed_span(buffer_span(body)), ret),
         "seed %lu is not read: %.*s in %.*s", (unsigned long)seed, (int)t.refusal.message.len,
         t.refusal.message.ptr, SPAN_ARG(buffer_span(body)));
    dropped = dropped_list(&t, 4096);
    MUST(!dropped.ptr, "seed %lu loses %.*s", (unsigned long)seed, SPAN_ARG(dropped));
}

static void go_round(uint64_t seed, enum dialect_id dialect)
{
    const struct model_traits *traits = chats_traits(dialect, seed % 2);
    struct chat made, known = {.dialect = 0};

    arena_reset(&arena);
    chats_make(seed, dialect, seed % 2, &arena, &made);
    write(&made, traits, seed, &first);
    read(&first, dialect, seed, &known);
    MUST(same_chat(&made, &known, &difference), "seed %lu in %s: %.*s, of %.*s",
         (unsigned long)seed, dialect_row(dialect)->name.ptr,
         SPAN_ARG(buffer_span(&difference)), SPAN_ARG(buffer_span(&first)));
    write(&known, traits, seed, &second);
    MUST(span_eq(buffer_span(&first), buffer_span(&second)),
         "seed %lu: %.*s is written anew as %.*s", (unsigned long)seed,
         SPAN_ARG(buffer_span(&first)), SPAN_ARG(buffer_span(&second)));
}

START_TEST(a_request_is_read_as_it_was_written)
{
    uint64_t seed = luck_first_seed();

    for (uint64_t i = luck_cases(CASES); i > 0; i--)
        go_round(seed++, (enum dialect_id)_i);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("round_trip_chat");
    TCase *tc = tcase_create("round_trip_chat");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, a_request_is_read_as_it_was_written, DIALECT_openai,
                        DIALECT_gemini + 1);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
