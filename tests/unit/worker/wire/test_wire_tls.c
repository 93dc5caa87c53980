#include <stdio.h>

#include "shared/base/clock.h"
#include "shared/base/hash.h"

#include "tests/support/certificates.h"
#include "tests/unit/worker/wire/wire_case.h"
#include "worker/tls/tls.h"

#define HANDSHAKES 50
/* 50 steps of 3 ms on the loop would be 150 ms of work without a tick of the timer; its own
 * share is about one. */
#define WORK_MAX_MS 15

struct both {
    struct end client, server;
};

static struct tls_settings *for_server, *for_client;
static struct tls_ticket_keys keys;

static void make_settings(void)
{
    struct tls_certificate certificate = {certificates_path("server.pem"),
                                          certificates_path("server.key")};
    struct tls_server_options server = {
        .certificates = &certificate, .certificate_count = 1, .tickets = &keys};
    struct tls_client_options client = {.ca_file = certificates_path("ca.pem"), .verify = true};
    struct buffer reason;

    buffer_init(&reason, 1000);
    random_bytes(&keys.keys[0], sizeof(keys.keys[0]));
    for_server = tls_server_settings(&server, &reason);
    for_client = tls_client_settings(&client, &reason);
    ck_assert_msg(for_server && for_client, "%.*s", (int)reason.len, reason.ptr);
    buffer_done(&reason);
}

static void before_tls(void)
{
    before();
    make_settings();
}

static void after_tls(void)
{
    tls_settings_unref(for_server);
    tls_settings_unref(for_client);
    after();
}

static void both_begin(struct both *both, const char *name)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);

    end_init(&both->client);
    end_init(&both->server);
    ck_assert_int_eq(wire_connect(&both->client.wire, &reactor, &events,
                                  (struct sockaddr *)&address, for_client, span_of_text(name)),
                     0);
    wire_read_start(&both->client.wire);
    ck_assert_int_eq(wire_open(&both->server.wire, &reactor, &events,
                               accept(listener, NULL, NULL), for_server),
                     0);
    wire_read_start(&both->server.wire);
    (void)close(listener);
}

static void both_open(struct both *both)
{
    both_begin(both, "server.test");
    RUN_UNTIL(both->client.opened && both->server.opened);
}

static void both_done(struct both *both)
{
    end_done(&both->client);
    end_done(&both->server);
    ck_assert_ptr_null(both->client.wire.tls);
    ck_assert_ptr_null(both->server.wire.tls);
}

#define KERNEL_BYTES 65536

START_TEST(bytes_go_through_a_handshake_and_a_clean_end)
{
    struct both both;
    struct span pieces[] = {SPAN("head"), SPAN(""), SPAN("body")};

    for (int round = 0; round < 2; round++) {
        both_open(&both);
        ck_assert_int_eq(wire_resumed(&both.client.wire), round);
        ck_assert_int_eq(wire_resumed(&both.server.wire), round);
        both.server.on_received = HABIT_ECHO;
        ck_assert_int_eq(wire_write(&both.client.wire, pieces, 3), 0);
        RUN_UNTIL(both.client.received.len == 8);
        ck_assert_mem_eq(both.client.received.ptr, "headbody", 8);
        wire_shutdown(&both.client.wire);
        RUN_UNTIL(both.server.ended);
        wire_close(&both.server.wire);
        RUN_UNTIL(both.client.ended);
        ck_assert_int_eq(both.client.failed + both.server.failed, 0);
        both_done(&both);
    }
}

END_TEST

START_TEST(bulk_goes_through_with_stops_and_pending)
{
    struct both both;
    char *bytes = bulk();
    struct span pieces[] = {span_of(bytes, 10), span_of(bytes + 10, BULK_BYTES - 20),
                            span_of(bytes + BULK_BYTES - 10, 10)};

    both_open(&both);
    both.client.on_received = HABIT_STOP;
    wire_tune(&both.server.wire, KERNEL_BYTES, 0); /* else it might take all at once */
    ck_assert_int_gt(wire_write(&both.server.wire, pieces, 3), 0);
    while (both.client.received.len < BULK_BYTES) {
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
        wire_read_start(&both.client.wire);
    }
    ck_assert_mem_eq(both.client.received.ptr, bytes, BULK_BYTES);
    RUN_UNTIL(both.server.drained);
    memory_free(bytes);
    both_done(&both);
}

END_TEST

START_TEST(a_cut_connection_is_a_failure_and_no_end)
{
    struct both both;

    both_open(&both);
    /* FIN without close_notify, as if somebody in between had cut the answer. */
    ck_assert_int_eq(shutdown(both.server.wire.uv.tcp.io_watcher.fd, SHUT_WR), 0);
    RUN_UNTIL(both.client.failed);
    ck_assert_int_eq(both.client.error, WIRE_TLS_FAILED);
    ck_assert_int_eq(both.client.ended, 0);
    ck_assert(wire_error_text(&both.client.wire, both.client.error).len > 0);
    both_done(&both);
}

END_TEST

START_TEST(a_wrong_name_fails_before_it_opens)
{
    struct both both;

    both_begin(&both, "bad.test");
    both.client.on_failed = _i ? HABIT_CLOSE : HABIT_NONE;
    both.server.on_failed = _i ? HABIT_RESET : HABIT_NONE;
    RUN_UNTIL(both.client.failed && both.server.failed);
    ck_assert_int_eq(both.client.opened + both.server.opened, 0);
    ck_assert_int_eq(both.client.error, WIRE_TLS_FAILED);
    both_done(&both);
}

END_TEST

START_TEST(a_plain_client_of_a_tls_listener_fails)
{
    struct end end;
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    end_init(&end);
    ck_assert_int_eq(wire_open(&end.wire, &reactor, &events, pair[0], for_server), 0);
    ck_assert_int_eq(write(pair[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    RUN_UNTIL(end.failed);
    ck_assert_int_eq(end.error, WIRE_TLS_FAILED);
    ck_assert_int_eq(wire_write(&end.wire, NULL, 0), -EPIPE);
    end_done(&end);
    (void)close(pair[1]);
}

END_TEST

/* Closes in every turn that a handshake may take. */
START_TEST(a_wire_may_be_closed_at_any_moment_of_the_handshake)
{
    static void (*const ways[])(struct wire *) = {wire_close, wire_reset, wire_close_lingering};
    struct both both;

    for (int turns = 0; turns < 24; turns++) {
        both_begin(&both, "server.test");
        for (int i = 0; i < turns && !(both.client.opened && both.server.opened); i++)
            (void)uv_run(&reactor.loop, UV_RUN_ONCE);
        ways[_i](turns % 2 ? &both.client.wire : &both.server.wire);
        wire_close(&both.client.wire);
        wire_close(&both.server.wire);
        both_done(&both);
    }
}

END_TEST

START_TEST(lingering_under_tls_ends_with_close_notify)
{
    struct both both;
    struct span last = SPAN("last");

    both_open(&both);
    ck_assert_int_eq(wire_write(&both.server.wire, &last, 1), 0);
    wire_close_lingering(&both.server.wire);
    both.client.on_ended = HABIT_CLOSE;
    RUN_UNTIL(both.client.closed && both.server.closed);
    ck_assert_uint_eq(both.client.received.len, 4);
    ck_assert_int_eq(both.client.failed, 0);
    both_done(&both);
}

END_TEST

START_TEST(tls_begins_inside_a_plain_tunnel)
{
    struct both both;
    struct tls_settings *inner = for_client, *outer = for_server;
    struct span hello = SPAN("CONNECT");

    for_client = for_server = NULL;
    both_begin(&both, "");
    for_client = inner;
    for_server = outer;
    RUN_UNTIL(both.client.opened);
    ck_assert_int_eq(wire_write(&both.client.wire, &hello, 1), 0);
    RUN_UNTIL(both.server.received.len == hello.len);
    wire_start_tls(&both.client.wire, for_client, SPAN("server.test"));
    buffer_clear(&both.server.received);
    /* The far end of the tunnel is no TLS server: its hello arrives as bytes. */
    RUN_UNTIL(both.server.received.len > 0);
    ck_assert_int_eq(both.server.received.ptr[0], 0x16);
    ck_assert_int_eq(both.client.opened, 1);
    both_done(&both);
}

END_TEST

/* ---- the loop during handshakes -------------------------------------------------------- */

static uint64_t worked_before_ns, most_work_ns;

/* What the loop's thread worked, so that other programs on the machine do not count. */
static uint64_t worked_ns(void)
{
    struct timespec now;

    ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void tick(uv_timer_t *timer)
{
    uint64_t now_ns = worked_ns();

    (void)timer;
    if (worked_before_ns > 0 && now_ns - worked_before_ns > most_work_ns)
        most_work_ns = now_ns - worked_before_ns;
    worked_before_ns = now_ns;
}

START_TEST(handshakes_do_not_stall_the_loop)
{
    struct both *all = memory_new_array(HANDSHAKES, sizeof(*all));
    uint64_t began_ns = clock_monotonic_ns();
    uv_timer_t timer;

    ck_assert_int_eq(uv_timer_init(&reactor.loop, &timer), 0);
    ck_assert_int_eq(uv_timer_start(&timer, tick, 1, 1), 0);
    for (int i = 0; i < HANDSHAKES; i++)
        both_begin(&all[i], "server.test");
    worked_before_ns = 0;
    for (int i = 0; i < HANDSHAKES; i++)
        RUN_UNTIL(all[i].client.opened && all[i].server.opened);
    printf("%d handshakes in %.1f ms, most work between two ticks %.2f ms\n", HANDSHAKES,
           (double)(clock_monotonic_ns() - began_ns) / 1e6, (double)most_work_ns / 1e6);
    ck_assert_uint_gt(most_work_ns, 0);
    ck_assert_uint_lt(most_work_ns, WORK_MAX_MS * UINT64_C(1000000));
    for (int i = 0; i < HANDSHAKES; i++)
        both_done(&all[i]);
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    memory_free(all);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("wire_tls");
    TCase *wire = tcase_create("wire");
    SRunner *runner = srunner_create(suite);
    int failures;

    (void)certificates_make();
    tcase_set_timeout(wire, 30);
    tcase_add_checked_fixture(wire, before_tls, after_tls);
    tcase_add_test(wire, bytes_go_through_a_handshake_and_a_clean_end);
    tcase_add_test(wire, bulk_goes_through_with_stops_and_pending);
    tcase_add_test(wire, a_cut_connection_is_a_failure_and_no_end);
    tcase_add_loop_test(wire, a_wrong_name_fails_before_it_opens, 0, 2);
    tcase_add_test(wire, a_plain_client_of_a_tls_listener_fails);
    tcase_add_loop_test(wire, a_wire_may_be_closed_at_any_moment_of_the_handshake, 0, 3);
    tcase_add_test(wire, lingering_under_tls_ends_with_close_notify);
    tcase_add_test(wire, tls_begins_inside_a_plain_tunnel);
    tcase_add_test(wire, handshakes_do_not_stall_the_loop);
    suite_add_tcase(suite, wire);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    certificates_remove();
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
