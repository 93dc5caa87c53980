#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

static struct arena arena;
static struct translation translation;
static struct chat chat;
static struct event_writer writer;
static struct event_reader reader;
static struct buffer out, said;

static void take(void *who, const struct event *event)
{
    (void)who;
    spell_event(event, &said);
}

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    chat = (struct chat){.dialect = DIALECT_responses};
    chat_add_tool(&chat, TOOL_CUSTOM, &arena)->name = TEXT("sql");
    translation.chat = &chat;
    buffer_init(&out, 64 << 20);
    buffer_init(&said, 1 << 20);
    event_writer_init(&writer, &dialect_responses, &translation, &out);
    event_reader_init(&reader, &dialect_responses, &translation, take, NULL);
}

static void tear_down(void)
{
    buffer_done(&out);
    buffer_done(&said);
    arena_done(&arena);
}

#define START                                                                     \
    {                                                                             \
        .kind = EVENT_start, .id = {"resp_1", 6}, .model = {"m", 1}, .created = 5 \
    }
#define OPEN(block, at)                                                \
    {                                                                  \
        .kind = EVENT_open, .block_kind = BLOCK_##block, .index = (at) \
    }
#define CALL(at, called)                                                                   \
    {                                                                                      \
        .kind = EVENT_open, .block_kind = BLOCK_tool_call, .index = (at), .id = {"c1", 2}, \
        .name = WORD(called)                                                               \
    }
#define DELTA(at, words)                                        \
    {                                                           \
        .kind = EVENT_delta, .index = (at), .text = WORD(words) \
    }
#define CLOSE(at)                          \
    {                                      \
        .kind = EVENT_close, .index = (at) \
    }
#define STOP(why)                              \
    {                                          \
        .kind = EVENT_stop, .stop = STOP_##why \
    }
#define END               \
    {                     \
        .kind = EVENT_end \
    }
#define EVENTS_MAX 16

static const struct {
    const char *name;
    struct event events[EVENTS_MAX]; /* up to END */
    const char *last;                /* the type of the last event */
    const char *parts[4];            /* stand in it, in this order */
} streams[] = {
    {"reasoning, words and a call are three items",
     {START, OPEN(reasoning, 0), DELTA(0, "th"), DELTA(0, "ink"), CLOSE(0), OPEN(text, 1),
      DELTA(1, "say\\n"), CLOSE(1), CALL(2, "f"), DELTA(2, "{\\\"a\\\":"), DELTA(2, "1}"),
      CLOSE(2), STOP(TOOL), END},
     "response.completed",
     {"\"summary\":[{\"type\":\"summary_text\",\"text\":\"think\"}]",
      "\"text\":\"say\\n\",\"annotations\":[]",
      "\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\""}},
    {"calls that interleave keep their order",
     {START, CALL(0, "f"), CALL(1, "g"), DELTA(0, "[1"), DELTA(1, "[2]"), DELTA(0, ",3]"),
      CLOSE(1), CLOSE(0), STOP(TOOL), END},
     "response.completed",
     {"\"name\":\"f\",\"arguments\":\"[1,3]\"", "\"name\":\"g\",\"arguments\":\"[2]\""}},
    {"calls are numbered as they begin, however they speak",
     {START, CALL(0, "f"), CALL(1, "g"), DELTA(1, "[2]"), STOP(TOOL), END},
     "response.completed",
     {"\"name\":\"f\",\"arguments\":\"{}\"", "\"name\":\"g\",\"arguments\":\"[2]\""}},
    {"a call without arguments has an empty object, once",
     {START, CALL(0, "f"), CLOSE(0), STOP(TOOL), END},
     "response.completed",
     {"\"name\":\"f\",\"arguments\":\"{}\""}},
    {"a tool with free text gets its text out of the JSON",
     {START, CALL(0, "sql"), DELTA(0, "{\\\"input\\\":"), DELTA(0, "\\\"SELECT 1\\\"}"),
      CLOSE(0), STOP(TOOL), END},
     "response.completed",
     {"\"type\":\"custom_tool_call\"", "\"name\":\"sql\",\"input\":\"SELECT 1\""}},
    {"a length that was reached is incomplete",
     {START, OPEN(text, 0), DELTA(0, "half"), STOP(LENGTH), END},
     "response.incomplete",
     {"\"status\":\"incomplete\"", "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}",
      "\"text\":\"half\""}},
    {"a refusal",
     {START, OPEN(refusal, 0), DELTA(0, "no"), CLOSE(0), STOP(FILTER), END},
     "response.incomplete",
     {"{\"reason\":\"content_filter\"}", "{\"type\":\"refusal\",\"refusal\":\"no\"}"}},
    {"nothing at all", {START, STOP(END), END}, "response.completed", {"\"output\":[]"}},
};

static void play(int row)
{
    for (unsigned i = 0; i < EVENTS_MAX; i++) {
        event_write(&writer, &streams[row].events[i]);
        if (streams[row].events[i].kind == EVENT_end)
            return;
    }
}

/* Gives all records to TAKE_RECORD; the number of them. */
static unsigned each_record(void (*take_record)(const struct sse_record *record, unsigned i))
{
    struct span rest = buffer_span(&out);
    struct sse_framer framer;
    struct sse_record record;
    unsigned count = 0;

    sse_init(&framer, 16 << 20);
    while (sse_next(&framer, &rest, &record) == SSE_RECORD)
        take_record(&record, count++);
    sse_done(&framer);
    return count;
}

static struct span last_data, last_type;
static unsigned added_count;

static void check_number(const struct sse_record *record, unsigned i)
{
    struct json_value event;
    struct json_error error;
    uint64_t number = UINT64_MAX;

    ck_assert_msg(json_check(record->data, &event, &error), "%.*s", SPAN_ARG(record->data));
    ck_assert(json_u64(json_member(event, SPAN("sequence_number")), &number));
    ck_assert_uint_eq(number, i);
    ck_assert(json_text_eq(json_member(event, SPAN("type")), record->event));
    if (span_eq(record->event, SPAN("response.output_item.added"))) {
        ck_assert(json_u64(json_member(event, SPAN("output_index")), &number));
        ck_assert_uint_eq(number, added_count++); /* SDKs append, then look up by number */
    }
    last_data = arena_copy(&arena, record->data);
    last_type = arena_copy(&arena, record->event);
}

START_TEST(events_are_numbered_without_gaps_and_the_last_repeats_all)
{
    struct span rest;

    added_count = 0;
    play(_i);
    ck_assert_uint_ge(each_record(check_number), 3);
    ck_assert_msg(span_eq(last_type, span_of_text(streams[_i].last)), "%s: %.*s",
                  streams[_i].name, SPAN_ARG(last_type));
    rest = last_data;
    for (unsigned i = 0; i < 4 && streams[_i].parts[i]; i++) {
        size_t at = span_find(rest, span_of_text(streams[_i].parts[i]));

        ck_assert_msg(at != SIZE_MAX, "%s: %s in\n%.*s", streams[_i].name, streams[_i].parts[i],
                      SPAN_ARG(rest));
        rest = span_skip(rest, at);
    }
}

END_TEST

static void read_record(const struct sse_record *record, unsigned i)
{
    (void)i;
    event_read(&reader, record);
}

/* Rows 2 to 4 are of free text and of calls without arguments: what they put in is looked at by
 * the test before, and comes back otherwise than it went. */
#define OTHERWISE_FIRST 2
#define OTHERWISE_LAST  4

START_TEST(what_was_written_is_read_as_it_was_told)
{
    struct buffer told;

    buffer_init(&told, 1 << 20);
    play(_i);
    (void)each_record(read_record);
    event_read_end(&reader);
    ck_assert(reader.ended && !reader.failed && !reader.repaired);
    for (unsigned i = 0; i < EVENTS_MAX; i++) {
        const struct event *event = &streams[_i].events[i];

        if (event->kind != EVENT_delta && event->kind != EVENT_stop)
            continue;
        buffer_clear(&told);
        spell_event(event, &told);
        ck_assert_msg(span_find(buffer_span(&said), buffer_span(&told)) != SIZE_MAX,
                      "%s: %.*s in\n%.*s", streams[_i].name, SPAN_ARG(buffer_span(&told)),
                      SPAN_ARG(buffer_span(&said)));
        if (event->kind == EVENT_stop)
            break;
    }
    buffer_done(&told);
}

END_TEST

START_TEST(an_error_ends_in_a_failed_response)
{
    struct complaint complaint = {.kind = COMPLAINT_overloaded, .message = TEXT("busy")};
    struct event start = START, open = OPEN(text, 0), delta = DELTA(0, "so far");
    struct event error = {.kind = EVENT_error, .complaint = &complaint};
    struct stream_tap tap = {.finished = false};

    event_write(&writer, &start);
    event_write(&writer, &open);
    event_write(&writer, &delta);
    event_write(&writer, &error);
    added_count = 0;
    (void)each_record(check_number);
    ck_assert(span_eq(last_type, SPAN("response.failed")));
    ck_assert(span_find(last_data, SPAN("\"status\":\"failed\"")) != SIZE_MAX);
    ck_assert(span_find(last_data, SPAN("\"message\":\"busy\"")) != SIZE_MAX);
    ck_assert(span_find(last_data, SPAN("so far")) != SIZE_MAX);
    ck_assert(span_find(buffer_span(&out), SPAN("event: error\n")) != SIZE_MAX);
    dialect_responses.tap_record(
        &tap, &(struct sse_record){.event = last_type, .data = last_data, .has_data = true});
    ck_assert(tap.finished && tap.failed);
}

END_TEST

/* Beyond 8 MB deltas go on, and the repetition is a beginning without holes. */
START_TEST(an_answer_that_is_too_long_to_repeat_still_streams)
{
    static char large[1 << 20];
    struct event start = START, open = OPEN(text, 0), close = CLOSE(0);
    struct event delta = {.kind = EVENT_delta, .text = {large, sizeof(large)}};
    struct event small = DELTA(0, "after"), stop = STOP(END), end = END;

    translation.keeps = true;
    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = 'b';
    event_write(&writer, &start);
    event_write(&writer, &open);
    event_write(&writer, &small);
    for (unsigned i = 0; i < 8; i++)
        event_write(&writer, &delta);
    event_write(&writer, &small);
    event_write(&writer, &close);
    event_write(&writer, &stop);
    event_write(&writer, &end);
    added_count = 0;
    (void)each_record(check_number);
    ck_assert(span_eq(last_type, SPAN("response.completed")));
    ck_assert(span_find(last_data, SPAN("\"afteraaa")) != SIZE_MAX);
    ck_assert(span_find(last_data, SPAN("bafter")) == SIZE_MAX);
    ck_assert(span_find(last_data, SPAN("\"store\":false")) != SIZE_MAX);
}

END_TEST

START_TEST(an_answer_that_is_kept_says_so_and_has_an_id_of_ours)
{
    struct event start = START, stop = STOP(END), end = END;

    translation.keeps = true;
    translation.previous = TEXT("resp_0");
    event_write(&writer, &start);
    event_write(&writer, &stop);
    event_write(&writer, &end);
    added_count = 0;
    (void)each_record(check_number);
    ck_assert(span_find(last_data, SPAN("\"store\":true")) != SIZE_MAX);
    ck_assert(span_find(last_data, SPAN("\"previous_response_id\":\"resp_0\"")) != SIZE_MAX);
    ck_assert(span_find(last_data, SPAN("\"id\":\"resp_1\"")) == SIZE_MAX);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("responses_stream_write");
    TCase *tests = tcase_create("responses_stream_write");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, events_are_numbered_without_gaps_and_the_last_repeats_all, 0,
                        (int)ARRAY_LEN(streams));
    tcase_add_loop_test(tests, what_was_written_is_read_as_it_was_told, 0, OTHERWISE_FIRST);
    tcase_add_loop_test(tests, what_was_written_is_read_as_it_was_told, OTHERWISE_LAST + 1,
                        (int)ARRAY_LEN(streams));
    tcase_add_test(tests, an_error_ends_in_a_failed_response);
    tcase_add_test(tests, an_answer_that_is_too_long_to_repeat_still_streams);
    tcase_add_test(tests, an_answer_that_is_kept_says_so_and_has_an_id_of_ours);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
