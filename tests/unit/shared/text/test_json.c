#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/text/json.h"
#include "shared/text/json_write.h"

struct check_case {
    struct span text;
    bool good;
    size_t offset; /* of the error */
};

static const struct check_case check_cases[] = {
    {SPAN("{}"), true, 0},
    {SPAN(" [ ] "), true, 0},
    {SPAN("\"\""), true, 0},
    {SPAN("-0.5e+10"), true, 0},
    {SPAN("[true,false,null]"), true, 0},
    {SPAN("{\"a\":[{\"b\":{}},[[]],1]}"), true, 0},
    {SPAN("\"\\ud800\""), true, 0}, /* lone surrogates are carried */
    {SPAN("\"\xf0\x9f\x98\x80\""), true, 0},
    {SPAN("{\"a\" : 1 ,\r\n\t\"a\":2}"), true, 0},
    {SPAN(""), false, 0},
    {SPAN("  "), false, 2},
    {SPAN("{"), false, 1},
    {SPAN("{\"a\"}"), false, 4},
    {SPAN("{\"a\":}"), false, 5},
    {SPAN("{\"a\":1,}"), false, 7},
    {SPAN("{a:1}"), false, 1},
    {SPAN("[1,]"), false, 3},
    {SPAN("[1 2]"), false, 3},
    {SPAN("[1}"), false, 2},
    {SPAN("{\"a\":1]"), false, 6},
    {SPAN("]"), false, 0},
    {SPAN("01"), false, 1},
    {SPAN("-"), false, 1},
    {SPAN("1."), false, 2},
    {SPAN("1e"), false, 2},
    {SPAN("+1"), false, 0},
    {SPAN(".5"), false, 0},
    {SPAN("NaN"), false, 0},
    {SPAN("tru"), false, 3},
    {SPAN("truE"), false, 3},
    {SPAN("\"a"), false, 2},
    {SPAN("\"\\x\""), false, 2},
    {SPAN("\"\\u12g4\""), false, 5},
    {SPAN("\"\n\""), false, 1},
    {SPAN("\"a\0b\""), false, 2},
    {SPAN("\"0123456789abcdef\x1f\""), false, 17},
    {SPAN("\"\xc0\xaf\""), false, 1},
    {SPAN("\"\xed\xa0\x80\""), false, 1},
    {SPAN("\"\xf4\x90\x80\x80\""), false, 1},
    {SPAN("\"\xe2\x82\""), false, 1},
    {SPAN("\xef\xbb\xbf{}"), false, 0},
    {SPAN("{} {}"), false, 3},
    {SPAN("1\0"), false, 1},
    {SPAN("'a'"), false, 0},
    {SPAN("[1]//"), false, 3},
};

START_TEST(json_check_accepts_and_refuses_at_the_right_byte)
{
    const struct check_case *c = &check_cases[_i];
    struct json_error error = {0};
    struct json_value value = {0};
    bool good = json_check(c->text, &value, &error);

    ck_assert_msg(good == c->good, "%.*s: %s", SPAN_ARG(c->text), error.text);
    if (!good)
        ck_assert_msg(error.offset == c->offset, "%.*s: %zu", SPAN_ARG(c->text), error.offset);
}

END_TEST

/* The bytes are in memory of exactly their size, so that a sanitizer sees each step beyond. */
START_TEST(every_prefix_of_a_good_text_is_refused)
{
    static const struct span text =
        SPAN("{\"model\":\"gpt\\u0041 \xc3\xa9\",\"n\":[1.5e3,{\"x\":null}],\"s\":true}");
    struct json_error error;
    struct json_value value;

    for (size_t len = 0; len < text.len; len++) {
        char *exact = malloc(len + (len == 0));

        memcpy(exact, text.ptr, len);
        ck_assert(!json_check(span_of(exact, len), &value, &error));
        ck_assert_uint_eq(error.offset >= len - (len > 0 ? 1 : 0) || error.offset <= len, 1);
        free(exact);
    }
    ck_assert(json_check(text, &value, &error));
}

END_TEST

static bool nested(unsigned depth)
{
    struct buffer text;
    struct json_error error;
    struct json_value value;
    bool good;

    buffer_init(&text, 1 << 20);
    for (unsigned i = 0; i < depth; i++)
        (void)buffer_append(&text, i % 2 ? SPAN("{\"a\":") : SPAN("["));
    (void)buffer_append(&text, SPAN("0"));
    for (unsigned i = depth; i-- > 0;)
        (void)buffer_append_byte(&text, i % 2 ? '}' : ']');
    good = json_check(buffer_span(&text), &value, &error);
    buffer_done(&text);
    return good;
}

START_TEST(depth_is_limited)
{
    ck_assert(nested(JSON_DEPTH_LIMIT));
    ck_assert(!nested(JSON_DEPTH_LIMIT + 1));
    ck_assert(!nested(100000));
}

END_TEST

static struct json_pick picks[] = {{.key = {"model", 5}}, {.key = {"stream", 6}}};

static bool pick(struct span text, size_t *ret_open, bool *ret_empty, struct json_error *reterr)
{
    return json_pick(text, picks, ARRAY_LEN(picks), ret_open, ret_empty, reterr);
}

START_TEST(pick_gives_the_wanted_members_in_place)
{
    struct span text =
        SPAN(" { \"x\": {\"model\": 1}, \"m\\u006fdel\" : \"a\\n\" , \"stream\":true}");
    struct json_error error;
    size_t open;
    bool empty;

    ck_assert(pick(text, &open, &empty, &error));
    ck_assert_uint_eq(open, 2);
    ck_assert(!empty);
    ck_assert(picks[0].value.kind == JSON_STRING);
    ck_assert(span_eq(picks[0].value.raw, SPAN("\"a\\n\"")));
    ck_assert(picks[0].value.raw.ptr > text.ptr);
    ck_assert(picks[1].value.kind == JSON_TRUE);
}

END_TEST

START_TEST(pick_of_an_empty_object_finds_nothing)
{
    struct json_error error;
    size_t open;
    bool empty;

    ck_assert(pick(SPAN("{ }"), &open, &empty, &error));
    ck_assert(empty);
    ck_assert(picks[0].value.kind == JSON_ABSENT);
}

END_TEST

static const struct check_case pick_cases[] = {
    {SPAN("{\"model\":1,\"model\":2}"), false, 11},
    {SPAN("{\"model\":1,\"m\\u006Fdel\":2}"), false, 11},
    {SPAN("{\"other\":1,\"other\":2}"), true, 0},
    {SPAN("[]"), false, 0},
    {SPAN("\"model\""), false, 0},
    {SPAN(""), false, 0},
    {SPAN("{\"a\":1"), false, 6},
    {SPAN("{\"a\":1,}"), false, 7},
    {SPAN("{\"a\":1}x"), false, 7},
    {SPAN("{,}"), false, 1},
};

START_TEST(pick_refuses_what_decides_twice)
{
    const struct check_case *c = &pick_cases[_i];
    struct json_error error = {0};
    size_t open;
    bool empty;

    ck_assert_msg(pick(c->text, &open, &empty, &error) == c->good, "%.*s", SPAN_ARG(c->text));
    if (!c->good)
        ck_assert_uint_eq(error.offset, c->offset);
}

END_TEST

START_TEST(walk_gives_members_and_items)
{
    struct json_error error;
    struct json_value value, item;
    struct span key;
    struct json_walk walk;
    uint64_t sum = 0, number;

    ck_assert(
        json_check(SPAN("{\"a\":[1, 20 ,300],\"b\":\"x\\\"}\",\"c\":{}}"), &value, &error));
    walk = json_walk(json_member(value, SPAN("a")));
    while (json_next(&walk, &key, &item)) {
        ck_assert(!key.ptr);
        ck_assert(json_u64(item, &number));
        sum += number;
    }
    ck_assert_uint_eq(sum, 321);
    ck_assert(json_member(value, SPAN("b")).kind == JSON_STRING);
    ck_assert(json_text_eq(json_member(value, SPAN("b")), SPAN("x\"}")));
    ck_assert(json_member(value, SPAN("c")).kind == JSON_OBJECT);
    ck_assert(json_member(value, SPAN("d")).kind == JSON_ABSENT);
    ck_assert(json_member(item, SPAN("d")).kind == JSON_ABSENT);
}

END_TEST

static const struct {
    struct span raw, text;
} text_cases[] = {
    {SPAN("\"\""), SPAN("")},
    {SPAN("\"plain\""), SPAN("plain")},
    {SPAN("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SPAN("\"\\/\b\f\n\r\t")},
    {SPAN("\"a\\u0000b\""), SPAN("a\0b")},
    {SPAN("\"\\u00e9\\u20AC\""), SPAN("\xc3\xa9\xe2\x82\xac")},
    {SPAN("\"\\ud83d\\ude00!\""), SPAN("\xf0\x9f\x98\x80!")},
    {SPAN("\"\\ud83d\""), SPAN("\xef\xbf\xbd")},
    {SPAN("\"\\ude00\\ud83d\""), SPAN("\xef\xbf\xbd\xef\xbf\xbd")},
    {SPAN("\"\\ud83d\\u0041\""), SPAN("\xef\xbf\xbd"
                                      "A")},
    {SPAN("\"\\ud83dx\""), SPAN("\xef\xbf\xbdx")},
};

START_TEST(text_is_decoded_and_compared_decoded)
{
    struct json_value value;
    struct json_error error;
    struct arena arena;
    struct span text, inside;

    arena_init(&arena, 0);
    ck_assert(json_check(text_cases[_i].raw, &value, &error));
    text = json_text(value, &arena);
    ck_assert(span_eq(text, text_cases[_i].text));
    ck_assert(json_text_eq(value, text_cases[_i].text));
    ck_assert(!json_text_eq(value, SPAN("something else")));
    ck_assert(text.len == 0 || !json_text_eq(value, span_of(text.ptr, text.len - 1)));
    inside = span_of(value.raw.ptr + 1, value.raw.len - 2);
    ck_assert(json_text_eq(value, inside) == span_eq(text, inside)); /* escapes are no text */
    arena_done(&arena);
}

END_TEST

/* Texts are looked at in blocks: what must be escaped is found at every place of every length.
 */
START_TEST(a_text_is_quoted_whatever_stands_where)
{
    static const struct {
        char byte;
        struct span written;
    } specials[] = {
        {'"', {"\\\"", 2}}, {'\\', {"\\\\", 2}}, {'\n', {"\\n", 2}}, {1, {"\\u0001", 6}}};

    char text[40], expected[50];

    for (size_t len = 0; len <= sizeof(text); len++) {
        for (size_t i = 0; i <= len * ARRAY_LEN(specials); i++) {
            size_t at = i / ARRAY_LEN(specials), kind = i % ARRAY_LEN(specials);
            struct span written = at < len ? specials[kind].written : SPAN("");
            size_t rest = at < len ? len - at - 1 : 0;
            struct buffer out _buffer_;

            memset(text, 'a', len);
            memset(expected, 'a', sizeof(expected));
            if (at < len)
                text[at] = specials[kind].byte;
            expected[0] = '"';
            memcpy(expected + 1 + at, written.ptr, written.len);
            expected[1 + at + written.len + rest] = '"';
            buffer_init(&out, 100);
            ck_assert(json_append_quoted(&out, span_of(text, len)));
            ck_assert(
                span_eq(buffer_span(&out), span_of(expected, 2 + at + written.len + rest)));
        }
    }
}

END_TEST

START_TEST(a_list_stays_one_whatever_does_not_fit)
{
    struct buffer list _buffer_, small _buffer_;

    buffer_init(&list, 100);
    ck_assert(!json_list_add(&list, SPAN("\"too long\""), 11));
    ck_assert_uint_eq(list.len, 0);
    ck_assert(json_list_add(&list, SPAN("\"exactly\""), 11));
    ck_assert(!json_list_add(&list, SPAN("1"), 12));
    ck_assert(json_list_add(&list, SPAN("1"), 13));
    ck_assert(!json_list_add(&list, span_of("", SIZE_MAX - 4), 100));
    ck_assert(span_eq(buffer_span(&list), SPAN("[\"exactly\",1]")));
    buffer_init(&small, 5);
    ck_assert(json_list_add(&small, SPAN("{}"), 100));
    ck_assert(!json_list_add(&small, SPAN("{}"), 100));
    ck_assert(span_eq(buffer_span(&small), SPAN("[{}]")));
}

END_TEST

START_TEST(names_that_the_program_chose_stand_as_others_do)
{
    struct buffer chosen _buffer_;
    struct json_writer json;

    buffer_init(&chosen, 200);
    json_write_init(&json, &chosen);
    json_write_object(&json);
    json_write_named_text(&json, JSON_NAME("a"), SPAN("x\"y"));
    json_write_named_u64(&json, JSON_NAME("b"), 7);
    json_write_name(&json, JSON_NAME("c"));
    json_write_object(&json);
    json_write_named_bool(&json, JSON_NAME("d"), true);
    json_write_object_end(&json);
    json_write_member_u64(&json, SPAN("e"), 8);
    json_write_object_end(&json);
    ck_assert(span_eq(buffer_span(&chosen),
                      SPAN("{\"a\":\"x\\\"y\",\"b\":7,\"c\":{\"d\":true},\"e\":8}")));
}

END_TEST

START_TEST(integers_are_read_only_when_they_are)
{
    static const struct {
        struct span text;
        bool good;
        uint64_t number;
    } cases[] = {
        {SPAN("0"), true, 0},
        {SPAN("18446744073709551615"), true, UINT64_MAX},
        {SPAN("18446744073709551616"), false, 0},
        {SPAN("-1"), false, 0},
        {SPAN("1.0"), false, 0},
        {SPAN("1e3"), false, 0},
        {SPAN("\"1\""), false, 0},
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_value value;
        struct json_error error;
        uint64_t number = 0;

        ck_assert(json_check(cases[i].text, &value, &error));
        ck_assert(json_u64(value, &number) == cases[i].good);
        ck_assert_uint_eq(number, cases[i].number);
    }
}

END_TEST

static const struct {
    struct span text;
    const char *value; /* NULL: nothing is found */
} tap_cases[] = {
    {SPAN("{\"usage\":{\"a\":[1,{}],\"b\":\"}\\\"\"}}"), "{\"a\":[1,{}],\"b\":\"}\\\"\"}"},
    {SPAN(" { \"x\" : {\"usage\":1} , \"usage\" : 17 , \"y\":2}"), "17"},
    {SPAN("{\"usage\":null,\"usage\":2}"), "2"},
    {SPAN("{\"usages\":1,\"usag\":2,\"\\u0075sage\":3}"), NULL},
    {SPAN("{\"u\\\"sage\":1,\"usage\":\"x\"}"), "\"x\""},
    {SPAN("{\"usage\":1"), NULL},
    {SPAN("{\"usage\":nonsense}"), NULL},
    {SPAN("[{\"usage\":1}]"), NULL},
    {SPAN("data: x"), NULL},
    {SPAN("{\"usage\" 1}"), NULL},
    {SPAN(""), NULL},
};

#define TAP_BYTES 2048

START_TEST(tap_finds_the_member_at_every_cut)
{
    struct span text = tap_cases[_i].text;

    for (size_t cut = 0; cut <= text.len; cut++) {
        struct json_tap tap;
        struct arena arena;
        struct json_value value;

        arena_init(&arena, 0);
        json_tap_init(&tap);
        json_tap_want(&tap, 1, SPAN("usage"), TAP_BYTES);
        json_tap_feed(&tap, span_of(text.ptr, cut), &arena);
        json_tap_feed(&tap, span_skip(text, cut), &arena);
        value = json_tap_value(&tap, 1);
        if (tap_cases[_i].value)
            ck_assert(span_eq(value.raw, span_of_text(tap_cases[_i].value)));
        else
            ck_assert(value.kind == JSON_ABSENT);
        arena_done(&arena);
    }
}

END_TEST

START_TEST(tap_finds_several_members_in_one_pass)
{
    struct span text = SPAN("{\"id\":\"a\",\"usage_of_none\":1,\"service_tier_\":2,\"\":3,"
                            "\"service_tier\":\"flex\",\"x\":{\"usage\":4},\"usage\":{\"n\":5},"
                            "\"service\\u005ftier\":6,\"id\":\"b\"}");

    for (size_t cut = 0; cut <= text.len; cut++) {
        struct json_tap tap;
        struct arena arena;

        arena_init(&arena, 0);
        json_tap_init(&tap);
        json_tap_want(&tap, 0, SPAN("service_tier"), 6);
        json_tap_want(&tap, 1, SPAN("usage"), 7);
        json_tap_want(&tap, 2, SPAN("id"), 2); /* too long: not kept */
        json_tap_feed(&tap, span_of(text.ptr, cut), &arena);
        json_tap_feed(&tap, span_skip(text, cut), &arena);
        ck_assert(span_eq(json_tap_value(&tap, 0).raw, SPAN("\"flex\"")));
        ck_assert(span_eq(json_tap_value(&tap, 1).raw, SPAN("{\"n\":5}")));
        ck_assert(json_tap_value(&tap, 2).kind == JSON_ABSENT);
        json_tap_init(&tap);
        json_tap_want(&tap, 2, SPAN("id"), 3);
        json_tap_feed(&tap, text, &arena);
        ck_assert(span_eq(json_tap_value(&tap, 2).raw, SPAN("\"b\"")));
        ck_assert(json_tap_value(&tap, 0).kind == JSON_ABSENT);
        arena_done(&arena);
    }
}

END_TEST

/* A text of LEN bytes, quotes left out, that comes byte by byte. */
static size_t tapped_bytes(size_t len)
{
    struct json_tap tap;
    struct arena arena;
    struct span value;
    size_t kept;

    arena_init(&arena, 0);
    json_tap_init(&tap);
    json_tap_want(&tap, 0, SPAN("u"), TAP_BYTES);
    json_tap_feed(&tap, SPAN("{\"u\":\""), &arena);
    for (size_t i = 0; i < len; i++)
        json_tap_feed(&tap, span_of(&"0123456789"[i % 10], 1), &arena);
    json_tap_feed(&tap, SPAN("\",\"v\":1}"), &arena);
    value = json_tap_value(&tap, 0).raw;
    for (size_t i = 1; i + 1 < value.len; i++)
        ck_assert_int_eq(value.ptr[i], '0' + (int)((i - 1) % 10));
    kept = value.len;
    arena_done(&arena);
    return kept;
}

START_TEST(tap_drops_a_value_that_is_too_long)
{
    for (size_t len = 0; len + 2 <= TAP_BYTES; len += 13)
        ck_assert_uint_eq(tapped_bytes(len), len + 2);
    ck_assert_uint_eq(tapped_bytes(TAP_BYTES - 2), TAP_BYTES);
    ck_assert_uint_eq(tapped_bytes(TAP_BYTES - 1), 0);
    ck_assert_uint_eq(tapped_bytes(TAP_BYTES + 64), 0);
}

END_TEST

static void check_file(const char *folder, const char *name)
{
    static char bytes[1 << 20];
    char path[4096];
    FILE *file;
    struct json_value value;
    struct json_error error;
    size_t count;
    char *exact;
    bool good;

    (void)snprintf(path, sizeof(path), "%s/json/test_parsing/%s", folder, name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    count = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    exact = malloc(count + (count == 0));
    memcpy(exact, bytes, count);
    good = json_check(span_of(exact, count), &value, &error);
    free(exact);
    ck_assert_msg(name[0] == 'i' || good == (name[0] == 'y'), "%s", name);
}

/* The public JSONTestSuite, when AIGW_VECTORS names the folder that holds it. */
START_TEST(json_test_suite_agrees)
{
    const char *folder = getenv("AIGW_VECTORS");
    char path[4096];
    unsigned count = 0;
    DIR *files;

    if (!folder)
        return;
    (void)snprintf(path, sizeof(path), "%s/json/test_parsing", folder);
    files = opendir(path);
    ck_assert_msg(files != NULL, "%s", path);
    for (struct dirent *file = readdir(files); file; file = readdir(files)) {
        if (!strstr(file->d_name, ".json"))
            continue;
        check_file(folder, file->d_name);
        count++;
    }
    (void)closedir(files);
    ck_assert_uint_gt(count, 300);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, json_check_accepts_and_refuses_at_the_right_byte, 0,
                        (int)ARRAY_LEN(check_cases));
    tcase_add_test(tests, every_prefix_of_a_good_text_is_refused);
    tcase_add_test(tests, depth_is_limited);
    tcase_add_test(tests, a_text_is_quoted_whatever_stands_where);
    tcase_add_test(tests, pick_gives_the_wanted_members_in_place);
    tcase_add_test(tests, pick_of_an_empty_object_finds_nothing);
    tcase_add_loop_test(tests, pick_refuses_what_decides_twice, 0, (int)ARRAY_LEN(pick_cases));
    tcase_add_test(tests, walk_gives_members_and_items);
    tcase_add_loop_test(tests, text_is_decoded_and_compared_decoded, 0,
                        (int)ARRAY_LEN(text_cases));
    tcase_add_test(tests, integers_are_read_only_when_they_are);
    tcase_add_loop_test(tests, tap_finds_the_member_at_every_cut, 0, (int)ARRAY_LEN(tap_cases));
    tcase_add_test(tests, a_list_stays_one_whatever_does_not_fit);
    tcase_add_test(tests, names_that_the_program_chose_stand_as_others_do);
    tcase_add_test(tests, tap_finds_several_members_in_one_pass);
    tcase_add_test(tests, tap_drops_a_value_that_is_too_long);
    tcase_add_test(tests, json_test_suite_agrees);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
