#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "worker/log/sink.h"

static char folder[FOLDER_BYTES], name[96], moved[96];
static struct sink sink;

static void set_up(void)
{
    folder_make(folder, "sink");
    (void)snprintf(name, sizeof(name), "%s/access", folder);
    (void)snprintf(moved, sizeof(moved), "%s/access.1", folder);
    sink = (struct sink){.lost = 0};
}

static void tear_down(void)
{
    ck_assert_int_eq(sink_open(&sink, NULL), 0);
    buffer_done(&sink.waiting);
    (void)unlink(name);
    (void)unlink(moved);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void line(const char *text)
{
    struct buffer *place = sink_line(&sink);

    ck_assert_ptr_nonnull(place);
    ck_assert(buffer_append(place, span_of_text(text)));
    sink_line_end(&sink);
}

static void holds(const char *file, const char *expected)
{
    char text[1000] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
    (void)close(fd);
    ck_assert_str_eq(text, expected);
}

START_TEST(lines_of_one_turn_go_out_together)
{
    ck_assert_int_eq(sink_open(&sink, name), 0);
    line("one");
    line("two");
    holds(name, "");
    sink_flush(&sink);
    holds(name, "one\ntwo\n");
    sink_flush(&sink);
    line("three");
    sink_flush(&sink);
    holds(name, "one\ntwo\nthree\n");
    ck_assert_uint_eq(sink.lost, 0);
}

END_TEST

START_TEST(a_sink_that_is_off_gives_no_place)
{
    ck_assert_int_eq(sink_open(&sink, NULL), 0);
    ck_assert_ptr_null(sink_line(&sink));
    sink_flush(&sink);
    ck_assert_int_eq(sink_open(&sink, name), 0);
    line("on");
    ck_assert_int_eq(sink_open(&sink, NULL), 0);
    ck_assert_ptr_null(sink_line(&sink));
    holds(name, "on\n");
}

END_TEST

START_TEST(opening_again_lets_a_rotated_file_go)
{
    ck_assert_int_eq(sink_open(&sink, name), 0);
    line("old");
    ck_assert_int_eq(rename(name, moved), 0);
    line("still old");
    ck_assert_int_eq(sink_open(&sink, name), 0);
    line("new");
    sink_flush(&sink);
    holds(moved, "old\nstill old\n");
    holds(name, "new\n");
}

END_TEST

START_TEST(what_cannot_be_opened_leaves_what_is)
{
    char nowhere[128];

    (void)snprintf(nowhere, sizeof(nowhere), "%s/none/access", folder);
    ck_assert_int_eq(sink_open(&sink, nowhere), -ENOENT);
    ck_assert_ptr_null(sink_line(&sink));
    ck_assert_int_eq(sink_open(&sink, name), 0);
    ck_assert_int_eq(sink_open(&sink, nowhere), -ENOENT);
    line("here");
    sink_flush(&sink);
    holds(name, "here\n");
}

END_TEST

START_TEST(several_writers_append_whole_lines)
{
    struct sink other = {.lost = 0};
    struct sink first;

    ck_assert_int_eq(sink_open(&sink, name), 0);
    ck_assert_int_eq(sink_open(&other, name), 0);
    line("1a");
    first = sink;
    sink = other;
    line("2a");
    sink_flush(&sink);
    other = sink;
    sink = first;
    line("1b");
    sink_flush(&sink);
    ck_assert_int_eq(sink_open(&other, NULL), 0);
    buffer_done(&other.waiting);
    holds(name, "2a\n1a\n1b\n");
}

END_TEST

START_TEST(much_in_one_turn_goes_out_early)
{
    struct stat about;

    ck_assert_int_eq(sink_open(&sink, name), 0);
    for (unsigned i = 0; i < 20000; i++)
        line("twenty bytes of text");
    ck_assert_int_eq(stat(name, &about), 0);
    ck_assert_int_gt(about.st_size, 300000);
    ck_assert_uint_lt(sink.waiting.len, 70000);
    sink_flush(&sink);
    ck_assert_int_eq(stat(name, &about), 0);
    ck_assert_int_eq(about.st_size, 21 * 20000);
    ck_assert_uint_eq(about.st_mode & 0027, 0); /* nobody else reads it */
}

END_TEST

START_TEST(a_line_that_is_too_long_is_lost_alone)
{
    struct buffer *place;

    ck_assert_int_eq(sink_open(&sink, name), 0);
    line("before");
    place = sink_line(&sink);
    ck_assert(buffer_append(place, SPAN("begins ")));
    for (unsigned i = 0; i < SINK_BYTES / 8; i++)
        (void)buffer_append(place, SPAN("too long"));
    ck_assert(place->failed);
    sink_line_end(&sink);
    line("after");
    sink_flush(&sink);
    holds(name, "before\nafter\n");
    ck_assert_uint_eq(sink.lost, 1);
}

END_TEST

START_TEST(a_full_disk_loses_lines_and_counts_them)
{
    ck_assert_int_eq(sink_open(&sink, "/dev/full"), 0);
    line("one");
    line("two");
    sink_flush(&sink);
    ck_assert_uint_eq(sink.lost, 2);
    ck_assert_uint_eq(sink.waiting.len, 0);
    line("three");
    sink_flush(&sink);
    ck_assert_uint_eq(sink.lost, 3);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("sink");
    TCase *tests = tcase_create("sink");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, lines_of_one_turn_go_out_together);
    tcase_add_test(tests, a_sink_that_is_off_gives_no_place);
    tcase_add_test(tests, opening_again_lets_a_rotated_file_go);
    tcase_add_test(tests, what_cannot_be_opened_leaves_what_is);
    tcase_add_test(tests, several_writers_append_whole_lines);
    tcase_add_test(tests, much_in_one_turn_goes_out_early);
    tcase_add_test(tests, a_line_that_is_too_long_is_lost_alone);
    tcase_add_test(tests, a_full_disk_loses_lines_and_counts_them);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
