#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/translation.h"

static struct arena arena;
static struct translation t;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&t, &arena, 7, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

static struct text text(const char *plain)
{
    return (struct text){plain, strlen(plain)};
}

static const struct {
    const char *name, *also;
    size_t limit;
    const char *out; /* the beginning of it */
} cleaned[] = {
    {"look_up", "", 64, "look_up"},
    {"my.tool/v2", "", 64, "my_tool_v2"},
    {"my.tool", ".", 64, "my.tool"},
    {"functions.get:0", "", 64, "functions_get_0"},
    {"caf\xc3\xa9", "", 64, "caf__"},
    {"", "", 64, "_"},
    {"abcdefghijklmnopqrstuvwxyz", "", 20, "abcdefghijk_"},
};

START_TEST(a_name_is_what_the_target_allows_and_comes_back)
{
    struct text name = text(cleaned[_i].name);
    struct text out = tool_name_out(&t, name, cleaned[_i].also, cleaned[_i].limit);

    ck_assert_uint_le(out.len, cleaned[_i].limit);
    ck_assert(span_starts(span_of(out.ptr, out.len), span_of_text(cleaned[_i].out)));
    ck_assert(text_eq(tool_name_back(&t, out), name));
    ck_assert(text_eq(tool_name_out(&t, name, cleaned[_i].also, cleaned[_i].limit), out));
}

END_TEST

START_TEST(names_that_become_the_same_are_told_apart)
{
    struct text a = tool_name_out(&t, TEXT("a.b"), "", 64);
    struct text b = tool_name_out(&t, TEXT("a/b"), "", 64);
    struct text c = tool_name_out(&t, TEXT("a_b"), "", 64);

    ck_assert(!text_eq(a, b) && !text_eq(b, c) && !text_eq(a, c));
    ck_assert(text_eq(tool_name_back(&t, a), TEXT("a.b")));
    ck_assert(text_eq(tool_name_back(&t, b), TEXT("a/b")));
    ck_assert(text_eq(tool_name_back(&t, c), TEXT("a_b")));
}

END_TEST

/* Quadratic work would take minutes here. */
START_TEST(any_number_of_odd_names_is_quick)
{
    struct buffer name _buffer_;

    buffer_init(&name, 64);
    for (unsigned i = 0; i < 200000; i++) {
        struct span copy;

        buffer_clear(&name);
        (void)buffer_append_format(&name, "call:%u", i);
        copy = arena_copy(&arena, buffer_span(&name));
        (void)call_id_out(&t, (struct text){copy.ptr, copy.len}, 64);
    }
    ck_assert(text_eq(call_id_out(&t, TEXT("call:77"), 64), TEXT("call_77")));
}

END_TEST

START_TEST(what_is_dropped_is_named_once_and_not_without_end)
{
    struct span list;

    for (unsigned i = 0; i < 1000; i++) {
        struct path path = {.key = SPAN("m")};
        struct path item = {.up = &path, .index = i / 2};

        drop_at(&t, &item);
    }
    list = dropped_list(&t, 4096);
    ck_assert(span_starts(list, SPAN("m[0], m[1], m[2], ")));
    ck_assert(span_ends(list, SPAN("m[63], ...")));
}

END_TEST

static const struct {
    enum dialect_id origin, through;
    const char *packed;
} signatures[] = {
    {DIALECT_anthropic, DIALECT_anthropic, "c2ln"},
    {DIALECT_gemini, DIALECT_anthropic, "aigw.gemini.c2ln"},
    {DIALECT_responses, DIALECT_gemini, "aigw.responses.c2ln"},
};

START_TEST(a_signature_goes_back_to_its_maker)
{
    enum dialect_id origin;
    struct text packed =
        signature_pack(signatures[_i].origin, TEXT("c2ln"), signatures[_i].through, &arena);

    ck_assert(text_eq(packed, text(signatures[_i].packed)));
    ck_assert(text_eq(signature_unpack(packed, signatures[_i].through, &origin), TEXT("c2ln")));
    ck_assert_int_eq(origin, signatures[_i].origin);
}

END_TEST

START_TEST(the_signature_of_a_text_is_told_apart_from_that_of_reasoning)
{
    enum dialect_id origin = DIALECT_NONE;
    struct text signature, packed = signature_pack_text(DIALECT_gemini, TEXT("c2ln"), &arena);

    ck_assert(text_eq(packed, TEXT("aigw.text.gemini.c2ln")));
    ck_assert(signature_unpack_text(packed, &signature, &origin));
    ck_assert(text_eq(signature, TEXT("c2ln")));
    ck_assert_int_eq(origin, DIALECT_gemini);
    ck_assert(!signature_unpack_text(TEXT("aigw.gemini.c2ln"), &signature, &origin));
    ck_assert(!signature_unpack_text(TEXT("aigw.text.nobody.c2ln"), &signature, &origin));
    ck_assert(!signature_unpack_text(TEXT_NONE, &signature, &origin));
    /* nor is it anybody's reasoning */
    ck_assert(text_eq(signature_unpack(packed, DIALECT_anthropic, &origin), packed));
    ck_assert_int_eq(origin, DIALECT_anthropic);
    ck_assert_ptr_null(signature_pack_text(DIALECT_gemini, TEXT_NONE, &arena).ptr);
    ck_assert_ptr_null(signature_pack_text(DIALECT_NONE, TEXT("c2ln"), &arena).ptr);
}

END_TEST

START_TEST(an_id_carries_a_signature_with_the_digits_of_urls)
{
    struct text signature;
    struct text packed = signed_id_pack(TEXT("call_1"), TEXT("a+b/cd=="), &arena);

    ck_assert(text_eq(packed, TEXT("call_1__thought__a-b_cd")));
    ck_assert(text_eq(signed_id_unpack(packed, &arena, &signature), TEXT("call_1")));
    ck_assert(text_eq(signature, TEXT("a+b/cd==")));
    ck_assert(text_eq(signed_id_unpack(TEXT("call_2"), &arena, &signature), TEXT("call_2")));
    ck_assert_ptr_null(signature.ptr);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("names");
    TCase *tests = tcase_create("names");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_name_is_what_the_target_allows_and_comes_back, 0,
                        ARRAY_LEN(cleaned));
    tcase_add_test(tests, names_that_become_the_same_are_told_apart);
    tcase_add_test(tests, any_number_of_odd_names_is_quick);
    tcase_add_test(tests, what_is_dropped_is_named_once_and_not_without_end);
    tcase_add_loop_test(tests, a_signature_goes_back_to_its_maker, 0, ARRAY_LEN(signatures));
    tcase_add_test(tests, the_signature_of_a_text_is_told_apart_from_that_of_reasoning);
    tcase_add_test(tests, an_id_carries_a_signature_with_the_digits_of_urls);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
