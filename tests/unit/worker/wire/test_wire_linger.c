#include "tests/unit/worker/wire/wire_case.h"

/* A client that sends a large body, and reads the early answer only when it is through. */
START_TEST(lingering_saves_the_answer_while_the_peer_still_sends)
{
    struct end end;
    int peer = open_tcp(&end);
    struct span answer = SPAN("413");
    char text[8] = "";

    wire_read_start(&end.wire);
    end.on_received = HABIT_STOP;
    ck_assert_int_eq(write(peer, "one", 3), 3);
    RUN_UNTIL(end.received.len == 3);
    ck_assert_int_eq(write(peer, "unread", 6), 6);
    ck_assert_int_eq(wire_write(&end.wire, &answer, 1), 0);
    wire_close_lingering(&end.wire);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(end.closed, 0);
    ck_assert_int_eq(write(peer, "more", 4), 4);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(read(peer, text, 4), 3);
    ck_assert_str_eq(text, "413");
    ck_assert_int_eq(read(peer, text, 4), 0);
    (void)close(peer);
    RUN_UNTIL(end.closed);
    ck_assert_uint_eq(end.received.len, 3);
    ck_assert_int_eq(end.ended, 0);
    end_done(&end);
}

END_TEST

START_TEST(lingering_ends_by_time_by_bytes_or_by_force)
{
    struct end end;
    int peer = open_tcp(&end);
    char *bytes = bulk();
    uint64_t began_ms = reactor_now_ms(&reactor);

    wire_close_lingering(&end.wire);
    ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    if (_i == 2)
        wire_close(&end.wire);
    while (!end.closed) {
        if (_i == 1)
            ck_assert_int_ne(send(peer, bytes, REACTOR_READ_BYTES, MSG_NOSIGNAL), 0);
        (void)uv_run(&reactor.loop, UV_RUN_ONCE);
    }
    if (_i == 0)
        ck_assert_uint_ge(reactor_now_ms(&reactor) - began_ms, WIRE_LINGER_MS);
    else
        ck_assert_uint_lt(reactor_now_ms(&reactor) - began_ms, WIRE_LINGER_MS);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(lingering_first_sends_what_is_pending)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);
    struct buffer got;

    buffer_init(&got, BULK_BYTES);
    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    wire_close_lingering(&end.wire);
    while (take(peer, &got))
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(got.len, BULK_BYTES);
    (void)close(peer);
    RUN_UNTIL(end.closed);
    ck_assert_int_eq(end.drained, 0);
    buffer_done(&got);
    memory_free(bytes);
    end_done(&end);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("wire_linger");
    TCase *wire = tcase_create("wire");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(wire, before, after);
    tcase_add_test(wire, lingering_saves_the_answer_while_the_peer_still_sends);
    tcase_add_loop_test(wire, lingering_ends_by_time_by_bytes_or_by_force, 0, 3);
    tcase_add_test(wire, lingering_first_sends_what_is_pending);
    suite_add_tcase(suite, wire);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
