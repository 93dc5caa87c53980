#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/kept/kept.h"

#include "tests/support/folder.h"

#define NOW 1700000000

static char folder[FOLDER_BYTES];
static struct kept kept;
static struct buffer out;

static void set_up(void)
{
    folder_make(folder, "kept");
    ck_assert_int_eq(kept_open(&kept, span_of_text(folder)), 0);
    buffer_init(&out, KEPT_FILE_BYTES);
}

static void tear_down(void)
{
    buffer_done(&out);
    kept_close(&kept);
    folder_remove(folder);
}

static int put(const char *name, size_t size)
{
    static const char bytes[4096] = {'x'};

    return kept_put(&kept, span_of_text(name), span_of(bytes, size));
}

static bool there(const char *name)
{
    buffer_clear(&out);
    return kept_get(&kept, span_of_text(name), &out) == 0;
}

/* As if NAME had been written AGE seconds before NOW. */
static void put_aged(const char *name, size_t size, int64_t age)
{
    struct timespec times[2] = {{.tv_sec = NOW - age}, {.tv_sec = NOW - age}};
    char path[KEPT_NAME_BYTES + 8];
    int folders = 0;

    ck_assert_int_eq(put(name, size), 0);
    for (unsigned i = 0; i < 256; i++) {
        (void)snprintf(path, sizeof(path), "%02x/%s", i, name);
        folders += utimensat(kept.folder_fd, path, times, 0) == 0;
    }
    ck_assert_int_eq(folders, 1);
}

START_TEST(another_worker_finds_what_was_put)
{
    struct kept other;

    ck_assert_int_eq(kept_put(&kept, SPAN("resp_1"), SPAN("{\"a\":1}")), 0);
    ck_assert_int_eq(kept_open(&other, span_of_text(folder)), 0);
    ck_assert_int_eq(kept_get(&other, SPAN("resp_1"), &out), 0);
    ck_assert(span_eq(buffer_span(&out), SPAN("{\"a\":1}")));
    ck_assert_int_eq(kept_remove(&other, SPAN("resp_1")), 0);
    kept_close(&other);
    ck_assert(!there("resp_1"));
    ck_assert_int_eq(kept_remove(&kept, SPAN("resp_1")), -ENOENT);
}

END_TEST

static const char *const bad_names[] = {
    "",
    "..",
    ".",
    "a/b",
    "../resp_1",
    "resp_1.part",
    "a b",
    "a%2f",
    "\xc3\xa9",
    ("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
     "456"),
};

START_TEST(a_name_never_leaves_the_folder)
{
    ck_assert_int_eq(put(bad_names[_i], 1), -EINVAL);
    ck_assert_int_eq(kept_get(&kept, span_of_text(bad_names[_i]), &out), -EINVAL);
    ck_assert_int_eq(kept_remove(&kept, span_of_text(bad_names[_i])), -EINVAL);
}

END_TEST

START_TEST(a_file_over_the_limit_is_refused_and_leaves_nothing)
{
    struct kept_limits limits = {.lifetime_seconds = 100, .bytes = 1000};
    struct kept_swept swept;

    ck_assert_int_eq(kept_put(&kept, SPAN("a"), span_of(folder, KEPT_FILE_BYTES + 1)), -EFBIG);
    ck_assert_int_eq(kept_sweep(&kept, NOW, &limits, &swept), 0);
    ck_assert_uint_eq(swept.left, 0);
}

END_TEST

START_TEST(a_reader_with_less_room_is_told)
{
    struct buffer small;

    ck_assert_int_eq(put("a", 100), 0);
    buffer_init(&small, 50);
    ck_assert_int_eq(kept_get(&kept, SPAN("a"), &small), -EFBIG);
    buffer_done(&small);
}

END_TEST

START_TEST(what_is_past_its_lifetime_is_swept)
{
    struct kept_limits limits = {.lifetime_seconds = 100, .bytes = 1000};
    struct kept_swept swept;

    put_aged("young", 10, 99);
    put_aged("old", 10, 100);
    put_aged("older", 10, 100000);
    put_aged("of-tomorrow", 10, -100);
    ck_assert_int_eq(kept_sweep(&kept, NOW, &limits, &swept), 0);
    ck_assert_uint_eq(swept.removed, 2);
    ck_assert_uint_eq(swept.left, 2);
    ck_assert_uint_eq(swept.left_bytes, 20);
    ck_assert(there("young") && there("of-tomorrow") && !there("old") && !there("older"));
}

END_TEST

START_TEST(the_oldest_go_when_there_is_too_much)
{
    struct kept_limits limits = {.lifetime_seconds = 6400, .bytes = 250};
    struct kept_swept swept;

    put_aged("a", 100, 10);
    put_aged("b", 100, 1000);
    put_aged("c", 100, 3000);
    put_aged("d", 100, 6000);
    ck_assert_int_eq(kept_sweep(&kept, NOW, &limits, &swept), 0);
    ck_assert_uint_eq(swept.removed, 2);
    ck_assert_uint_eq(swept.left_bytes, 200);
    ck_assert(there("a") && there("b") && !there("c") && !there("d"));
}

END_TEST

START_TEST(of_files_as_old_as_each_other_no_more_go_than_must)
{
    struct kept_limits limits = {.lifetime_seconds = 6400, .bytes = 250};
    struct kept_swept swept;

    put_aged("a", 100, 10);
    put_aged("b", 100, 10);
    put_aged("c", 100, 10);
    put_aged("d", 100, 200);
    ck_assert_int_eq(kept_sweep(&kept, NOW, &limits, &swept), 0);
    ck_assert_uint_eq(swept.removed, 2);
    ck_assert_uint_eq(swept.left, 2);
    ck_assert(!there("d"));
}

END_TEST

START_TEST(what_a_killed_worker_left_is_swept_and_never_read)
{
    struct kept_limits limits = {.lifetime_seconds = 100, .bytes = 1000};
    struct kept_swept swept;
    int fd;

    ck_assert_int_eq(mkdirat(kept.folder_fd, "00", 0700), 0);
    fd = openat(kept.folder_fd, "00/resp_9.part", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert(!there("resp_9"));
    ck_assert_int_eq(kept_sweep(&kept, (int64_t)1 << 40, &limits, &swept), 0);
    ck_assert_uint_eq(swept.removed, 1);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("kept");
    TCase *tests = tcase_create("kept");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, another_worker_finds_what_was_put);
    tcase_add_loop_test(tests, a_name_never_leaves_the_folder, 0,
                        (int)(sizeof(bad_names) / sizeof(bad_names[0])));
    tcase_add_test(tests, a_file_over_the_limit_is_refused_and_leaves_nothing);
    tcase_add_test(tests, a_reader_with_less_room_is_told);
    tcase_add_test(tests, what_is_past_its_lifetime_is_swept);
    tcase_add_test(tests, the_oldest_go_when_there_is_too_much);
    tcase_add_test(tests, of_files_as_old_as_each_other_no_more_go_than_must);
    tcase_add_test(tests, what_a_killed_worker_left_is_swept_and_never_read);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
