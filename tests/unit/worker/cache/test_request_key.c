#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/check.h"
#include "shared/cache/cache.h"

#include "worker/cache/request_key.h"
#include "worker/parse/cache_wish.h"

static struct arena arena;

static void before(void)
{
    arena_init(&arena, 0);
}

static void after(void)
{
    arena_done(&arena);
}

static struct json_value parse(const char *text)
{
    struct json_value value;
    struct json_error error;

    ck_assert_msg(json_check(span_of_text(text), &value, &error), "%s", text);
    return value;
}

static const struct {
    const char *a, *b;
    bool same;
} bodies[] = {
    {"{\"a\":1,\"b\":2}", " { \"b\" : 2 , \"a\" : 1 } ", true},
    {"{\"a\":{\"c\":[1, 2],\"b\":null}}", "{\"a\":{\"b\":null,\"c\":[1,2]}}", true},
    {"{\"model\":\"x\",\"stream\":true,\"user\":\"u\",\"metadata\":{},\"a\":1}", "{\"a\":1}",
     true},
    {"{\"a\":{\"user\":\"u\"}}", "{\"a\":{}}", false}, /* at the top only */
    {"{\"a\":[1,2]}", "{\"a\":[2,1]}", false},
    {"{\"a\":[1,2]}", "{\"a\":[12]}", false},
    {"{\"a\":[[1],2]}", "{\"a\":[[1,2]]}", false},
    {"{\"a\":\"b c\"}", "{\"a\":\"bc\"}", false},
    {"{\"a\":\"1\"}", "{\"a\":1}", false},
    {"{\"a\":null}", "{}", false},
    {"{\"a\":1,\"b\":{}}", "{\"a\":{\"b\":1}}", false},
    {"{\"a\":\"x\\\",\\\"b\\\":\\\"y\"}", "{\"a\":\"x\",\"b\":\"y\"}", false},
    {"{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}", false}, /* which one counts is not ours to say */
    {"{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud801\"}", false},
    {"{\"ab\":1,\"a\":2}", "{\"a\":2,\"ab\":1}", true},
};

static bool form(const char *text, uint32_t distinguish, struct buffer *out)
{
    struct request_members members;

    buffer_init(out, 65536);
    request_members_read(parse(text), &arena, &members);
    return request_canonical(&members, distinguish, &arena, out);
}

static bool canonical(const char *text, struct buffer *out)
{
    return form(text, 0, out);
}

START_TEST(bodies_are_the_same_by_their_values)
{
    struct buffer a _buffer_, b _buffer_;

    ck_assert(canonical(bodies[_i].a, &a) && canonical(bodies[_i].b, &b));
    ck_assert_msg(span_eq(buffer_span(&a), buffer_span(&b)) == bodies[_i].same, "%s: %.*s %.*s",
                  bodies[_i].a, SPAN_ARG(buffer_span(&a)), SPAN_ARG(buffer_span(&b)));
}

END_TEST

/* More members than have a place on the stack, in another order. */
START_TEST(many_members_are_sorted_too)
{
    struct buffer texts[2], forms[2];

    for (unsigned way = 0; way < 2; way++) {
        buffer_init(&texts[way], 65536);
        (void)buffer_append_byte(&texts[way], '{');
        for (unsigned i = 0; i < 500; i++)
            (void)buffer_append_format(&texts[way], "%s\"m%u\":%u", i ? "," : "",
                                       way ? 499 - i : i, way ? 499 - i : i);
        (void)buffer_append(&texts[way], span_of("}", 2));
        ck_assert(canonical(texts[way].ptr, &forms[way]));
        buffer_done(&texts[way]);
    }
    ck_assert(span_eq(buffer_span(&forms[0]), buffer_span(&forms[1])));
    ck_assert_uint_gt(forms[0].len, 500 * 6);
    buffer_done(&forms[0]);
    buffer_done(&forms[1]);
}

END_TEST

START_TEST(what_is_too_deep_has_no_key)
{
    char text[400] = "{\"a\":";
    struct buffer out _buffer_;

    memset(text + 5, '[', 100);
    memset(text + 105, ']', 100);
    text[205] = '}';
    text[206] = '\0';
    ck_assert(!canonical(text, &out));
}

END_TEST

START_TEST(what_the_settings_distinguish_counts)
{
    struct buffer a _buffer_, b _buffer_;
    uint32_t bit = cache_member_bit(SPAN("user"));

    ck_assert(form("{\"user\":\"a\"}", bit, &a));
    ck_assert(form("{\"user\":\"b\",\"metadata\":{}}", bit, &b));
    ck_assert(!span_eq(buffer_span(&a), buffer_span(&b)));
    ck_assert_uint_eq(cache_member_bit(SPAN("messages")), 0);
}

END_TEST

/* ---- keys -------------------------------------------------------------------------------- */

static struct head head;

static struct request_identity usual(void)
{
    head = (struct head){.operation = OPERATION_chat};
    return (struct request_identity){
        .tenant = 7,
        .key_id = SPAN("abcdefghijkl"),
        .model = SPAN("m"),
        .targets = SPAN("up m\n"),
        .head = &head,
    };
}

static void make(const struct request_identity *identity, uint8_t ret[SHA256_SIZE])
{
    struct request_members members;
    struct buffer text _buffer_;

    buffer_init(&text, 4096);
    request_members_read(parse("{\"a\":1}"), &arena, &members);
    ck_assert(request_key_make(identity, &members, &arena, &text, ret));
}

enum change {
    CHANGE_TENANT,
    CHANGE_NO_TENANT,
    CHANGE_OWN,
    CHANGE_STRICT,
    CHANGE_STREAM,
    CHANGE_MODEL,
    CHANGE_TARGETS,
    CHANGE_OPERATION,
    CHANGE_SSE,
    CHANGE_HEADER,
    CHANGE_COUNT
};

static void apply(enum change change, struct request_identity *to)
{
    switch (change) {
    case CHANGE_TENANT: to->tenant = 8; break;
    case CHANGE_NO_TENANT: to->tenant = 0; break;
    case CHANGE_OWN:
        to->own = true;
        to->key_id = SPAN("other");
        break;
    case CHANGE_STRICT: to->strict = true; break;
    case CHANGE_STREAM: to->stream = true; break;
    case CHANGE_MODEL: to->model = SPAN("n"); break;
    case CHANGE_TARGETS: to->targets = SPAN("up n\n"); break;
    case CHANGE_OPERATION: head.operation = OPERATION_messages; break;
    case CHANGE_SSE: head.sse = true; break;
    case CHANGE_HEADER:
        head.forwarded[0] = (struct forwarded){SPAN("anthropic-beta"), SPAN("x")};
        head.forwarded_count = 1;
        break;
    case CHANGE_COUNT: break;
    }
}

START_TEST(all_that_an_answer_depends_on_is_in_its_key)
{
    uint8_t keys[CHANGE_COUNT + 1][SHA256_SIZE];

    for (unsigned i = 0; i <= CHANGE_COUNT; i++) {
        struct request_identity identity = usual();

        apply((enum change)i, &identity);
        make(&identity, keys[i]);
        for (unsigned j = 0; j < i; j++)
            ck_assert_msg(memcmp(keys[i], keys[j], SHA256_SIZE) != 0, "%u and %u", i, j);
    }
}

END_TEST

START_TEST(a_tenants_keys_share_and_keys_without_a_tenant_do_not)
{
    struct request_identity one = usual(), two = usual();
    uint8_t a[SHA256_SIZE], b[SHA256_SIZE];

    two.key_id = SPAN("ABCDEFGHIJKL");
    make(&one, a);
    make(&two, b);
    ck_assert_mem_eq(a, b, SHA256_SIZE);
    one.tenant = two.tenant = 0;
    make(&one, a);
    make(&two, b);
    ck_assert(memcmp(a, b, SHA256_SIZE) != 0);
}

END_TEST

/* ---- classes ----------------------------------------------------------------------------- */

static const struct {
    enum operation operation;
    const char *body;
    uint64_t choices;
    enum request_class without, with; /* all of the rules */
    bool own;
} classes[] = {
    {OPERATION_chat, "{\"temperature\":0}", 1, REQUEST_SURE, REQUEST_SURE, false},
    {OPERATION_chat, "{\"temperature\":0.00e3}", 1, REQUEST_SURE, REQUEST_SURE, false},
    {OPERATION_chat, "{\"temperature\":0.1}", 1, REQUEST_ASKED, REQUEST_SURE, false},
    {OPERATION_chat, "{\"temperature\":-0.1}", 1, REQUEST_ASKED, REQUEST_SURE, false},
    {OPERATION_chat, "{\"temperature\":null}", 1, REQUEST_ASKED, REQUEST_SURE, false},
    {OPERATION_chat, "{\"temperature\":\"0\"}", 1, REQUEST_ASKED, REQUEST_SURE, false},
    {OPERATION_chat, "{}", 1, REQUEST_ASKED, REQUEST_SURE, false},
    {OPERATION_chat, "{\"temperature\":0}", 2, REQUEST_ASKED, REQUEST_SURE, false},
    {OPERATION_chat, "{\"temperature\":0,\"tools\":[{}]}", 1, REQUEST_ASKED, REQUEST_SURE,
     false},
    {OPERATION_chat, "{\"temperature\":0,\"\\u0074ools\":[{}]}", 1, REQUEST_ASKED, REQUEST_SURE,
     false},
    {OPERATION_chat, "{\"temperature\":0,\"store\":true}", 1, REQUEST_NEVER, REQUEST_NEVER,
     false},
    {OPERATION_chat, "{\"temperature\":0,\"store\":false}", 1, REQUEST_SURE, REQUEST_SURE,
     false},
    {OPERATION_responses, "{\"temperature\":0,\"store\":false}", 1, REQUEST_SURE, REQUEST_SURE,
     false},
    {OPERATION_responses, "{\"temperature\":0}", 1, REQUEST_SURE, REQUEST_SURE, true},
    {OPERATION_responses, "{\"temperature\":0,\"previous_response_id\":\"r\"}", 1,
     REQUEST_NEVER, REQUEST_NEVER, true},
    {OPERATION_responses, "{\"temperature\":0,\"background\":true}", 1, REQUEST_NEVER,
     REQUEST_NEVER, true},
    {OPERATION_responses, "{\"temperature\":0,\"background\":false}", 1, REQUEST_SURE,
     REQUEST_SURE, true},
    {OPERATION_responses, "{\"temperature\":0,\"prompt\":{\"id\":\"p\"}}", 1, REQUEST_NEVER,
     REQUEST_NEVER, true},
    {OPERATION_completions, "{\"temperature\":0,\"prompt\":\"p\"}", 1, REQUEST_SURE,
     REQUEST_SURE, false},
    {OPERATION_embeddings, "{\"input\":\"x\"}", 1, REQUEST_SURE, REQUEST_SURE, false},
    {OPERATION_generate, "{\"generationConfig\":{\"temperature\":0}}", 1, REQUEST_SURE,
     REQUEST_SURE, false},
    {OPERATION_generate, "{\"generationConfig\":{\"temperature\":1}}", 1, REQUEST_ASKED,
     REQUEST_SURE, false},
};

START_TEST(what_may_be_answered_from_the_cache)
{
    const struct snapshot_cache_rules none = {0},
                                      all = {.sampled = 1, .tools = 1, .choices = 1};
    struct request_members body;
    struct ask ask = {.choices = classes[_i].choices};
    bool own;

    request_members_read(parse(classes[_i].body), &arena, &body);
    head = (struct head){.operation = classes[_i].operation,
                         .dialect = operation_row(classes[_i].operation)->dialect};
    ck_assert_int_eq(request_classify(&head, &ask, &body, &none, &own), classes[_i].without);
    ck_assert_int_eq(own, classes[_i].own);
    ck_assert_int_eq(request_classify(&head, &ask, &body, &all, &own), classes[_i].with);
}

END_TEST

/* ---- wishes ------------------------------------------------------------------------------ */

static const struct {
    const char *value;
    bool good;
    struct cache_wish wish;
} wishes[] = {
    {NULL, true, {.said = false}},
    {"", true, {.said = true}},
    {"ttl=60", true, {.said = true, .has_ttl = true, .ttl_s = 60}},
    {"no-store", true, {.said = true, .no_store = true}},
    {"ttl=0", true, {.said = true, .has_ttl = true, .no_store = true}},
    {" refresh ,ttl=5", true, {.said = true, .has_ttl = true, .refresh = true, .ttl_s = 5}},
    {"only-if-cached", true, {.said = true, .only = true}},
    {"ttl=", false, {0}},
    {"ttl=-1", false, {0}},
    {"ttl=1.5", false, {0}},
    {"ttl=99999999999999999999", false, {0}},
    {"ttl=31536001", false, {0}},
    {"no-cache", false, {0}},
    {"ttl=5 refresh", false, {0}},
};

START_TEST(wishes_are_read_or_refused)
{
    struct span value = wishes[_i].value ? span_of_text(wishes[_i].value) : SPAN_NONE;
    struct cache_wish wish;

    ck_assert_int_eq(cache_wish_read(value, &wish), wishes[_i].good);
    if (!wishes[_i].good)
        return;
    ck_assert_int_eq(wish.said, wishes[_i].wish.said);
    ck_assert_int_eq(wish.has_ttl, wishes[_i].wish.has_ttl);
    ck_assert_int_eq(wish.no_store, wishes[_i].wish.no_store);
    ck_assert_int_eq(wish.refresh, wishes[_i].wish.refresh);
    ck_assert_int_eq(wish.only, wishes[_i].wish.only);
    ck_assert_uint_eq(wish.ttl_s, wishes[_i].wish.ttl_s);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("request_key");
    TCase *tests = tcase_create("request_key");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, before, after);
    tcase_add_loop_test(tests, bodies_are_the_same_by_their_values, 0, (int)ARRAY_LEN(bodies));
    tcase_add_test(tests, many_members_are_sorted_too);
    tcase_add_test(tests, what_is_too_deep_has_no_key);
    tcase_add_test(tests, what_the_settings_distinguish_counts);
    tcase_add_test(tests, all_that_an_answer_depends_on_is_in_its_key);
    tcase_add_test(tests, a_tenants_keys_share_and_keys_without_a_tenant_do_not);
    tcase_add_loop_test(tests, what_may_be_answered_from_the_cache, 0, (int)ARRAY_LEN(classes));
    tcase_add_loop_test(tests, wishes_are_read_or_refused, 0, (int)ARRAY_LEN(wishes));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
