#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "worker/translate/schema_closed.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

#define CLOSED ",\"additionalProperties\":false}"

static const struct {
    const char *name, *in, *out;
} rows[] = {
    {"bounds go into the description",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":1}}}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\","
     "\"description\":\"minimum: 1\"}}" CLOSED},
    {"a description stays before them",
     "{\"type\":\"string\",\"maxLength\":5,\"description\":\"d\",\"minLength\":2}",
     "{\"type\":\"string\",\"description\":\"d (maxLength: 5, minLength: 2)\"}"},
    {"open objects are closed",
     "{\"$schema\":\"x\",\"type\":[\"object\",\"null\"],\"additionalProperties\":true}",
     "{\"type\":[\"object\",\"null\"]" CLOSED},
    {"nested schemas are closed too",
     "{\"$defs\":{\"p\":{\"properties\":{}}},\"items\":{\"oneOf\":[{\"type\":\"object\"},"
     "{\"$ref\":\"#/$defs/p\"}]}}",
     "{\"$defs\":{\"p\":{\"properties\":{}" CLOSED
     "},\"items\":{\"anyOf\":[{\"type\":\"object\"" CLOSED ",{\"$ref\":\"#/$defs/p\"}]}}"},
    {"known formats and simple patterns stay",
     "{\"type\":\"string\",\"format\":\"uuid\",\"pattern\":\"^a\",\"minItems\":1}",
     "{\"type\":\"string\",\"format\":\"uuid\",\"pattern\":\"^a\",\"minItems\":1}"},
    {"others are told",
     "{\"type\":\"string\",\"format\":\"phone\",\"pattern\":\"(?=\\\"a)\",\"minItems\":2}",
     "{\"type\":\"string\",\"description\":\"format: phone, pattern: (?=\\\"a), minItems: 2\"}"},
    {"values that only look like schemas stay as they are",
     "{\"enum\":[{\"type\":\"object\"}],\"default\":{\"minimum\":1}}",
     "{\"enum\":[{\"type\":\"object\"}],\"default\":{\"minimum\":1}}"},
    {"a property may be called like a keyword",
     "{\"properties\":{\"minimum\":{\"type\":\"integer\"},\"items\":true}}",
     "{\"properties\":{\"minimum\":{\"type\":\"integer\"},\"items\":true}" CLOSED},
};

START_TEST(schemas_are_closed)
{
    struct span closed = schema_close(parsed_span(span_of_text(rows[_i].in)), &arena);

    (void)parsed_span(closed);
    ck_assert_msg(span_eq(closed, span_of_text(rows[_i].out)), "%s: %.*s", rows[_i].name,
                  SPAN_ARG(closed));
}

END_TEST

START_TEST(what_is_too_deep_is_copied)
{
    struct buffer deep _buffer_;

    buffer_init(&deep, 1 << 20);
    for (unsigned i = 0; i < 200; i++)
        (void)buffer_append(&deep, SPAN("{\"items\":"));
    (void)buffer_append(&deep, SPAN("{}"));
    for (unsigned i = 0; i < 200; i++)
        (void)buffer_append(&deep, SPAN("}"));
    (void)parsed_span(schema_close(parsed_span(buffer_span(&deep)), &arena));
}

END_TEST

START_TEST(notes_have_a_limit)
{
    struct buffer many _buffer_;

    buffer_init(&many, 1 << 20);
    (void)buffer_append(&many, SPAN("{\"type\":\"integer\""));
    for (unsigned i = 0; i < 5000; i++)
        (void)buffer_append(&many, SPAN(",\"minimum\":12345678"));
    (void)buffer_append(&many, SPAN("}"));
    ck_assert_uint_lt(schema_close(parsed_span(buffer_span(&many)), &arena).len, 1500);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("schema_closed");
    TCase *tests = tcase_create("schema_closed");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, schemas_are_closed, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tests, what_is_too_deep_is_copied);
    tcase_add_test(tests, notes_have_a_limit);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
