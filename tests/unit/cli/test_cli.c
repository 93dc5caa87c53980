#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "cli/command.h"
#include "cli/link.h"
#include "cli/pages.h"
#include "cli/place.h"
#include "cli/table.h"

#define WORDS 12

struct words_case {
    const char *words[WORDS];
    int code;
    run_command_f *run;
};

static const struct words_case cases[] = {
    {{"keys", "list"}, EXIT_OK, keys_list},
    {{"keys", "list", "-o", "json"}, EXIT_OK, keys_list},
    {{"-ojson", "keys", "list"}, EXIT_OK, keys_list},
    {{"--output=json", "keys", "list"}, EXIT_OK, keys_list},
    {{"--config", "x", "keys", "create", "--name", "n"}, EXIT_OK, keys_create},
    {{"keys", "edit", "ID", "--team", "acme/blue", "--unset", "models"}, EXIT_OK, keys_edit},
    {{"keys", "rotate", "ID", "--grace", "2s"}, EXIT_OK, keys_rotate},
    {{"keys", "get", "--", "-odd"}, EXIT_OK, keys_get},
    {{"providers", "list"}, EXIT_OK, providers_list},
    {{"providers", "keys", "list", "up"}, EXIT_OK, provider_keys_list},
    {{"providers", "keys", "remove", "up", "old"}, EXIT_OK, provider_keys_remove},
    {{"providers", "keys"}, EXIT_USAGE, NULL},
    {{"providers", "keys", "list"}, EXIT_USAGE, NULL},
    {{"providers", "keys", "nonsense"}, EXIT_USAGE, NULL},
    {{"providers", "list", "keys"}, EXIT_USAGE, NULL},
    {{"providers", "keys", "add", "up", "--api-key", "sk-x"}, EXIT_USAGE, NULL},
    {{"status"}, EXIT_OK, status_show},
    {{"help", "keys"}, EXIT_OK, help_show},
    {{"keys", "--help"}, EXIT_OK, help_show},
    {{"--help"}, EXIT_OK, help_show},
    {{NULL}, EXIT_USAGE, NULL},
    {{"nonsense"}, EXIT_USAGE, NULL},
    {{"keys"}, EXIT_USAGE, NULL},
    {{"keys", "nonsense"}, EXIT_USAGE, NULL},
    {{"keys", "revoke"}, EXIT_USAGE, NULL},
    {{"keys", "list", "too", "many"}, EXIT_USAGE, NULL},
    {{"status", "x"}, EXIT_USAGE, NULL},
    {{"keys", "create", "--nonsense"}, EXIT_USAGE, NULL},
    {{"keys", "create", "--name"}, EXIT_USAGE, NULL},
    {{"keys", "list", "--name", "x"}, EXIT_USAGE, NULL},
    {{"keys", "list", "-o", "xml"}, EXIT_USAGE, NULL},
    {{"keys", "list", "--timeout", "soon"}, EXIT_USAGE, NULL},
    {{"keys", "list", "--quiet=yes"}, EXIT_USAGE, NULL},
    {{"a", "b", "c", "d", "e", "f", "g", "h"}, EXIT_USAGE, NULL},
};

/* Copies of the words as main gets them; reading may write into them. */
static int read_words(const char *const *words, struct invocation *ret, struct buffer *reterr,
                      char copies[WORDS + 1][64])
{
    char *argv[WORDS + 2];
    int argc = 1;

    argv[0] = copies[WORDS];
    copies[WORDS][0] = 0;
    for (; argc <= WORDS && words[argc - 1]; argc++) {
        argv[argc] = copies[argc - 1];
        (void)snprintf(argv[argc], 64, "%s", words[argc - 1]);
    }
    argv[argc] = NULL;
    return command_read(argc, argv, ret, reterr);
}

START_TEST(words_become_a_command_or_a_usage_error)
{
    struct invocation invocation;
    struct buffer error;
    char copies[WORDS + 1][64];

    buffer_init(&error, 4096);
    ck_assert_int_eq(read_words(cases[_i].words, &invocation, &error, copies), cases[_i].code);
    ck_assert((error.len > 0) == (cases[_i].code != EXIT_OK));
    if (cases[_i].run)
        ck_assert(invocation.command->run == cases[_i].run);
    buffer_done(&error);
}

END_TEST

START_TEST(a_secret_is_wiped_from_the_arguments)
{
    static const char *const words[] = {"providers", "edit",      "p",
                                        "--api-key", "sk-hidden", NULL};
    struct invocation invocation;
    struct buffer error;
    char copies[WORDS + 1][64];

    buffer_init(&error, 4096);
    ck_assert_int_eq(read_words(words, &invocation, &error, copies), EXIT_OK);
    ck_assert(span_eq(invocation.options[OPTION_API_KEY], SPAN("sk-hidden")));
    ck_assert_str_eq(copies[4], "xxxxxxxxx");
    buffer_done(&error);
}

END_TEST

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
    static const struct column columns[] = {{"NAME", "name", COLUMN_TEXT},
                                            {"MODELS", "models", COLUMN_ALL_LIST},
                                            {"N", "n", COLUMN_TEXT}};
    cJSON *rows = json_tree_read(
        SPAN("[{\"name\":\"Zo\xc3\xab\",\"models\":null,\"n\":1},"
             "{\"name\":\"longer\",\"models\":[\"a\",\"b\"],\"n\":12}, {\"name\":\"\"}]"));
    struct buffer out;

    buffer_init(&out, 4096);
    table_write(rows, columns, ARRAY_LEN(columns), &out);
    ck_assert(span_eq(buffer_span(&out), SPAN("NAME    MODELS  N\n"
                                              "Zo\xc3\xab     all     1\n"
                                              "longer  a,b     12\n"
                                              "-       all     -\n")));
    cJSON_Delete(rows);
    buffer_done(&out);
}

END_TEST

START_TEST(control_bytes_do_not_reach_the_terminal)
{
    static const struct column columns[] = {{"NAME", "name", COLUMN_TEXT}};
    cJSON *rows = json_tree_read(SPAN("[{\"name\":\"a\\u001b[2Jb\"}]"));
    struct buffer out;

    buffer_init(&out, 4096);
    table_write(rows, columns, ARRAY_LEN(columns), &out);
    ck_assert(span_eq(buffer_span(&out), SPAN("NAME\na [2Jb\n")));
    cJSON_Delete(rows);
    buffer_done(&out);
}

END_TEST

struct value_case {
    struct span json;
    enum column_kind kind;
    struct span shown;
};

static const struct value_case values[] = {
    {SPAN("0"), COLUMN_TIME, SPAN("1970-01-01T00:00:00Z")},
    {SPAN("null"), COLUMN_TIME, SPAN("-")},
    {SPAN("250"), COLUMN_DURATION, SPAN("250ms")},
    {SPAN("2500"), COLUMN_DURATION, SPAN("2.5s")},
    {SPAN("7200000"), COLUMN_DURATION, SPAN("2.0h")},
    {SPAN("1500"), COLUMN_MICROSECONDS, SPAN("1.5ms")},
    {SPAN("true"), COLUMN_TEXT, SPAN("yes")},
    {SPAN("true"), COLUMN_TRUTH, SPAN("yes")},
    {SPAN("1"), COLUMN_TRUTH, SPAN("yes")},
    {SPAN("0"), COLUMN_TRUTH, SPAN("no")},
    {SPAN("false"), COLUMN_TRUTH, SPAN("no")},
    {SPAN("0"), COLUMN_ID, SPAN("-")},
    {SPAN("7"), COLUMN_ID, SPAN("7")},
    {SPAN("[]"), COLUMN_LIST, SPAN("-")},
    {SPAN("[{\"provider\":\"p\",\"model\":\"m\"}]"), COLUMN_TARGETS, SPAN("p/m")},
};

START_TEST(values_are_shown_for_people)
{
    cJSON *value = json_tree_read(values[_i].json);
    struct buffer out;

    buffer_init(&out, 4096);
    table_write_value(value, values[_i].kind, &out);
    ck_assert_msg(span_eq(buffer_span(&out), values[_i].shown), "%.*s", (int)out.len, out.ptr);
    cJSON_Delete(value);
    buffer_done(&out);
}

END_TEST

static const struct {
    struct span text, socket;
} files[] = {
    {SPAN("admin: {listen: 127.0.0.1:1, socket: /a/b.sock}\n"), SPAN("/a/b.sock")},
    {SPAN("x: 1\nadmin:\n  listen: 1\n  socket: \"a b\" # here\nstore: x\n"), SPAN("a b")},
    {SPAN("admin:\n  # socket: no\n  socket: yes.sock"), SPAN("yes.sock")},
    {SPAN("other: {socket: no}\nlisten: 1\n"), SPAN_NONE},
    {SPAN(""), SPAN_NONE},
};

START_TEST(a_broken_file_still_names_the_socket)
{
    struct span found = place_scan_socket(files[_i].text);

    ck_assert_msg(span_eq(found, files[_i].socket), "%.*s", SPAN_ARG(found));
}

END_TEST

START_TEST(every_page_names_every_command)
{
    static void (*const pages[])(struct buffer *) = {page_bash, page_zsh, page_man};
    struct buffer out;

    buffer_init(&out, 1U << 20);
    for (size_t page = 0; page < ARRAY_LEN(pages); page++) {
        buffer_clear(&out);
        pages[page](&out);
        for (unsigned i = 0; i < command_count; i++) {
            ck_assert(span_find(buffer_span(&out), span_of_text(commands[i].noun)) != SIZE_MAX);
            struct span verb = span_of_text(commands[i].verb), word;

            while (span_cut(&verb, ' ', &word))
                ck_assert(span_find(buffer_span(&out), word) != SIZE_MAX);
        }
    }
    buffer_done(&out);
}

END_TEST

START_TEST(path_segments_are_escaped)
{
    struct buffer out;

    buffer_init(&out, 256);
    append_segment(&out, SPAN("a/b ?\xc3\xa4-._~"));
    ck_assert(span_eq(buffer_span(&out), SPAN("a%2Fb%20%3F%C3%A4-._~")));
    buffer_done(&out);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *text = tcase_create("words and tables");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(text, words_become_a_command_or_a_usage_error, 0, ARRAY_LEN(cases));
    tcase_add_test(text, a_secret_is_wiped_from_the_arguments);
    tcase_add_test(text, columns_are_as_wide_as_their_widest_cell);
    tcase_add_test(text, control_bytes_do_not_reach_the_terminal);
    tcase_add_loop_test(text, values_are_shown_for_people, 0, ARRAY_LEN(values));
    tcase_add_loop_test(text, a_broken_file_still_names_the_socket, 0, ARRAY_LEN(files));
    tcase_add_test(text, every_page_names_every_command);
    tcase_add_test(text, path_segments_are_escaped);
    suite_add_tcase(suite, text);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
