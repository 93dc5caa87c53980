#include "tests/unit/worker/wire/wire_case.h"

START_TEST(bytes_go_both_ways_and_the_end_is_noticed)
{
    struct end end;
    int peer = open_pair(&end);
    char text[16];

    end.on_received = HABIT_ECHO;
    wire_read_start(&end.wire);
    ck_assert_int_eq(write(peer, "hello", 5), 5);
    RUN_UNTIL(end.received.len == 5);
    ck_assert_int_eq(read(peer, text, sizeof(text)), 5);
    ck_assert_mem_eq(text, "hello", 5);
    (void)close(peer);
    RUN_UNTIL(end.ended);
    ck_assert_int_eq(end.failed, 0);
    ck_assert_int_eq(end.opened, 0);
    end_done(&end);
    ck_assert_int_eq(end.ended, 1);
}

END_TEST

START_TEST(pieces_arrive_in_order_whatever_their_number)
{
    struct end end;
    int peer = open_pair(&end);
    struct span pieces[50];
    char expected[256], text[256];
    size_t size = 0;

    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++) {
        pieces[i] =
            span_of(&"abcdefghijklmnopqrstuvwxyz"[i % 26], i % 4 < 26 - i % 26 ? i % 4 : 0);
        if (pieces[i].len)
            memcpy(expected + size, pieces[i].ptr, pieces[i].len);
        size += pieces[i].len;
    }
    ck_assert_int_eq(wire_write(&end.wire, pieces, ARRAY_LEN(pieces)), 0);
    ck_assert_int_eq(read(peer, text, sizeof(text)), (ssize_t)size);
    ck_assert_mem_eq(text, expected, size);
    ck_assert_int_eq(wire_write(&end.wire, NULL, 0), 0);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(what_the_kernel_does_not_take_is_kept_sent_later_and_freed)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span pieces[] = {span_of(bytes, 100), span_of(bytes + 100, 0),
                            span_of(bytes + 100, BULK_BYTES / 2 - 100)};
    struct span rest = span_of(bytes + BULK_BYTES / 2, BULK_BYTES / 2);
    struct buffer got;

    buffer_init(&got, BULK_BYTES);
    ck_assert_int_gt(wire_write(&end.wire, pieces, 3), 0);
    for (; rest.len > 0; rest = span_skip(rest, 1000)) {
        struct span piece = span_of(rest.ptr, rest.len < 1000 ? rest.len : 1000);

        ck_assert_int_gt(wire_write(&end.wire, &piece, 1), 0);
    }
    ck_assert_int_eq(end.drained, 0);
    while (got.len < BULK_BYTES) {
        ck_assert(take(peer, &got));
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    }
    RUN_UNTIL(end.drained);
    ck_assert_int_eq(end.drained, 1);
    ck_assert_ptr_null(end.wire.out);
    ck_assert_mem_eq(got.ptr, bytes, BULK_BYTES);
    buffer_done(&got);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(a_stopped_wire_reads_nothing_until_it_is_started_again)
{
    struct end end;
    int peer = open_pair(&end);

    end.on_received = HABIT_STOP;
    wire_read_start(&end.wire);
    ck_assert_int_eq(write(peer, "one", 3), 3);
    RUN_UNTIL(end.received.len == 3);
    ck_assert_int_eq(write(peer, "two", 3), 3);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(end.received.len, 3);
    (void)close(peer);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(end.ended, 0);
    end.on_received = HABIT_NONE;
    wire_read_start(&end.wire);
    RUN_UNTIL(end.ended);
    ck_assert_mem_eq(end.received.ptr, "onetwo", 6);
    end_done(&end);
}

END_TEST

START_TEST(a_full_buffer_is_one_read_per_turn)
{
    struct end end;
    int peer = open_tcp(&end);
    char *bytes = bulk();
    const size_t size = REACTOR_READ_BYTES * 3;

    ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    wire_read_start(&end.wire);
    for (size_t sent = 0, before_turn; sent < size || end.received.len < size;) {
        ssize_t count = sent < size ? write(peer, bytes + sent, size - sent) : 0;

        sent += count > 0 ? (size_t)count : 0;
        before_turn = end.received.len;
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
        ck_assert_uint_le(end.received.len - before_turn, REACTOR_READ_BYTES);
    }
    ck_assert_mem_eq(end.received.ptr, bytes, size);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(shutdown_comes_after_what_is_pending_and_reading_goes_on)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);
    struct buffer got;

    buffer_init(&got, BULK_BYTES);
    wire_read_start(&end.wire);
    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    wire_shutdown(&end.wire);
    ck_assert_int_eq(wire_write(&end.wire, &all, 1), -EPIPE);
    while (take(peer, &got))
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(got.len, BULK_BYTES);
    ck_assert_int_eq(write(peer, "late", 4), 4);
    RUN_UNTIL(end.received.len == 4);
    buffer_done(&got);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(every_event_may_close_its_wire)
{
    static const enum habit ways[] = {HABIT_CLOSE, HABIT_RESET};
    enum habit way = ways[_i % 2];
    struct end end;
    int peer = open_tcp(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);
    struct buffer got;

    buffer_init(&got, BULK_BYTES);
    switch (_i / 2) {
    case 0:
        end.on_received = way;
        ck_assert_int_eq(write(peer, "x", 1), 1);
        break;
    case 1:
        end.on_ended = way;
        (void)shutdown(peer, SHUT_WR);
        break;
    case 2:
        end.on_failed = way;
        (void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                         sizeof(struct linger));
        (void)close(peer);
        break;
    default:
        end.on_drained = way;
        ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
        break;
    }
    wire_read_start(&end.wire);
    while (!end.closed) {
        if (_i / 2 == 3)
            (void)take(peer, &got);
        (void)uv_run(&reactor.loop, _i / 2 == 3 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
    ck_assert_int_eq((int)end.received.len + end.ended + end.failed + end.drained, 1);
    ck_assert_int_eq(end.error, _i / 2 == 2 ? -ECONNRESET : 0);
    end_done(&end);
    buffer_done(&got);
    memory_free(bytes);
    if (_i / 2 != 2)
        (void)close(peer);
}

END_TEST

START_TEST(closing_with_bytes_pending_frees_them)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);

    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    ck_assert_int_gt(wire_write(&end.wire, &all, 1), BULK_BYTES);
    wire_close(&end.wire);
    ck_assert_int_eq(wire_write(&end.wire, &all, 1), -EPIPE);
    wire_close(&end.wire);
    memory_free(bytes);
    end_done(&end);
    ck_assert_int_eq(end.drained, 0);
    (void)close(peer);
}

END_TEST

START_TEST(more_than_the_limit_never_waits)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);
    long pending = 0;

    for (unsigned i = 0; pending >= 0 && i < WIRE_PENDING_MAX_BYTES / BULK_BYTES + 2; i++) {
        pending = wire_write(&end.wire, &all, 1);
        ck_assert_int_le(pending, WIRE_PENDING_MAX_BYTES);
    }
    ck_assert_int_eq(pending, -ENOBUFS);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(reset_looks_like_a_reset)
{
    struct end end;
    int peer = open_tcp(&end);
    char text[8];
    struct span half = SPAN("half");

    ck_assert_int_eq(wire_write(&end.wire, &half, 1), 0);
    ck_assert_int_eq(read(peer, text, 4), 4);
    wire_reset(&end.wire);
    RUN_UNTIL(end.closed);
    ck_assert_int_eq(read(peer, text, sizeof(text)), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(a_write_to_a_peer_that_left_is_an_error_and_no_signal)
{
    struct end end;
    int peer = open_pair(&end);
    struct span bytes = SPAN("x");

    (void)close(peer);
    ck_assert_int_eq(wire_write(&end.wire, &bytes, 1), -EPIPE);
    for (int i = 0; i < 3; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(end.failed, 0);
    end_done(&end);
}

END_TEST

START_TEST(a_pending_write_that_fails_is_told_once)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);

    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    (void)close(peer);
    RUN_UNTIL(end.failed);
    ck_assert_int_eq(end.error, -EPIPE);
    ck_assert_int_eq(wire_write(&end.wire, &all, 1), -EPIPE);
    memory_free(bytes);
    end_done(&end);
    ck_assert_int_eq(end.failed, 1);
}

END_TEST

/* How many bytes the kernel has for PEER. */
static size_t arrived_at(int peer)
{
    char text[64];
    ssize_t count = recv(peer, text, sizeof(text), MSG_DONTWAIT | MSG_PEEK);

    return count > 0 ? (size_t)count : 0;
}

START_TEST(what_is_written_for_later_goes_in_order_when_the_turn_ends)
{
    struct end end;
    int peer = open_pair(&end);
    struct span pieces[] = {SPAN("on"), SPAN(""), SPAN("e ")}, two = SPAN("two "),
                three = SPAN("three");
    char text[16];

    ck_assert_int_eq(wire_write_later(&end.wire, pieces, 3), 0);
    ck_assert_uint_eq(end.wire.pending_bytes, 4);
    ck_assert_int_eq(wire_write_later(&end.wire, &two, 1), 8);
    ck_assert_int_eq(wire_write(&end.wire, &three, 1), 13);
    ck_assert_uint_eq(arrived_at(peer), 0);
    RUN_UNTIL(end.drained);
    ck_assert_int_eq(read(peer, text, sizeof(text)), 13);
    ck_assert_mem_eq(text, "one two three", 13);
    ck_assert_int_eq(end.waits, 0);
    ck_assert_int_eq(wire_write(&end.wire, &two, 1), 0);
    ck_assert_uint_eq(arrived_at(peer), 4);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(large_writes_are_not_put_off)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span large = span_of(bytes, WIRE_LATER_MAX_BYTES + 1);

    ck_assert_int_eq(wire_write_later(&end.wire, &large, 1), 0);
    ck_assert_uint_eq(end.wire.pending_bytes, 0);
    ck_assert_uint_gt(arrived_at(peer), 0);
    ck_assert_int_eq(wire_write_later(&end.wire, NULL, 0), 0);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

/* Writes of BYTES until the kernel of END's side is full; END's own pending is empty then. */
static void fill_kernel(struct end *end, struct span bytes)
{
    uv_os_fd_t fd;
    ssize_t count;

    ck_assert_int_eq(uv_fileno(&end->wire.uv.handle, &fd), 0);
    do {
        count = send(fd, bytes.ptr, bytes.len, MSG_DONTWAIT);
    } while (count > 0);
}

START_TEST(what_waits_after_the_turn_is_told_and_drains)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span some = SPAN("some");
    struct buffer got;

    buffer_init(&got, 2 * BULK_BYTES);
    fill_kernel(&end, span_of(bytes, BULK_BYTES));
    ck_assert_int_eq(wire_write_later(&end.wire, &some, 1), 0);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(end.waits, 1);
    ck_assert_int_eq(end.drained, 0);
    while (!end.drained) {
        ck_assert(take(peer, &got));
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    }
    (void)take(peer, &got);
    ck_assert(span_ends(buffer_span(&got), some));
    buffer_done(&got);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(a_late_write_that_fails_is_told)
{
    struct end end;
    int peer = open_pair(&end);
    struct span some = SPAN("some");

    (void)close(peer);
    ck_assert_int_eq(wire_write_later(&end.wire, &some, 1), 0);
    ck_assert_int_eq(end.failed, 0);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(end.error, -EPIPE);
    ck_assert_int_eq(wire_write_later(&end.wire, &some, 1), -EPIPE);
    end_done(&end);
    ck_assert_int_eq(end.failed, 1);
}

END_TEST

START_TEST(closing_drops_what_is_for_later_or_sends_it)
{
    struct end end;
    int peer = open_pair(&end);
    struct span some = SPAN("some");
    char text[8];

    ck_assert_int_eq(wire_write_later(&end.wire, &some, 1), 0);
    if (_i > 0)
        ck_assert_int_eq(wire_write(&end.wire, &some, 1), 8);
    if (_i == 2)
        wire_close_sending(&end.wire);
    else
        wire_close(&end.wire);
    ck_assert_uint_eq(end.wire.pending_bytes, 0);
    end_done(&end);
    ck_assert_int_eq(read(peer, text, sizeof(text)), _i == 2 ? 4 : 0);
    ck_assert_int_eq(end.drained, 0);
    (void)close(peer);
}

END_TEST

START_TEST(shutdown_and_lingering_come_after_what_is_for_later)
{
    struct end end;
    int peer = open_pair(&end);
    struct span some = SPAN("some");
    char text[8];

    ck_assert_int_eq(wire_write_later(&end.wire, &some, 1), 0);
    if (_i == 0)
        wire_shutdown(&end.wire);
    else
        wire_close_lingering(&end.wire);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(read(peer, text, sizeof(text)), 4);
    ck_assert_int_eq(read(peer, text, sizeof(text)), 0);
    (void)close(peer);
    end_done(&end);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *wire = tcase_create("wire");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(wire, before, after);
    tcase_add_test(wire, bytes_go_both_ways_and_the_end_is_noticed);
    tcase_add_test(wire, pieces_arrive_in_order_whatever_their_number);
    tcase_add_test(wire, what_the_kernel_does_not_take_is_kept_sent_later_and_freed);
    tcase_add_test(wire, a_stopped_wire_reads_nothing_until_it_is_started_again);
    tcase_add_test(wire, a_full_buffer_is_one_read_per_turn);
    tcase_add_test(wire, shutdown_comes_after_what_is_pending_and_reading_goes_on);
    tcase_add_loop_test(wire, every_event_may_close_its_wire, 0, 8);
    tcase_add_test(wire, closing_with_bytes_pending_frees_them);
    tcase_add_test(wire, more_than_the_limit_never_waits);
    tcase_add_test(wire, reset_looks_like_a_reset);
    tcase_add_test(wire, a_write_to_a_peer_that_left_is_an_error_and_no_signal);
    tcase_add_test(wire, a_pending_write_that_fails_is_told_once);
    tcase_add_test(wire, what_is_written_for_later_goes_in_order_when_the_turn_ends);
    tcase_add_test(wire, large_writes_are_not_put_off);
    tcase_add_test(wire, what_waits_after_the_turn_is_told_and_drains);
    tcase_add_test(wire, a_late_write_that_fails_is_told);
    tcase_add_loop_test(wire, closing_drops_what_is_for_later_or_sends_it, 0, 3);
    tcase_add_loop_test(wire, shutdown_and_lingering_come_after_what_is_for_later, 0, 2);
    suite_add_tcase(suite, wire);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
