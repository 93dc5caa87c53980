#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/heritage/heritage.h"

static int ends[2];

static void before(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void after(void)
{
    for (unsigned i = 0; i < 2; i++)
        if (ends[i] >= 0)
            (void)close(ends[i]);
}

static struct heritage sample(void)
{
    return (struct heritage){.magic = HERITAGE_MAGIC,
                             .version = HERITAGE_VERSION,
                             .size = sizeof(struct heritage),
                             .role = ROLE_WORKER,
                             .slot = 3,
                             .number = 1,
                             .control_fd = 7,
                             .segment_fd = 8,
                             .snapshot_fd = 9,
                             .listener_count = 2,
                             .listeners = {10, 11},
                             .settings_path = "/etc/aigw.yaml"};
}

START_TEST(heritage_comes_back_as_it_was_and_survives_exec)
{
    struct heritage written = sample(), back;
    int fd = heritage_write(&written);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1); /* sealed */
    ck_assert_int_eq(heritage_read(fd, &back), 0);
    ck_assert_int_eq(memcmp(&written, &back, sizeof(back)), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1); /* closed */
}

END_TEST

static void other_magic(struct heritage *heritage)
{
    heritage->magic++;
}

static void other_version(struct heritage *heritage)
{
    heritage->version++;
}

static void other_size(struct heritage *heritage)
{
    heritage->size--;
}

static void unknown_role(struct heritage *heritage)
{
    heritage->role = ROLE_WORKER + 1;
}

static void too_many_listeners(struct heritage *heritage)
{
    heritage->listener_count = HERITAGE_LISTENERS + 1;
}

static void negative_listeners(struct heritage *heritage)
{
    heritage->listener_count = -1;
}

static void listener_not_there(struct heritage *heritage)
{
    heritage->listeners[1] = -1;
}

static void no_control(struct heritage *heritage)
{
    heritage->control_fd = -1;
}

static void endless_path(struct heritage *heritage)
{
    memset(heritage->settings_path, 'a', sizeof(heritage->settings_path));
}

static void (*const spoilers[])(struct heritage *heritage) = {
    other_magic,        other_version,      other_size, unknown_role, too_many_listeners,
    negative_listeners, listener_not_there, no_control, endless_path,
};

START_TEST(spoiled_heritage_is_refused)
{
    struct heritage heritage = sample(), back = {.number = 99};

    spoilers[_i](&heritage);
    ck_assert_int_eq(heritage_read(heritage_write(&heritage), &back), -EPROTO);
    ck_assert_uint_eq(back.number, 99); /* untouched */
}

END_TEST

START_TEST(what_is_no_heritage_is_refused)
{
    struct heritage back;
    int fd = memfd_create("short", MFD_CLOEXEC);

    ck_assert_int_eq(write(fd, "abc", 3), 3);
    ck_assert_int_eq(heritage_read(fd, &back), -EPROTO);
    ck_assert_int_eq(heritage_read(-1, &back), -EPROTO);
    ck_assert_int_eq(heritage_read(dup(ends[0]), &back), -EPROTO);
}

END_TEST

START_TEST(short_message_goes_over)
{
    struct control_message sent = {.kind = CONTROL_DRAIN, .delay_ms = 5, .value = 1000}, got;
    int fd = 77;

    ck_assert_int_eq(control_receive(ends[1], &got, &fd), 0);
    ck_assert_int_eq(control_send(ends[0], &sent, -1), 0);
    ck_assert_int_eq(control_receive(ends[1], &got, &fd), 1);
    ck_assert_int_eq(fd, -1);
    ck_assert_uint_eq(got.kind, CONTROL_DRAIN);
    ck_assert_uint_eq(got.value, 1000);
    ck_assert_uint_eq(got.delay_ms, 5);
}

END_TEST

START_TEST(plan_goes_over_with_its_descriptor)
{
    struct control_message sent = {
        .kind = CONTROL_PLAN, .generation = 4, .plan = {.workers = 3, .listener_count = 1}};
    struct control_message got;
    int fd = -1, given = memfd_create("snapshot", MFD_CLOEXEC);
    char byte;

    ck_assert_int_eq(write(given, "s", 1), 1);
    (void)snprintf(sent.plan.listeners[0].name, sizeof(sent.plan.listeners[0].name), "here");
    ck_assert_int_eq(control_send(ends[0], &sent, given), 0);
    ck_assert_int_eq(control_receive(ends[1], &got, &fd), 1);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 's');
    ck_assert_uint_eq(got.plan.workers, 3);
    ck_assert_str_eq(got.plan.listeners[0].name, "here");
    (void)close(fd);
    (void)close(given);
}

END_TEST

START_TEST(peer_that_is_gone_is_told)
{
    struct control_message message = {.kind = CONTROL_READY};
    int fd;

    (void)close(ends[0]);
    ends[0] = -1;
    ck_assert_int_eq(control_receive(ends[1], &message, &fd), -EPIPE);
    ck_assert_int_eq(control_send(ends[1], &message, -1), -EPIPE);
}

END_TEST

START_TEST(peer_that_does_not_read_never_blocks_the_sender)
{
    struct control_message message = {.kind = CONTROL_SNAPSHOT};
    unsigned sent = 0;
    int result;

    while ((result = control_send(ends[0], &message, -1)) == 0)
        sent++;
    ck_assert_int_eq(result, -EAGAIN);
    ck_assert_uint_gt(sent, 50); /* room for a worker that is busy for a while */
}

END_TEST

START_TEST(garbage_is_refused_and_its_descriptor_closed)
{
    static struct control_message bad[4] = {
        {.kind = CONTROL_EVENT + 1},
        {.kind = CONTROL_PLAN, .plan = {.listener_count = HERITAGE_LISTENERS + 1}},
        {.kind = CONTROL_PLAN, .plan = {.admin_count = HERITAGE_ADMIN_MAX + 1}},
        {.kind = CONTROL_PLAN,
         .plan = {.listener_count = 1, .listeners = {{.address_len = 1000}}}},
    };
    struct control_message got = {.value = 5};
    int fd = -1;

    ck_assert_int_eq(send(ends[0], &bad[_i], sizeof(bad[_i]), 0), sizeof(bad[_i]));
    ck_assert_int_eq(control_receive(ends[1], &got, &fd), -EPROTO);
    ck_assert_int_eq(send(ends[0], "ab", 2, 0), 2);
    ck_assert_int_eq(control_receive(ends[1], &got, &fd), -EPROTO);
    ck_assert_uint_eq(got.value, 5);
    ck_assert_int_eq(fd, -1);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("heritage");
    TCase *heritage_case = tcase_create("heritage");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(heritage_case, before, after);
    tcase_add_test(heritage_case, heritage_comes_back_as_it_was_and_survives_exec);
    tcase_add_loop_test(heritage_case, spoiled_heritage_is_refused, 0,
                        (int)ARRAY_LEN(spoilers));
    tcase_add_test(heritage_case, what_is_no_heritage_is_refused);
    tcase_add_test(heritage_case, short_message_goes_over);
    tcase_add_test(heritage_case, plan_goes_over_with_its_descriptor);
    tcase_add_test(heritage_case, peer_that_is_gone_is_told);
    tcase_add_test(heritage_case, peer_that_does_not_read_never_blocks_the_sender);
    tcase_add_loop_test(heritage_case, garbage_is_refused_and_its_descriptor_closed, 0, 4);
    suite_add_tcase(suite, heritage_case);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
