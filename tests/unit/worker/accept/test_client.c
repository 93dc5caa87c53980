#include "tests/unit/worker/accept/client_case.h"

static void set_up(void)
{
    before();
    host = (struct host){
        .times = {.client_head_ms = LONG_MS,
                  .client_body_ms = LONG_MS,
                  .client_idle_ms = LONG_MS,
                  .client_send_ms = LONG_MS},
        .limits = {.head_bytes = 2000, .target_bytes = 500, .header_count = 20},
    };
    buffer_init(&host.told, 1 << 20);
}

/* A client on one end of a socket pair; the test is the other. */
static void begin(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    open_client(pair[0], pair[1]);
}

static void tear_down(void)
{
    if (host.peer >= 0)
        (void)close(host.peer);
    RUN_UNTIL(host.closed);
    buffer_done(&host.told);
    after();
}

static void say(const char *text)
{
    ck_assert_int_eq(write(host.peer, text, strlen(text)), (ssize_t)strlen(text));
}

static void was_told(const char *expected)
{
    ck_assert_msg(span_eq(buffer_span(&host.told), span_of_text(expected)),
                  "told '%.*s', expected '%s'", SPAN_ARG(buffer_span(&host.told)), expected);
}

/* Runs the loop until the peer has read EXPECTED. */
static void is_read(const char *expected)
{
    struct buffer got _buffer_;

    buffer_init(&got, 1 << 20);
    while (got.len < strlen(expected)) {
        ck_assert(take(host.peer, &got));
        (void)uv_run(&reactor.loop, got.len < strlen(expected) ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    }
    ck_assert_msg(span_eq(buffer_span(&got), span_of_text(expected)), "read '%.*s'",
                  SPAN_ARG(buffer_span(&got)));
}

/* ---- requests -----------------------------------------------------------------------------
 */

START_TEST(the_peer_is_known_by_name_also_after_it_left)
{
    begin();
    ck_assert(span_eq(client_peer(host.client), SPAN("unix")));
    (void)shutdown(host.peer, SHUT_RDWR);
    ck_assert(span_eq(client_peer(host.client), SPAN("unix")));
}

END_TEST

START_TEST(a_kept_connection_carries_one_request_after_the_other)
{
    begin();
    say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(host.received == 1);
    answer(true);
    is_read("<1>");
    say("POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    RUN_UNTIL(host.received == 2);
    answer(false);
    is_read("<2>");
    (void)shutdown(host.peer, SHUT_WR);
    RUN_UNTIL(host.closed);
    was_told("head:/1 whole head:/2 body:abc whole closed ");
}

END_TEST

static const struct {
    size_t piece_bytes;
    enum act when;
} pipelines[] = {{1, ACT_KEEP},  {1, ACT_WAIT},  {7, ACT_KEEP},   {7, ACT_WAIT},
                 {40, ACT_KEEP}, {40, ACT_WAIT}, {999, ACT_KEEP}, {999, ACT_WAIT}};

START_TEST(pipelined_requests_are_read_one_by_one_and_answered_in_order)
{
    struct span rest = SPAN("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                            "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
                            "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");

    begin();
    host.on_received = pipelines[_i].when;
    while (rest.len > 0) {
        size_t count =
            rest.len < pipelines[_i].piece_bytes ? rest.len : pipelines[_i].piece_bytes;

        ck_assert_int_eq(write(host.peer, rest.ptr, count), (ssize_t)count);
        rest = span_skip(rest, count);
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    }
    for (unsigned i = 1; host.on_received == ACT_WAIT && i <= 3; i++) {
        RUN_UNTIL(host.received == i);
        ck_assert_uint_eq(host.answers, i - 1);
        answer(true);
    }
    is_read("<1><2><3>");
    was_told("head:/1 whole head:/2 whole head:/3 whole ");
}

END_TEST

#define MANY 2000

START_TEST(reading_pauses_while_many_pipelined_requests_wait_and_none_is_lost)
{
    static const char request[] =
        "GET /long-enough-to-fill-the-waiting-room-some-day HTTP/1.1\r\n"
        "Host: h\r\nUser-Agent: a test with many requests\r\n\r\n";
    unsigned sent = 0;
    size_t part = 0;

    begin();
    while (host.answers < MANY) {
        ssize_t count = sent == MANY ? 0
                                     : send(host.peer, request + part, strlen(request) - part,
                                            MSG_DONTWAIT);

        part += count > 0 ? (size_t)count : 0;
        sent += part == strlen(request);
        part = part == strlen(request) ? 0 : part;
        if (count > 0)
            continue;
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
        ck_assert_uint_le(host.client->pipelined.len,
                          CLIENT_PIPELINE_BYTES + REACTOR_READ_BYTES);
        if (host.received > host.answers)
            answer(true);
    }
    ck_assert_uint_eq(host.received, MANY);
}

END_TEST

START_TEST(a_continue_is_sent_before_the_body)
{
    begin();
    host.continues = true;
    host.on_received = ACT_KEEP;
    say("POST /1 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    is_read("HTTP/1.1 100 Continue\r\n\r\n");
    say("ab");
    is_read("<1>");
    was_told("head:/1 body:ab whole ");
}

END_TEST

static const struct {
    const char *bytes, *told;
} bad[] = {
    {"\x16\x03\x01\x02", "refused:bad_http closed "},
    {"GET / HTTP/1.1\r\n\r\n", "refused:bad_http closed "},
    {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
     "head:/ refused+:bad_http closed "},
};

START_TEST(what_is_not_http_is_refused_and_the_connection_ends)
{
    begin();
    say(bad[_i].bytes);
    is_read("<1>");
    (void)shutdown(host.peer, SHUT_WR);
    RUN_UNTIL(host.closed);
    was_told(bad[_i].told);
}

END_TEST

/* ---- time ---------------------------------------------------------------------------------
 */

static const struct {
    const char *bytes, *told;
    bool head, body, idle; /* which time is short */
} slow[] = {
    {"GET / HT", "refused:client_too_slow closed ", .head = true},
    {"", "closed ", .head = true},
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab",
     "head:/ body:ab refused+:client_too_slow closed ", .body = true},
    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "head:/ whole closed ", .idle = true},
    {"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HT",
     "head:/ whole refused:client_too_slow closed ", .head = true},
};

START_TEST(a_client_that_is_too_slow_is_told_or_let_go)
{
    host.times.client_head_ms = slow[_i].head ? SHORT_MS : LONG_MS;
    host.times.client_body_ms = slow[_i].body ? SHORT_MS : LONG_MS;
    host.times.client_idle_ms = slow[_i].idle ? SHORT_MS : LONG_MS;
    host.on_received = ACT_KEEP;
    begin();
    say(slow[_i].bytes);
    RUN_UNTIL(host.closed);
    was_told(slow[_i].told);
}

END_TEST

static void send_bulk(void)
{
    char *bytes = bulk();
    struct span piece = span_of(bytes, BULK_BYTES);

    ck_assert_int_gt(client_send(host.client, &piece, 1), 0);
    memory_free(bytes);
}

START_TEST(a_client_that_takes_nothing_is_given_up)
{
    host.times.client_send_ms = SHORT_MS;
    begin();
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(host.received == 1);
    send_bulk();
    RUN_UNTIL(host.closed);
    was_told("head:/ whole gone:client_stalled closed ");
}

END_TEST

START_TEST(a_client_that_does_not_take_the_end_of_an_answer_is_given_up)
{
    char *bytes = bulk();
    struct span end = SPAN("end");
    uv_os_fd_t fd;

    host.times.client_send_ms = SHORT_MS;
    begin();
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(host.received == 1);
    ck_assert_int_eq(uv_fileno(&host.client->wire.uv.handle, &fd), 0);
    while (send(fd, bytes, BULK_BYTES, MSG_DONTWAIT) > 0)
        continue; /* the kernel is full, nothing is pending */
    ck_assert_int_eq(client_send_last(host.client, &end, 1), 0);
    RUN_UNTIL(host.closed);
    was_told("head:/ whole gone:client_stalled closed ");
    memory_free(bytes);
}

END_TEST

/* Each piece comes in its time, and the whole would last for days. */
START_TEST(a_client_that_drips_its_body_is_told)
{
    host.times.client_rate = 1000;
    begin();
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na");
    RUN_UNTIL(host.client && host.client->body_bytes == 1);
    host.client->body_began_ms -= LONG_MS - 100;
    say("b"); /* 2 ms more than those 100 */
    RUN_UNTIL(host.closed);
    was_told("head:/ body:a body:b refused+:client_too_slow closed ");
}

END_TEST

START_TEST(a_client_that_took_too_little_so_far_is_given_up)
{
    host.times.client_rate = 1000;
    begin();
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(host.received == 1);
    host.client->waited_ms = LONG_MS + BULK_BYTES;
    send_bulk();
    RUN_UNTIL(host.closed);
    was_told("head:/ whole gone:client_stalled closed ");
}

END_TEST

START_TEST(a_client_that_takes_enough_is_waited_for)
{
    struct buffer got _buffer_;

    host.times.client_rate = 1000;
    buffer_init(&got, 2 * BULK_BYTES);
    begin();
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(host.received == 1);
    host.client->waited_ms = LONG_MS;
    send_bulk();
    while (got.len < BULK_BYTES) {
        ck_assert(take(host.peer, &got));
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    }
    RUN_UNTIL(host.drained == 1);
    was_told("head:/ whole ");
    client_finish(host.client, true);
}

END_TEST

START_TEST(a_time_of_zero_is_no_limit)
{
    struct buffer got _buffer_;

    host.times = (struct snapshot_times){.client_head_ms = 0};
    buffer_init(&got, 2 * BULK_BYTES);
    begin();
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
    for (int turns = 0; turns < 3; turns++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert(!deadline_armed(&host.client->deadline));
    say("c");
    RUN_UNTIL(host.received == 1);
    send_bulk();
    ck_assert(!deadline_armed(&host.client->sending));
    while (got.len < BULK_BYTES) {
        ck_assert(take(host.peer, &got));
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    }
    RUN_UNTIL(host.drained == 1);
    was_told("head:/ body:ab body:c whole ");
    client_finish(host.client, true);
}

END_TEST

/* ---- ends ---------------------------------------------------------------------------------
 */

START_TEST(a_peer_that_leaves_while_its_answer_is_made_is_told_once)
{
    begin();
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(host.received == 1);
    (void)close(host.peer);
    host.peer = -1;
    if (_i == 1) /* a write finds it before any read does */
        send_text("too late");
    RUN_UNTIL(host.closed);
    was_told("head:/ whole gone:client_gone closed ");
}

END_TEST

/* The ticker runs between two ticks of the wheel: a deadline that every failed write armed
 * again would move to the next tick before each run. */
START_TEST(a_stream_that_goes_on_writing_to_a_peer_that_left_is_told)
{
    uint64_t end_ms;

    do
        uv_update_time(&reactor.loop);
    while (reactor_now_ms(&reactor) % WHEEL_TICK_MS != WHEEL_TICK_MS / 2);
    begin();
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(host.received == 1);
    (void)close(host.peer);
    host.peer = -1;
    end_ms = reactor_now_ms(&reactor) + 1000;
    while (!host.closed && reactor_now_ms(&reactor) < end_ms) {
        if (host.client->exchange)
            send_text("more");
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    }
    was_told("head:/ whole gone:client_gone closed ");
}

END_TEST

static const struct {
    enum act head, body, received;
    const char *told;
} early[] = {
    {.head = ACT_END, .told = "head:/ closed "},
    {.head = ACT_ABORT, .told = "head:/ closed "},
    {.body = ACT_END, .told = "head:/ body:ab closed "},
    {.body = ACT_ABORT, .told = "head:/ body:ab closed "},
    {.head = ACT_KEEP, .told = "head:/ closed "}, /* cannot be kept: its body is under way */
    {.received = ACT_ABORT, .told = "head:/ body:ab body:c whole closed "},
};

START_TEST(the_owner_may_end_it_in_any_event)
{
    begin();
    host.on_head = early[_i].head;
    host.on_body = early[_i].body;
    host.on_received = early[_i].received;
    say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nab\r\n1\r\nc\r\n0\r\n\r\nGET /never HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)shutdown(host.peer, SHUT_WR);
    RUN_UNTIL(host.closed);
    was_told(early[_i].told);
}

END_TEST

static void begin_tcp(void)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(peer, (struct sockaddr *)&address, sizeof(address)), 0);
    open_client(accept(listener, NULL, NULL), peer);
    (void)close(listener);
}

START_TEST(an_answer_that_ends_the_connection_survives_what_the_peer_still_sends)
{
    char got[16];

    begin_tcp();
    host.on_head = ACT_END;
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\nab");
    RUN_UNTIL(host.answers == 1);
    say("more that nobody reads");
    for (int turns = 0; turns < 3; turns++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(read(host.peer, got, sizeof(got)), 3);
    ck_assert_int_eq(read(host.peer, got, sizeof(got)), 0);
    ck_assert_uint_eq(host.closed, 0);
}

END_TEST

START_TEST(an_answer_that_was_cut_ends_with_a_reset)
{
    char got[16];

    begin_tcp();
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(host.received == 1);
    client_abort(host.client);
    RUN_UNTIL(host.closed);
    ck_assert_int_eq(read(host.peer, got, sizeof(got)), -1);
    ck_assert_int_eq(errno, ECONNRESET);
}

END_TEST

START_TEST(a_retired_client_may_ask_once_more_and_goes_when_idle)
{
    begin();
    if (_i > 0) {
        say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
        RUN_UNTIL(host.received == 1);
    }
    client_retire(host.client, SHORT_MS);
    if (_i > 0)
        answer(true);
    if (_i > 1) {
        say("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
        RUN_UNTIL(host.received == 2);
        answer(true);
    }
    RUN_UNTIL(host.closed);
    was_told(_i == 0   ? "closed "
             : _i == 1 ? "head:/1 whole closed "
                       : "head:/1 whole head:/2 whole closed ");
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *client = tcase_create("client");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(client, set_up, tear_down);
    tcase_add_test(client, the_peer_is_known_by_name_also_after_it_left);
    tcase_add_test(client, a_kept_connection_carries_one_request_after_the_other);
    tcase_add_loop_test(client, pipelined_requests_are_read_one_by_one_and_answered_in_order, 0,
                        ARRAY_LEN(pipelines));
    tcase_add_test(client, reading_pauses_while_many_pipelined_requests_wait_and_none_is_lost);
    tcase_add_test(client, a_continue_is_sent_before_the_body);
    tcase_add_loop_test(client, what_is_not_http_is_refused_and_the_connection_ends, 0,
                        ARRAY_LEN(bad));
    tcase_add_loop_test(client, a_client_that_is_too_slow_is_told_or_let_go, 0,
                        ARRAY_LEN(slow));
    tcase_add_test(client, a_client_that_takes_nothing_is_given_up);
    tcase_add_test(client, a_client_that_does_not_take_the_end_of_an_answer_is_given_up);
    tcase_add_test(client, a_client_that_drips_its_body_is_told);
    tcase_add_test(client, a_client_that_took_too_little_so_far_is_given_up);
    tcase_add_test(client, a_client_that_takes_enough_is_waited_for);
    tcase_add_test(client, a_time_of_zero_is_no_limit);
    tcase_add_loop_test(client, a_peer_that_leaves_while_its_answer_is_made_is_told_once, 0, 2);
    tcase_add_test(client, a_stream_that_goes_on_writing_to_a_peer_that_left_is_told);
    tcase_add_loop_test(client, the_owner_may_end_it_in_any_event, 0, ARRAY_LEN(early));
    tcase_add_test(client,
                   an_answer_that_ends_the_connection_survives_what_the_peer_still_sends);
    tcase_add_test(client, an_answer_that_was_cut_ends_with_a_reset);
    tcase_add_loop_test(client, a_retired_client_may_ask_once_more_and_goes_when_idle, 0, 3);
    suite_add_tcase(suite, client);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
