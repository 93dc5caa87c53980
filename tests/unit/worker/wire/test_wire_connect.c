#include "tests/support/folder.h"
#include "tests/unit/worker/wire/wire_case.h"

START_TEST(connect_opens_and_sends_what_was_written_before)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    struct span early = SPAN("early");
    struct end end;
    char text[46];
    int peer;

    end_init(&end);
    ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address,
                                  NULL, SPAN_NONE),
                     0);
    wire_tune(&end.wire, 65536, 65536);
    ck_assert_int_eq(wire_write(&end.wire, &early, 1), 5);
    wire_read_start(&end.wire);
    ck_assert_int_eq(end.opened, 0);
    peer = accept(listener, NULL, NULL);
    RUN_UNTIL(end.opened && end.drained);
    ck_assert_int_eq(read(peer, text, sizeof(text)), 5);
    ck_assert(span_eq(wire_peer(&end.wire, text), SPAN("127.0.0.1")));
    ck_assert_int_eq(write(peer, "answer", 6), 6);
    RUN_UNTIL(end.received.len == 6);
    end_done(&end);
    ck_assert_int_eq(end.opened, 1);
    (void)close(peer);
    (void)close(listener);
}

END_TEST

START_TEST(connect_to_a_unix_socket_or_to_none)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[FOLDER_BYTES];
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct end end;
    char text[46];

    folder_make(folder, "wire");
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
    for (int there = 0; there < 2; there++) {
        if (there) {
            ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
            ck_assert_int_eq(listen(listener, 1), 0);
        }
        end_init(&end);
        ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address,
                                      NULL, SPAN_NONE),
                         0);
        ck_assert_int_eq(end.opened + end.failed, 0);
        RUN_UNTIL(end.opened + end.failed);
        ck_assert_int_eq(end.opened, there);
        ck_assert_int_eq(end.error, there ? 0 : -ENOENT);
        if (there)
            ck_assert(span_eq(wire_peer(&end.wire, text), SPAN("unix")));
        end_done(&end);
    }
    (void)close(listener);
    (void)unlink(address.sun_path);
    (void)rmdir(folder);
}

END_TEST

START_TEST(a_refused_connect_fails_and_may_close_in_the_event)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    struct end end;

    (void)close(listener);
    end_init(&end);
    end.on_failed = _i ? HABIT_CLOSE : HABIT_NONE;
    ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address,
                                  NULL, SPAN_NONE),
                     0);
    RUN_UNTIL(end.failed);
    ck_assert_int_eq(end.error, -ECONNREFUSED);
    ck_assert(wire_error_text(&end.wire, end.error).len > 0);
    end_done(&end);
}

END_TEST

START_TEST(a_connect_may_be_closed_before_it_is_through)
{
    struct sockaddr_in tcp;
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/s"};
    int listener = listen_loopback(&tcp);
    struct span early = SPAN("early");
    struct end end;

    end_init(&end);
    ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events,
                                  _i ? (struct sockaddr *)&local : (struct sockaddr *)&tcp,
                                  NULL, SPAN_NONE),
                     0);
    (void)wire_write(&end.wire, &early, 1);
    wire_close(&end.wire);
    end_done(&end);
    ck_assert_int_eq(end.opened + end.failed + end.drained, 0);
    (void)close(listener);
}

END_TEST

START_TEST(an_open_event_may_close)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    struct end end;

    end_init(&end);
    end.on_opened = HABIT_CLOSE;
    ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address,
                                  NULL, SPAN_NONE),
                     0);
    wire_read_start(&end.wire);
    RUN_UNTIL(end.closed);
    end_done(&end);
    (void)close(listener);
}

END_TEST

START_TEST(no_descriptor_is_an_error_that_is_returned)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    struct rlimit limit, none;
    struct end end;
    int result;

    /* Wakes up the loop's own descriptors before the limit is set. */
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    end_init(&end);
    result = wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address, NULL,
                          SPAN_NONE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(result, -EMFILE);
    ck_assert_int_eq(wire_open(&end.wire, &reactor, &events, -1, NULL), -EBADF);
    ck_assert_int_eq(wire_open(&end.wire, &reactor, &events, open("/dev/null", O_RDONLY), NULL),
                     -ENOTSOCK);
    (void)close(listener);
}

END_TEST

START_TEST(an_idle_wire_is_small)
{
    ck_assert_uint_lt(sizeof(struct wire), 400);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("wire_connect");
    TCase *wire = tcase_create("wire");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(wire, before, after);
    tcase_add_test(wire, connect_opens_and_sends_what_was_written_before);
    tcase_add_test(wire, connect_to_a_unix_socket_or_to_none);
    tcase_add_loop_test(wire, a_refused_connect_fails_and_may_close_in_the_event, 0, 2);
    tcase_add_loop_test(wire, a_connect_may_be_closed_before_it_is_through, 0, 2);
    tcase_add_test(wire, an_open_event_may_close);
    tcase_add_test(wire, no_descriptor_is_an_error_that_is_returned);
    tcase_add_test(wire, an_idle_wire_is_small);
    suite_add_tcase(suite, wire);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
