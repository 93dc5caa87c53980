#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/file.h"

#include "tests/support/folder.h"

#define LARGE_BYTES ((size_t)200000)

static char folder[FOLDER_BYTES], name[FOLDER_BYTES + 8];
static struct buffer out;

static void set_up(void)
{
    folder_make(folder, "file");
    (void)snprintf(name, sizeof(name), "%s/file", folder);
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&out);
    folder_remove(folder);
}

static void put(struct span bytes)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_eq(file_write(fd, bytes), 0);
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(what_was_written_is_read)
{
    static char bytes[LARGE_BYTES];
    static const size_t sizes[] = {0, 1, 65536, LARGE_BYTES};

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        buffer_clear(&out);
        put(span_of(bytes, sizes[i]));
        ck_assert_int_eq(file_read(name, &out), 0);
        ck_assert(span_eq(buffer_span(&out), span_of(bytes, sizes[i])));
    }
}

END_TEST

START_TEST(a_pipe_takes_it_in_pieces)
{
    static char bytes[LARGE_BYTES];
    int ends[2], status;
    size_t count = 0;
    ssize_t got;
    pid_t writer;

    ck_assert_int_eq(pipe(ends), 0);
    writer = fork();
    if (writer == 0) {
        (void)close(ends[0]);
        _exit(file_write(ends[1], span_of(bytes, sizeof(bytes))) == 0 ? 0 : 1);
    }
    (void)close(ends[1]);
    while ((got = read(ends[0], bytes, sizeof(bytes))) > 0)
        count += (size_t)got;
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(writer, &status, 0), writer);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(count, sizeof(bytes));
}

END_TEST

START_TEST(failures_are_told)
{
    struct buffer small;

    ck_assert_int_eq(file_read(name, &out), -ENOENT);
    ck_assert_int_eq(file_read(folder, &out), -EISDIR);
    ck_assert_int_eq(file_write(-1, SPAN("x")), -EBADF);
    put(SPAN("more than it may have"));
    buffer_init(&small, 8);
    ck_assert_int_eq(file_read(name, &small), -EFBIG);
    buffer_done(&small);
}

END_TEST

/* A pipe that nobody writes to would hold an open(2) for ever. */
START_TEST(a_pipe_without_a_writer_is_empty)
{
    ck_assert_int_eq(mkfifo(name, 0600), 0);
    ck_assert_int_eq(file_read(name, &out), 0);
    ck_assert_uint_eq(out.len, 0);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *tests = tcase_create("file");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, a_pipe_takes_it_in_pieces);
    tcase_add_test(tests, failures_are_told);
    tcase_add_test(tests, a_pipe_without_a_writer_is_empty);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
