#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "worker/memory/memory.h"

static struct arena arena;
static struct buffer out, more;

static void set_up(void)
{
    arena_init(&arena, 0);
    buffer_init(&out, 1 << 20);
    buffer_init(&more, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&out);
    buffer_done(&more);
    arena_done(&arena);
}

static void is(const struct buffer *buffer, const char *expected)
{
    ck_assert_msg(span_eq(buffer_span(buffer), span_of_text(expected)), "%.*s\n%s",
                  SPAN_ARG(buffer_span(buffer)), expected);
    (void)parsed_span(buffer_span(buffer));
}

static void keep(const char *body, const char *response)
{
    buffer_clear(&out);
    ck_assert(memory_write(SPAN("key\"1"), parsed(body), parsed(response), &out));
}

static struct memory recall(void)
{
    struct memory memory;

    ck_assert(memory_read(buffer_span(&out), SPAN("key\"1"), &memory));
    return memory;
}

static const struct {
    const char *id;
    bool good;
} ids[] = {
    {"resp_aB3", true},
    {"resp_", false},
    {"", false},
    {"resp_../x", false},
    {"resp_a b", false},
    {"msg_abc", false},
    {"resp_12345678901234567890123456789012345678901234567890123456789", true},
    {"resp_123456789012345678901234567890123456789012345678901234567890", false},
};

START_TEST(only_ids_of_the_gateways_form_are_looked_for)
{
    ck_assert_int_eq(memory_is_id(span_of_text(ids[_i].id)), ids[_i].good);
}

END_TEST

#define MESSAGE(text)                                      \
    "{\"type\":\"message\",\"role\":\"user\",\"content\":" \
    "[{\"type\":\"input_text\",\"text\":\"" text "\"}]}"
#define ANSWER "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[]}"

START_TEST(what_was_kept_is_read_by_its_owner_only)
{
    struct memory memory;

    keep("{\"input\":\"hi\\n\",\"model\":\"m\"}", "{\"id\":\"resp_1\",\"output\":[]}");
    is(&out, "{\"version\":1,\"owner\":\"key\\\"1\",\"input\":[" MESSAGE(
                 "hi\\n") "],\"response\":{\"id\":\"resp_1\",\"output\":[]}}");
    ck_assert(memory_read(buffer_span(&out), SPAN("key\"1"), &memory));
    ck_assert(!memory_read(buffer_span(&out), SPAN("key\"2"), &memory));
    ck_assert(!memory_read(buffer_span(&out), SPAN(""), &memory));
}

END_TEST

static const char *const broken[] = {
    "",
    "{",
    "[]",
    "{}",
    "{\"version\":2,\"owner\":\"o\",\"input\":[],\"response\":{}}",
    "{\"version\":1,\"owner\":\"o\",\"input\":\"x\",\"response\":{}}",
    "{\"version\":1,\"owner\":\"o\",\"input\":[],\"response\":null}",
    "{\"version\":1,\"owner\":null,\"input\":[],\"response\":{}}",
    "{\"version\":1,\"owner\":\"o\",\"input\":[],\"response\":{}",
};

START_TEST(a_broken_file_is_as_none)
{
    struct memory memory;

    ck_assert(!memory_read(span_of_text(broken[_i]), SPAN("o"), &memory));
}

END_TEST

static const struct {
    const char *name, *body, *expanded;
} expansions[] = {
    {"a text", "{\"previous_response_id\":\"resp_1\",\"model\":\"m\",\"input\":\"b\"}",
     "{\"input\":[" MESSAGE("a") "," ANSWER "," MESSAGE("b") "],\"model\":\"m\"}"},
    {"items, and members that nobody knows",
     "{\"x\":1.50,\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"1\"}],"
     "\"pre\\u0076ious_response_id\":\"resp_1\",\"y\\n\":{}}",
     "{\"input\":[" MESSAGE("a") "," ANSWER ",{\"type\":\"function_call_output\",\"call_id\":"
                                 "\"c\",\"output\":\"1\"}],\"x\":1.50,\"y\\n\":{}}"},
    {"no input of its own", "{\"previous_response_id\":\"resp_1\"}",
     "{\"input\":[" MESSAGE("a") "," ANSWER "]}"},
    {"an input of null", "{\"previous_response_id\":\"resp_1\",\"input\":null}",
     "{\"input\":[" MESSAGE("a") "," ANSWER "]}"},
};

START_TEST(a_request_is_expanded_by_what_went_before)
{
    struct memory memory;

    keep("{\"input\":\"a\",\"instructions\":\"not carried\"}",
         "{\"id\":\"resp_1\",\"output\":[" ANSWER "]}");
    memory = recall();
    ck_assert(memory_expand(parsed(expansions[_i].body), &memory, &more));
    is(&more, expansions[_i].expanded);
}

END_TEST

START_TEST(a_third_request_needs_the_second_response_only)
{
    struct memory memory;
    struct span second;

    keep("{\"input\":\"a\"}", "{\"output\":[{\"n\":1}]}");
    memory = recall();
    ck_assert(memory_expand(parsed("{\"input\":\"b\"}"), &memory, &more));
    second = arena_copy(&arena, buffer_span(&more));
    keep(second.ptr, "{\"output\":[{\"n\":2}]}");
    memory = recall();
    buffer_clear(&more);
    ck_assert(memory_expand(parsed("{\"input\":[]}"), &memory, &more));
    is(&more, "{\"input\":[" MESSAGE("a") ",{\"n\":1}," MESSAGE("b") ",{\"n\":2}]}");
}

END_TEST

START_TEST(what_does_not_fit_is_said)
{
    struct buffer small;
    struct memory memory;

    keep("{\"input\":\"a\"}", "{\"output\":[]}");
    memory = recall();
    buffer_init(&small, 40);
    ck_assert(!memory_expand(parsed("{\"input\":\"b\"}"), &memory, &small));
    buffer_done(&small);
    buffer_init(&small, 40);
    ck_assert(!memory_write(SPAN("o"), parsed("{}"), parsed("{\"output\":[]}"), &small));
    buffer_done(&small);
}

END_TEST

static const struct {
    const char *records, *response;
} records[] = {
    {"event: response.output_item.done\ndata: {\"type\":\"x\"}\n\n"
     "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":9,"
     "\"response\":{\"id\":\"resp_1\"}}\n\n",
     "{\"id\":\"resp_1\"}"},
    {"event: error\ndata: {\"type\":\"error\"}\n\n", NULL},
    {"data: {\"response\":null}\n\n", NULL},
    {"data: {\"response\":{\"id\"\n\n", NULL},
    {"", NULL},
};

START_TEST(the_answer_of_a_stream_is_in_its_last_event)
{
    struct json_value response = memory_of_records(span_of_text(records[_i].records));

    if (!records[_i].response)
        ck_assert_int_eq(response.kind, JSON_ABSENT);
    else
        ck_assert(span_eq(response.raw, span_of_text(records[_i].response)));
}

END_TEST

#define LIST(data, first, last, more)                                                   \
    "{\"object\":\"list\",\"data\":[" data "],\"first_id\":" first ",\"last_id\":" last \
    ",\"has_more\":" more "}"

static const struct {
    struct memory_page page;
    const char *list;
} pages[] = {
    {{.limit = 20, .ascending = true},
     LIST("{\"id\":\"item_0\",\"n\":0},{\"id\":\"x\",\"n\":1},{\"id\":\"item_2\",\"n\":2}",
          "\"item_0\"", "\"item_2\"", "false")},
    {{.limit = 2},
     LIST("{\"id\":\"item_2\",\"n\":2},{\"id\":\"x\",\"n\":1}", "\"item_2\"", "\"x\"", "true")},
    {{.limit = 2, .after = {"x", 1}},
     LIST("{\"id\":\"item_0\",\"n\":0}", "\"item_0\"", "\"item_0\"", "false")},
    {{.limit = 2, .after = {"nobody", 6}}, LIST("", "null", "null", "false")},
};

START_TEST(items_are_listed_in_pages)
{
    struct memory memory;
    struct json_writer json;

    keep("{\"input\":[{\"n\":0},{\"n\":1,\"id\":\"x\"},{\"n\":2}]}", "{}");
    memory = recall();
    json_write_init(&json, &more);
    memory_write_items(&memory, &pages[_i].page, &arena, &json);
    is(&more, pages[_i].list);
}

END_TEST

START_TEST(a_deletion_is_confirmed)
{
    struct json_writer json;

    json_write_init(&json, &out);
    memory_write_deleted(SPAN("resp_1"), &json);
    is(&out, "{\"id\":\"resp_1\",\"object\":\"response.deleted\",\"deleted\":true}");
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, only_ids_of_the_gateways_form_are_looked_for, 0,
                        (int)ARRAY_LEN(ids));
    tcase_add_test(tests, what_was_kept_is_read_by_its_owner_only);
    tcase_add_loop_test(tests, a_broken_file_is_as_none, 0, (int)ARRAY_LEN(broken));
    tcase_add_loop_test(tests, a_request_is_expanded_by_what_went_before, 0,
                        (int)ARRAY_LEN(expansions));
    tcase_add_test(tests, a_third_request_needs_the_second_response_only);
    tcase_add_test(tests, what_does_not_fit_is_said);
    tcase_add_loop_test(tests, the_answer_of_a_stream_is_in_its_last_event, 0,
                        (int)ARRAY_LEN(records));
    tcase_add_loop_test(tests, items_are_listed_in_pages, 0, (int)ARRAY_LEN(pages));
    tcase_add_test(tests, a_deletion_is_confirmed);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
