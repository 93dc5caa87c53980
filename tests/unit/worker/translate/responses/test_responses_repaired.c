#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

#define EVENT(type, members) "data: {\"type\":\"" type "\"" members "}\n\n"
#define CREATED              EVENT("response.created", ",\"response\":{\"id\":\"r\",\"model\":\"m\"}")
#define PART(event)                                        \
    EVENT("response.content_part." event, AT ",\"part\":{" \
                                             "\"type\":\"output_text\",\"text\":\"\"}")
#define AT    ",\"output_index\":0,\"content_index\":0"
#define WORDS EVENT("response.output_text.delta", AT ",\"delta\":\"x\"")
#define ITEM_DONE \
    EVENT("response.output_item.done", ",\"output_index\":0,\"item\":{\"type\":\"message\"}")
#define COMPLETED EVENT("response.completed", ",\"response\":{\"id\":\"r\",\"model\":\"m\"}")
#define BLOCK     "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\n"

static struct buffer said;

static void take(void *who, const struct event *event)
{
    (void)who;
    spell_event(event, &said);
}

/* True when the reader mended something. */
static bool read_stream(struct span bytes)
{
    struct arena arena;
    struct translation translation;
    struct event_reader reader;
    struct sse_framer framer;
    struct sse_record record;

    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    sse_init(&framer, 1 << 20);
    event_reader_init(&reader, &dialect_responses, &translation, take, NULL);
    while (sse_next(&framer, &bytes, &record) == SSE_RECORD)
        event_read(&reader, &record);
    event_read_end(&reader);
    sse_done(&framer);
    arena_done(&arena);
    return reader.repaired;
}

static const struct {
    const char *name, *in;
    bool repaired;
} streams[] = {
    {"as it should be", CREATED PART("added") WORDS PART("done") ITEM_DONE COMPLETED, false},
    {"nothing created", PART("added") WORDS PART("done") ITEM_DONE COMPLETED, true},
    {"no part added", CREATED WORDS PART("done") ITEM_DONE COMPLETED, true},
    {"no part done", CREATED PART("added") WORDS ITEM_DONE COMPLETED, true},
    {"no item done", CREATED PART("added") WORDS COMPLETED, true},
};

START_TEST(what_is_missing_is_put_in_and_said_to_be_mended)
{
    bool repaired;

    buffer_init(&said, 1 << 20);
    repaired = read_stream(span_of_text(streams[_i].in));
    ck_assert_msg(span_find(buffer_span(&said), SPAN(BLOCK)) != SIZE_MAX, "%s: %.*s",
                  streams[_i].name, SPAN_ARG(buffer_span(&said)));
    ck_assert_msg(repaired == streams[_i].repaired, "%s", streams[_i].name);
    buffer_done(&said);
}

END_TEST

START_TEST(what_ends_without_a_word_of_its_end_is_cut)
{
    buffer_init(&said, 1 << 20);
    (void)read_stream(SPAN(CREATED PART("added") WORDS PART("done") ITEM_DONE));
    ck_assert(span_find(buffer_span(&said), SPAN("error cut")) != SIZE_MAX);
    ck_assert(span_find(buffer_span(&said), SPAN("end\n")) == SIZE_MAX);
    buffer_done(&said);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("responses_stream_read");
    TCase *tests = tcase_create("responses_stream_read");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(tests, what_is_missing_is_put_in_and_said_to_be_mended, 0,
                        ARRAY_LEN(streams));
    tcase_add_test(tests, what_ends_without_a_word_of_its_end_is_cut);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
