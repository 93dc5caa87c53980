#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "worker/translate/schema.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

static bool sanitised(struct span text, struct json_value *ret)
{
    return schema_sanitise(parsed_span(text), &arena, ret);
}

static const struct {
    const char *name, *in, *out; /* out NULL: left out altogether */
} rows[] = {
    {"references are put in, strangers left out",
     "{\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":\"#/$defs/P\"}},\"$defs\":{\"P\":{"
     "\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"string\"}},"
     "\"additionalProperties\":false}},\"$schema\":\"x\",\"additionalProperties\":false}",
     "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"object\",\"properties\":{\"n\":{"
     "\"type\":\"string\"}}}}}"},
    {"null in a list of types", "{\"type\":[\"string\",\"null\"]}",
     "{\"type\":\"string\",\"nullable\":true}"},
    {"null in a union", "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}",
     "{\"type\":\"integer\",\"nullable\":true}"},
    {"several types", "{\"type\":[\"string\",\"integer\",\"null\"]}",
     "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}],\"nullable\":true}"},
    {"a constant", "{\"const\":\"x\"}", "{\"type\":\"string\",\"enum\":[\"x\"]}"},
    {"numbers to choose from", "{\"type\":\"integer\",\"enum\":[1,2]}",
     "{\"type\":\"integer\"}"},
    {"numbers to choose from, without a type", "{\"enum\":[1,2]}", "{\"type\":\"integer\"}"},
    {"words and numbers to choose from", "{\"enum\":[\"a\",1,null,\"\"]}",
     "{\"type\":\"string\",\"enum\":[\"a\",\"1\"]}"},
    {"an array of anything", "{\"type\":\"array\"}",
     "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"},
    {"a tuple",
     "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
     "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}}"},
    {"an unknown format", "{\"type\":\"string\",\"format\":\"uri\"}", "{\"type\":\"string\"}"},
    {"a known format", "{\"type\":\"string\",\"format\":\"date-time\"}",
     "{\"type\":\"string\",\"format\":\"date-time\"}"},
    {"required names that there are not",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"zz\"]}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}"},
    {"allOf is one schema, of two words the first counts",
     "{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]},{"
     "\"properties\":{\"a\":{\"type\":\"number\"},\"b\":{\"type\":\"number\"}},\"required\":["
     "\"b\"]}]}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
     "\"number\"}},\"required\":[\"a\",\"b\"]}"},
    {"oneOf is anyOf", "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
     "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}"},
    {"kept members",
     "{\"type\":\"string\",\"minLength\":1,\"pattern\":\"^a$\",\"default\":\"x\","
     "\"title\":\"T\"}",
     "{\"type\":\"string\",\"title\":\"T\",\"minLength\":1,\"pattern\":\"^a$\"}"},
    {"true is anything", "{\"type\":\"object\",\"properties\":{\"a\":true}}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\"}}}"},
    {"a description beside a reference counts more than that of its target",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/A\",\"description\":\"here\"}"
     "},\"$defs\":{\"A\":{\"type\":\"string\",\"description\":\"there\"}}}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"description\":\"here\"}}}"},
    {"a schema in itself is cut",
     "{\"type\":\"object\",\"properties\":{\"me\":{\"$ref\":\"#\"}}}",
     "{\"type\":\"object\",\"properties\":{\"me\":{\"type\":\"object\"}}}"},
    {"two schemas in each other are cut",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/A\"}},\"$defs\":{\"A\":{"
     "\"properties\":{\"b\":{\"$ref\":\"#/$defs/B\"}}},\"B\":{\"properties\":{\"a\":{\"$ref\":"
     "\"#/$defs/A\"}}}}}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{\"b\":{"
     "\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\"}}}}}}}"},
    {"a union in itself is cut", "{\"anyOf\":[{\"$ref\":\"#\"}]}", NULL},
    {"a reference to nowhere is anything",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/no\"}}}",
     "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\"}}}"},
    {"names with escapes",
     "{\"type\":\"object\",\"properties\":{\"a\\\"b\":{\"$ref\":"
     "\"#/$defs/x~1y~0z\"}},\"$defs\":{\"x/y~z\":{\"type\":\"string\"}}}",
     "{\"type\":\"object\",\"properties\":{\"a\\\"b\":{\"type\":\"string\"}}}"},
    {"an object without properties is nothing", "{\"type\":\"object\",\"properties\":{}}",
     NULL},
    {"an empty schema is nothing", "{}", NULL},
};

START_TEST(schemas_become_the_subset)
{
    struct json_value made;

    ck_assert(sanitised(span_of_text(rows[_i].in), &made));
    if (!rows[_i].out) {
        ck_assert_msg(made.kind == JSON_ABSENT, "%s: %.*s", rows[_i].name, SPAN_ARG(made.raw));
        return;
    }
    ck_assert_msg(span_eq(made.raw, span_of_text(rows[_i].out)), "%s:\n%.*s, not\n%s",
                  rows[_i].name, SPAN_ARG(made.raw), rows[_i].out);
}

END_TEST

/* Each schema has the next one twice: 2 to the 30th when written out. */
START_TEST(a_schema_that_explodes_is_refused)
{
    struct buffer text _buffer_;
    struct json_value made;

    buffer_init(&text, 100000);
    ck_assert(buffer_append(&text, SPAN("{\"$ref\":\"#/$defs/s0\",\"$defs\":{")));
    for (unsigned i = 0; i < 15; i++)
        ck_assert(buffer_append_format(
            &text,
            "\"s%u\":{\"properties\":{\"a\":{\"$ref\":\"#/$defs/s%u\"},\"b\":{\"$ref\":"
            "\"#/$defs/s%u\"}}},",
            i, i + 1, i + 1));
    ck_assert(buffer_append(&text, SPAN("\"s15\":{\"type\":\"string\"}}}")));
    ck_assert(!sanitised(buffer_span(&text), &made));
}

END_TEST

START_TEST(a_schema_too_deep_is_refused)
{
    struct buffer text _buffer_;
    struct json_value made;

    buffer_init(&text, 100000);
    for (unsigned i = 0; i < 100; i++)
        ck_assert(buffer_append(&text, SPAN("{\"type\":\"array\",\"items\":")));
    ck_assert(buffer_append(&text, SPAN("{}")));
    for (unsigned i = 0; i < 100; i++)
        ck_assert(buffer_append_byte(&text, '}'));
    ck_assert(!sanitised(buffer_span(&text), &made));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/schema");
    TCase *cases = tcase_create("schema");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, schemas_become_the_subset, 0, ARRAY_LEN(rows));
    tcase_add_test(cases, a_schema_that_explodes_is_refused);
    tcase_add_test(cases, a_schema_too_deep_is_refused);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
