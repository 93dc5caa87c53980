#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "worker/upstream/upstream.h"

/* A provider in the test's own hands: the far ends of the socket pairs that the pool dials. */
static struct {
    struct reactor reactor;
    struct http_scratch scratch;
    struct upstream upstream;
    struct resolver *resolver;
    int far[16];
    unsigned dialled;
} world;

static int dial(struct reactor *reactor)
{
    int pair[2];

    (void)reactor;
    if (world.dialled == ARRAY_LEN(world.far))
        return -EMFILE;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
                     0);
    world.far[world.dialled++] = pair[1];
    return pair[0];
}

static void begin(void)
{
    const char *error = NULL;

    memset(&world, 0, sizeof(world));
    ck_assert_int_eq(reactor_init(&world.reactor), 0);
    world.reactor.http = &world.scratch;
    world.resolver = resolver_new(&world.reactor, &(struct resolver_options){0}, &error);
    ck_assert_ptr_nonnull(world.resolver);
    upstream_init(&world.upstream, &world.reactor, world.resolver, SPAN("test"));
}

/* Runs the loop until *DONE, or for a while when it is NULL. */
static void run(const bool *done)
{
    uint64_t until_ms = clock_monotonic_ms() + (done ? 5000 : 30);

    while (!(done && *done) && clock_monotonic_ms() < until_ms) {
        (void)uv_run(&world.reactor.loop, UV_RUN_NOWAIT);
        (void)usleep(200);
    }
    ck_assert(!done || *done);
}

static void finish(void)
{
    upstream_close_idle(&world.upstream);
    run(NULL);
    upstream_done(&world.upstream);
    resolver_free(world.resolver);
    for (unsigned i = 0; i < world.dialled; i++)
        (void)close(world.far[i]);
    run(NULL);
    reactor_done(&world.reactor);
}

struct asked {
    struct call call;
    struct call_request request;
    struct buffer body;
    uint16_t status;
    enum fault fault;
    bool answered, ended, cancels, pauses;
};

static void answered(struct call *call, const struct http_head *head)
{
    struct asked *asked = (struct asked *)(void *)call;

    asked->status = head->status;
    asked->answered = true;
    if (asked->cancels)
        call_cancel(call);
    if (asked->pauses)
        call_pause(call);
}

static void body(struct call *call, struct span bytes)
{
    (void)buffer_append(&((struct asked *)(void *)call)->body, bytes);
}

static void done(struct call *call)
{
    ((struct asked *)(void *)call)->ended = true;
}

static void call_failed(struct call *call, enum fault fault, const char *why)
{
    struct asked *asked = (struct asked *)(void *)call;

    ck_assert_ptr_nonnull(why);
    asked->fault = fault;
    asked->ended = true;
}

static void turn(struct call *call)
{
    (void)call;
}

static const struct call_events events = {answered, body, turn, done, call_failed};

static const struct call_header one_header[] = {{{"Authorization", 13}, {"Bearer x", 8}}};

static void ask(struct asked *asked, struct endpoint *endpoint)
{
    struct call_request request = {
        .method_id = HTTP_METHOD_POST,
        .method = SPAN("POST"),
        .target = SPAN("/v1/x"),
        .headers = one_header,
        .header_count = 1,
        .body = {SPAN("{\"a\""), SPAN(":1}")},
        .body_count = 2,
        .connect_ms = 1000,
        .head_ms = 1000,
        .first_ms = 1000,
        .idle_ms = 1000,
    };

    buffer_init(&asked->body, 1 << 20);
    if (asked->request.method.ptr == NULL)
        asked->request = request;
    asked->ended = asked->answered = false;
    asked->fault = FAULT_NONE;
    call_start(&asked->call, endpoint, &asked->request, &events);
}

static struct endpoint *endpoint_of(uint32_t connections_max)
{
    return upstream_endpoint(&world.upstream, &(struct endpoint_options){
                                                  .host = SPAN("provider"),
                                                  .port = 80,
                                                  .keep_ms = 5000,
                                                  .connections_max = connections_max,
                                                  .dial = dial,
                                              });
}

static void answer(unsigned far, const char *text)
{
    ck_assert_int_eq(write(world.far[far], text, strlen(text)), (ssize_t)strlen(text));
}

static size_t swallow(unsigned far, char *text, size_t size)
{
    ssize_t count;

    run(NULL);
    count = read(world.far[far], text, size - 1);
    text[count > 0 ? count : 0] = '\0';
    return count > 0 ? (size_t)count : 0;
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

START_TEST(a_request_is_written_from_its_fields)
{
    struct asked asked = {0};
    char text[1000];

    begin();
    ask(&asked, endpoint_of(0));
    (void)swallow(0, text, sizeof(text));
    ck_assert_str_eq(text,
                     "POST /v1/x HTTP/1.1\r\nHost: provider\r\nAuthorization: Bearer x\r\n"
                     "User-Agent: test\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
    answer(0, "HTTP/1.1 103 Early\r\n\r\n" OK);
    run(&asked.ended);
    ck_assert_int_eq(asked.fault, FAULT_NONE);
    ck_assert_uint_eq(asked.status, 200);
    ck_assert(span_eq(buffer_span(&asked.body), SPAN("ok")));
    buffer_done(&asked.body);
    finish();
}

END_TEST

START_TEST(a_kept_connection_is_used_again)
{
    struct endpoint *endpoint;
    char text[1000];

    begin();
    endpoint = endpoint_of(0);
    for (unsigned i = 0; i < 3; i++) {
        struct asked asked = {0};

        ask(&asked, endpoint);
        ck_assert_uint_gt(swallow(0, text, sizeof(text)), 0);
        answer(0, OK);
        run(&asked.ended);
        ck_assert_int_eq(asked.fault, FAULT_NONE);
        buffer_done(&asked.body);
    }
    ck_assert_uint_eq(world.dialled, 1);
    ck_assert_uint_eq(endpoint->reused_count, 2);
    ck_assert_uint_eq(endpoint->idle_count, 1);
    ck_assert_ptr_eq(endpoint, endpoint_of(0));
    finish();
}

END_TEST

/* How the first answer ends, and whether its connection is kept. */
static const struct {
    const char *answer;
    bool kept;
} keep_cases[] = {
    {OK, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
    {OK "HTTP/1.1 200 OK\r\n", false}, /* bytes that nobody asked for */
};

START_TEST(only_a_clean_connection_is_kept)
{
    struct asked asked = {0};
    struct endpoint *endpoint;

    begin();
    endpoint = endpoint_of(0);
    ask(&asked, endpoint);
    run(NULL);
    answer(0, keep_cases[_i].answer);
    run(&asked.ended);
    ck_assert_int_eq(asked.fault, FAULT_NONE);
    ck_assert_uint_eq(endpoint->idle_count, keep_cases[_i].kept ? 1 : 0);
    buffer_done(&asked.body);
    finish();
}

END_TEST

START_TEST(a_reused_connection_that_dies_unanswered_is_replaced_silently_once)
{
    struct asked first = {0}, second = {0};
    char text[1000];

    begin();
    ask(&first, endpoint_of(0));
    run(NULL);
    answer(0, OK);
    run(&first.ended);
    ask(&second, endpoint_of(0));
    (void)close(world.far[0]);
    world.far[0] = -1;
    run(NULL);
    ck_assert(!second.ended);
    ck_assert_uint_eq(world.dialled, 2);
    ck_assert_uint_gt(swallow(1, text, sizeof(text)), 0);
    ck_assert(strstr(text, "{\"a\":1}") != NULL);
    /* The fresh one dies, too: now it is told. */
    (void)close(world.far[1]);
    world.far[1] = -1;
    run(&second.ended);
    ck_assert_int_eq(second.fault, FAULT_upstream_reset);
    ck_assert_uint_eq(world.dialled, 2);
    buffer_done(&first.body);
    buffer_done(&second.body);
    finish();
}

END_TEST

static const struct {
    const char *answer;
    enum fault fault;
} broken_cases[] = {
    {"", FAULT_upstream_reset},
    {"HTTP/1.1 200", FAULT_upstream_reset},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", FAULT_answer_cut},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", FAULT_answer_cut},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", FAULT_bad_answer},
    {"SSH-2.0-x\r\n", FAULT_bad_answer},
    {"HTTP/1.1 200 OK\r\n\r\nuntil close", FAULT_NONE},
};

START_TEST(an_answer_that_breaks_has_its_fault)
{
    struct asked asked = {0};

    begin();
    ask(&asked, endpoint_of(0));
    run(NULL);
    if (broken_cases[_i].answer[0])
        answer(0, broken_cases[_i].answer);
    (void)shutdown(world.far[0], SHUT_WR);
    run(&asked.ended);
    ck_assert_int_eq(asked.fault, broken_cases[_i].fault);
    buffer_done(&asked.body);
    finish();
}

END_TEST

static const struct {
    const char *answer;
    enum fault fault;
} slow_cases[] = {
    {"", FAULT_head_timeout},
    {"HTTP/1.1 200 OK\r\n\r\n", FAULT_first_event_timeout},
    {"HTTP/1.1 200 OK\r\n\r\nx", FAULT_idle_timeout},
};

START_TEST(each_wait_has_its_own_limit)
{
    struct asked asked = {.request = {.method = SPAN("GET"),
                                      .method_id = HTTP_METHOD_GET,
                                      .target = SPAN("/"),
                                      .connect_ms = 1000,
                                      .head_ms = 60,
                                      .first_ms = 60,
                                      .idle_ms = 60}};

    begin();
    ask(&asked, endpoint_of(0));
    if (slow_cases[_i].answer[0])
        answer(0, slow_cases[_i].answer);
    run(&asked.ended);
    ck_assert_int_eq(asked.fault, slow_cases[_i].fault);
    buffer_done(&asked.body);
    finish();
}

END_TEST

START_TEST(a_cancelled_call_closes_its_connection)
{
    struct asked asked = {.cancels = true};
    char byte;

    begin();
    ask(&asked, endpoint_of(0));
    run(NULL);
    answer(0, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    run(&asked.answered);
    run(NULL);
    ck_assert(!asked.ended);
    ck_assert_uint_eq(asked.body.len, 0);
    while (read(world.far[0], &byte, 1) > 0)
        ;
    ck_assert_int_ne(errno, EAGAIN); /* the end, or a reset */
    ck_assert_uint_eq(endpoint_of(0)->connection_count, 0);
    buffer_done(&asked.body);
    finish();
}

END_TEST

START_TEST(a_paused_call_reads_nothing_more)
{
    struct asked asked = {.pauses = true};

    begin();
    ask(&asked, endpoint_of(0));
    run(NULL);
    answer(0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    run(&asked.answered);
    answer(0, "ok");
    run(NULL);
    ck_assert_uint_eq(asked.body.len, 0);
    call_resume(&asked.call);
    run(&asked.ended);
    ck_assert_uint_eq(asked.body.len, 2);
    buffer_done(&asked.body);
    finish();
}

END_TEST

START_TEST(calls_over_the_limit_wait_their_turn)
{
    struct asked asked[3] = {0};

    begin();
    for (unsigned i = 0; i < 3; i++)
        ask(&asked[i], endpoint_of(1));
    run(NULL);
    ck_assert_uint_eq(world.dialled, 1);
    call_cancel(&asked[1].call);
    answer(0, OK);
    run(&asked[0].ended);
    run(NULL);
    answer(0, OK);
    run(&asked[2].ended);
    ck_assert(!asked[1].ended);
    ck_assert_uint_eq(world.dialled, 1);
    for (unsigned i = 0; i < 3; i++)
        buffer_done(&asked[i].body);
    finish();
}

END_TEST

static const struct {
    struct span method, target, name, value;
} injected[] = {
    {SPAN("GET x"), SPAN("/"), SPAN("a"), SPAN("b")},
    {SPAN("GET"), SPAN("/ HTTP/1.1\r\nX: y"), SPAN("a"), SPAN("b")},
    {SPAN("GET"), SPAN(""), SPAN("a"), SPAN("b")},
    {SPAN("GET"), SPAN("/"), SPAN("a:"), SPAN("b")},
    {SPAN("GET"), SPAN("/"), SPAN("a"), SPAN("b\r\nc: d")},
    {SPAN("GET"), SPAN("/"), SPAN("a"), SPAN("b\0")},
};

START_TEST(nothing_is_smuggled_into_a_request)
{
    struct call_header header = {injected[_i].name, injected[_i].value};
    struct asked asked = {.request = {.method = injected[_i].method,
                                      .target = injected[_i].target,
                                      .headers = &header,
                                      .header_count = 1}};

    begin();
    ask(&asked, endpoint_of(0));
    ck_assert(!asked.ended);
    run(&asked.ended);
    ck_assert_int_eq(asked.fault, FAULT_internal);
    ck_assert_uint_eq(world.dialled, 0);
    buffer_done(&asked.body);
    finish();
}

END_TEST

static int listener(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)(void *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 10), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* localhost is ::1 and 127.0.0.1 in most hosts files: where only the second listens, it is
 * reached after the first refused. */
START_TEST(a_name_is_resolved_and_every_address_is_tried)
{
    struct asked asked = {0};
    struct endpoint_options options = {.host = SPAN("localhost"), .keep_ms = 1000};
    int fd;

    begin();
    fd = listener(&options.port);
    ask(&asked, upstream_endpoint(&world.upstream, &options));
    run(NULL);
    world.far[world.dialled++] = accept(fd, NULL, NULL);
    ck_assert_int_ge(world.far[0], 0);
    answer(0, OK);
    run(&asked.ended);
    ck_assert_int_eq(asked.fault, FAULT_NONE);
    (void)close(fd);
    buffer_done(&asked.body);
    finish();
}

END_TEST

START_TEST(a_refused_connection_is_a_fault)
{
    struct asked asked = {0};
    struct endpoint_options options = {.host = SPAN("127.0.0.1")};

    begin();
    (void)close(listener(&options.port));
    ask(&asked, upstream_endpoint(&world.upstream, &options));
    run(&asked.ended);
    ck_assert_int_eq(asked.fault, FAULT_connect_refused);
    buffer_done(&asked.body);
    finish();
}

END_TEST

START_TEST(a_proxy_is_asked_for_a_tunnel)
{
    struct asked asked = {0};
    struct endpoint_options options = {
        .host = SPAN("api.example"),
        .port = 443,
        .proxy_host = SPAN("127.0.0.1"),
        .proxy_authorization = {SPAN("Basic eDp5")},
        .keep_ms = 1000,
    };
    char text[1000];
    int fd;

    begin();
    fd = listener(&options.proxy_port);
    ask(&asked, upstream_endpoint(&world.upstream, &options));
    run(NULL);
    world.far[world.dialled++] = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
    (void)swallow(0, text, sizeof(text));
    ck_assert_str_eq(text, "CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n"
                           "Proxy-Authorization: Basic eDp5\r\n\r\n");
    answer(0, _i ? "HTTP/1.1 200 Connected\r\n\r\n"
                 : "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    if (_i) {
        (void)swallow(0, text, sizeof(text));
        ck_assert(strncmp(text, "POST /v1/x HTTP/1.1\r\nHost: api.example:443\r\n", 44) == 0);
        answer(0, OK);
    }
    run(&asked.ended);
    ck_assert_int_eq(asked.fault, _i ? FAULT_NONE : FAULT_connect_refused);
    (void)close(fd);
    buffer_done(&asked.body);
    finish();
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("upstream");
    TCase *tests = tcase_create("upstream");
    SRunner *runner;
    int failures;

    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, a_request_is_written_from_its_fields);
    tcase_add_test(tests, a_kept_connection_is_used_again);
    tcase_add_loop_test(tests, only_a_clean_connection_is_kept, 0, (int)ARRAY_LEN(keep_cases));
    tcase_add_test(tests, a_reused_connection_that_dies_unanswered_is_replaced_silently_once);
    tcase_add_loop_test(tests, an_answer_that_breaks_has_its_fault, 0,
                        (int)ARRAY_LEN(broken_cases));
    tcase_add_loop_test(tests, each_wait_has_its_own_limit, 0, (int)ARRAY_LEN(slow_cases));
    tcase_add_test(tests, a_cancelled_call_closes_its_connection);
    tcase_add_test(tests, a_paused_call_reads_nothing_more);
    tcase_add_test(tests, calls_over_the_limit_wait_their_turn);
    tcase_add_loop_test(tests, nothing_is_smuggled_into_a_request, 0, (int)ARRAY_LEN(injected));
    tcase_add_test(tests, a_name_is_resolved_and_every_address_is_tried);
    tcase_add_test(tests, a_refused_connection_is_a_fault);
    tcase_add_loop_test(tests, a_proxy_is_asked_for_a_tunnel, 0, 2);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? 1 : 0;
}
