#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/journal/journal.h"

#include "tests/support/folder.h"

static char folder[FOLDER_BYTES];
static uint64_t numbers;

static uint64_t next_number(void *who)
{
    (void)who;
    return ++numbers;
}

static void begin(struct journal *journal)
{
    folder_make(folder, "journal");
    numbers = 0;
    ck_assert_int_eq(journal_open(journal, span_of_text(folder), next_number, NULL), 0);
}

static void clean(void)
{
    char path[128];

    for (uint64_t i = 1; i <= numbers; i++) {
        (void)snprintf(path, sizeof(path), "%s/journal/%016lx.journal", folder, i);
        (void)unlink(path);
        (void)snprintf(path, sizeof(path), "%s/journal/%016lx.done", folder, i);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof(path), "%s/journal", folder);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Records in file NUMBER, or -1 when there is no such file. */
static int count_records(uint64_t number, const char *ending)
{
    static char bytes[1 << 20];
    char path[128];
    int count = 0;

    (void)snprintf(path, sizeof(path), "%s/journal/%016lx.%s", folder, number, ending);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    struct span rest = span_of(bytes, (size_t)read(fd, bytes, sizeof(bytes)));
    struct usage_record record;
    size_t size;

    (void)close(fd);
    while (rest.len > 0 && record_read(rest, &record, &size) == RECORD_OK) {
        count++;
        rest = span_skip(rest, size);
    }
    ck_assert_uint_eq(rest.len, 0);
    return count;
}

static const struct usage_record sample = {.request_id = SPAN("req-1"), .status = 200};

START_TEST(records_are_in_the_file_after_a_flush)
{
    struct journal journal;

    begin(&journal);
    journal_append(&journal, &sample);
    journal_append(&journal, &sample);
    ck_assert_int_eq(count_records(1, "journal"), 0);
    ck_assert_int_eq(journal_flush(&journal), 0);
    ck_assert_int_eq(count_records(1, "journal"), 2);
    journal_close(&journal);
    ck_assert_int_eq(count_records(1, "journal"), -1);
    ck_assert_int_eq(count_records(1, "done"), 2);
    clean();
}

END_TEST

START_TEST(a_living_writer_holds_the_lock)
{
    struct journal journal;
    char path[128];

    begin(&journal);
    (void)snprintf(path, sizeof(path), "%s/journal/%016x.journal", folder, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
    journal_close(&journal);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    (void)close(fd);
    clean();
}

END_TEST

START_TEST(a_full_file_is_ended_and_a_new_one_begun)
{
    struct journal journal;

    begin(&journal);
    journal_append(&journal, &sample);
    journal.file_bytes = JOURNAL_FILE_BYTES - 1;
    ck_assert_int_eq(journal_flush(&journal), 0);
    ck_assert_int_eq(count_records(1, "done"), 1);
    journal_append(&journal, &sample);
    ck_assert_int_eq(journal_flush(&journal), 0);
    ck_assert_int_eq(count_records(2, "journal"), 1);
    ck_assert_uint_eq(journal.number, 2);
    journal_close(&journal);
    clean();
}

END_TEST

START_TEST(a_number_that_is_taken_is_passed_over)
{
    struct journal first;
    struct journal second;

    begin(&first);
    numbers = 0;
    ck_assert_int_eq(journal_open(&second, span_of_text(folder), next_number, NULL), 0);
    ck_assert_uint_eq(second.number, 2);
    journal_close(&second);
    numbers = 1;
    ck_assert_int_eq(journal_open(&second, span_of_text(folder), next_number, NULL), 0);
    ck_assert_uint_eq(second.number, 3);
    journal_close(&first);
    journal_close(&second);
    clean();
}

END_TEST

/* A file may grow to 100 bytes only: the third record is cut, as on a full disk. */
START_TEST(a_full_disk_keeps_records_and_their_order)
{
    struct rlimit before;
    struct journal journal;

    begin(&journal);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = {100, before.rlim_max};

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
    for (int i = 0; i < 10; i++)
        journal_append(&journal, &sample);
    ck_assert_int_eq(journal_flush(&journal), -EFBIG);
    ck_assert_int_eq(journal_flush(&journal), -EFBIG);
    ck_assert_uint_eq(journal.failures, 2);
    ck_assert_int_eq(journal.last_error, -EFBIG);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(journal_flush(&journal), 0);
    ck_assert_int_eq(journal.last_error, 0);
    ck_assert_uint_eq(journal.lost, 0);
    ck_assert_int_eq(count_records(1, "journal"), 10);
    journal_close(&journal);
    clean();
}

END_TEST

START_TEST(records_beyond_what_is_kept_are_counted_as_lost)
{
    struct journal journal;

    begin(&journal);
    journal.waiting.limit_bytes = 64;
    for (int i = 0; i < 10; i++)
        journal_append(&journal, &sample);
    ck_assert_uint_gt(journal.lost, 0);
    ck_assert_int_eq(journal_flush(&journal), 0);
    ck_assert_int_eq(count_records(1, "journal"), 10 - (int)journal.lost);
    journal_append(&journal, &sample);
    journal_close(&journal);
    clean();
}

END_TEST

START_TEST(a_folder_that_cannot_be_made_is_said)
{
    struct journal journal;

    ck_assert_int_eq(journal_open(&journal, SPAN("/proc/nowhere"), next_number, NULL), -ENOENT);
    journal_close(&journal);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tests = tcase_create("journal");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, records_are_in_the_file_after_a_flush);
    tcase_add_test(tests, a_living_writer_holds_the_lock);
    tcase_add_test(tests, a_full_file_is_ended_and_a_new_one_begun);
    tcase_add_test(tests, a_number_that_is_taken_is_passed_over);
    tcase_add_test(tests, a_full_disk_keeps_records_and_their_order);
    tcase_add_test(tests, records_beyond_what_is_kept_are_counted_as_lost);
    tcase_add_test(tests, a_folder_that_cannot_be_made_is_said);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
