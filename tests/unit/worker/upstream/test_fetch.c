#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "worker/upstream/fetch.h"

#define FETCHES 4
#define TYPE_A  1

/* A name server and a host of files in the test's own hands, both on this machine. */
static struct {
    struct reactor reactor;
    struct http_scratch scratch;
    struct fetcher fetcher;
    struct arena arena;
    struct net own; /* 127.0.0.1 */
    struct fetch_rules rules;
    int names, host;
    uint8_t address[4]; /* what each name leads to */
    uint16_t port;
    const char *answer; /* to each request; NULL: silence */
    int open[16];
    unsigned accepted, asked;
    struct fetch fetches[FETCHES];
    struct buffer bodies[FETCHES];
    bool ended[FETCHES];
    bool cancels; /* at the first piece */
} world;

static int bound(int kind, uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)(void *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void set_up(void)
{
    struct resolver_options options = {.timeout_ms = 300, .tries = 1, .ttl_least_ms = 1};
    const char *error = NULL;
    char servers[32];
    uint16_t port;

    memset(&world, 0, sizeof(world));
    world.names = bound(SOCK_DGRAM, &port);
    (void)snprintf(servers, sizeof(servers), "127.0.0.1:%u", port);
    options.servers = servers;
    world.host = bound(SOCK_STREAM, &world.port);
    ck_assert_int_eq(listen(world.host, 16), 0);
    ck_assert_int_eq(reactor_init(&world.reactor), 0);
    world.reactor.http = &world.scratch;
    world.fetcher.resolver = resolver_new(&world.reactor, &options, &error);
    ck_assert_ptr_nonnull(world.fetcher.resolver);
    upstream_init(&world.fetcher.upstream, &world.reactor, world.fetcher.resolver,
                  SPAN("test"));
    world.fetcher.most = FETCHES;
    arena_init(&world.arena, 0);
    ck_assert(net_read(SPAN("127.0.0.1"), &world.own));
    world.rules = (struct fetch_rules){
        .allow = &world.own, .allow_count = 1, .http = true, .limit_bytes = 1000};
    memcpy(world.address, (uint8_t[]){127, 0, 0, 1}, 4);
}

/* Each A question gets the address, for a second; all others get nothing. */
static void serve_names(void)
{
    uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    uint8_t text[512];
    ssize_t count = recvfrom(world.names, text, sizeof(text) - sizeof(record), 0,
                             (struct sockaddr *)(void *)&from, &size);
    size_t end = 12;

    if (count < 17)
        return;
    while (text[end] != 0)
        end += (size_t)text[end] + 1;
    end += 5;
    text[2] = 0x81;
    text[3] = 0x80;
    text[7] = text[end - 3] == TYPE_A;
    memset(text + 8, 0, 4);
    memcpy(record + 12, world.address, 4);
    memcpy(text + end, record, sizeof(record));
    (void)sendto(world.names, text, end + (text[7] ? sizeof(record) : 0), 0,
                 (struct sockaddr *)(void *)&from, size);
}

static void serve_files(void)
{
    char text[2000];
    int fd = accept4(world.host, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0)
        world.open[world.accepted++] = fd;
    for (unsigned i = 0; i < world.accepted; i++) {
        if (read(world.open[i], text, sizeof(text)) <= 0)
            continue;
        world.asked++;
        if (world.answer)
            ck_assert_int_gt(write(world.open[i], world.answer, strlen(world.answer)), 0);
    }
}

static void run(const bool *done)
{
    uint64_t until_ms = clock_monotonic_ms() + (done ? 5000 : 30);

    while (!(done && *done) && clock_monotonic_ms() < until_ms) {
        (void)uv_run(&world.reactor.loop, UV_RUN_NOWAIT);
        serve_names();
        serve_files();
        (void)usleep(200);
    }
    ck_assert(!done || *done);
}

static void tear_down(void)
{
    run(NULL);
    ck_assert_ptr_null(world.fetcher.upstream.endpoints); /* none outlives its fetch */
    fetcher_done(&world.fetcher);
    run(NULL);
    for (unsigned i = 0; i < world.accepted; i++)
        (void)close(world.open[i]);
    for (unsigned i = 0; i < FETCHES; i++)
        buffer_done(&world.bodies[i]);
    (void)close(world.names);
    (void)close(world.host);
    reactor_done(&world.reactor);
    arena_done(&world.arena);
}

static void piece(struct fetch *fetch, struct span bytes)
{
    (void)buffer_append(&world.bodies[fetch - world.fetches], bytes);
    if (world.cancels)
        fetch_cancel(fetch);
}

static void ended(struct fetch *fetch)
{
    ck_assert(!world.ended[fetch - world.fetches]);
    world.ended[fetch - world.fetches] = true;
}

static const struct fetch_events events = {piece, ended};

/* A '*' in URL is the port. */
static void start(unsigned at, const char *url)
{
    struct fetch *fetch = &world.fetches[at];
    struct span rest = span_of_text(url), before = SPAN_NONE;
    struct buffer text _buffer_;

    buffer_init(&text, 200);
    ck_assert(span_cut(&rest, '*', &before));
    (void)buffer_append(&text, before);
    (void)buffer_append_u64(&text, world.port);
    (void)buffer_append(&text, rest);
    *fetch = (struct fetch){.events = &events, .rules = &world.rules, .arena = &world.arena};
    world.ended[at] = false;
    buffer_done(&world.bodies[at]);
    buffer_init(&world.bodies[at], 1 << 20);
    fetch_start(fetch, &world.fetcher, buffer_span(&text));
    ck_assert_msg(!world.ended[at], "told from inside");
}

static void expect_end(unsigned at, const char *why)
{
    run(&world.ended[at]);
    ck_assert_msg((why == NULL) == (world.fetches[at].why == NULL), "%s",
                  world.fetches[at].why);
    if (why)
        ck_assert_str_eq(world.fetches[at].why, why);
}

#define FILE_ANSWER \
    "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 5\r\n\r\nbytes"
#define INSIDE "its host has no public address"

START_TEST(a_file_comes_with_its_type)
{
    world.answer = FILE_ANSWER;
    start(0, "http://127.0.0.1:*/x");
    expect_end(0, NULL);
    ck_assert(span_eq(buffer_span(&world.bodies[0]), SPAN("bytes")));
    ck_assert(span_eq(world.fetches[0].type, SPAN("image/png")));
}

END_TEST

/* The name's answer counts when the connection is made, whatever it was before. */
START_TEST(a_name_that_leads_inside_is_not_connected_to)
{
    world.answer = FILE_ANSWER;
    start(0, "http://files.test:*/x");
    expect_end(0, NULL);
    ck_assert_uint_eq(world.accepted, 1);
    memcpy(world.address, (uint8_t[]){127, 0, 0, 2}, 4);
    run(NULL); /* the first answer is past its time, and one more use is lent to it */
    start(0, "http://files.test:*/x");
    expect_end(0, NULL);
    run(NULL);
    start(1, "http://files.test:*/x");
    expect_end(1, INSIDE);
    ck_assert(span_eq(world.fetches[1].cause, SPAN("a loopback address")));
    ck_assert_uint_eq(world.accepted, 2);
}

END_TEST

START_TEST(without_a_rule_only_the_public_internet_is_asked)
{
    static const char *const urls[] = {"http://127.0.0.1:*/",          "http://[::1]:*/",
                                       "http://[::ffff:127.0.0.1]:*/", "http://10.0.0.1:*/",
                                       "http://169.254.169.254/?*",    "http://files.test:*/"};

    world.rules.allow_count = 0;
    for (unsigned i = 0; i < ARRAY_LEN(urls); i++) {
        start(0, urls[i]);
        expect_end(0, INSIDE);
    }
    ck_assert_uint_eq(world.accepted, 0);
}

END_TEST

static const struct {
    const char *answer, *why; /* NULL: it goes on */
} answers[] = {
    {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "its host answered with status 404"},
    {"HTTP/1.1 204 No\r\n\r\n", "its host answered with status 204"},
    {"HTTP/1.1 304 No\r\n\r\n", "its host answered with status 304"},
    {"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
     "it leads on to what is no address of the web"},
    {"HTTP/1.1 302 Found\r\nLocation: file:///x\r\nContent-Length: 0\r\n\r\n",
     "it leads on to what is no address of the web"},
    {
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n",
        INSIDE,
    },
    {"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
     "it leads on too often"},
    {
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        "it is larger than this gateway fetches",
    },
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", NULL},
    {"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
     "it is sent in a content coding"},
    {"nonsense\r\n\r\n", "its host does not answer in HTTP"},
};

START_TEST(what_is_no_file_is_told)
{
    world.answer = answers[_i].answer;
    start(0, "http://127.0.0.1:*/x");
    if (answers[_i].why) {
        expect_end(0, answers[_i].why);
        return;
    }
    run(NULL);
    ck_assert(!world.ended[0]);
    fetch_cancel(&world.fetches[0]);
}

END_TEST

START_TEST(three_redirects_are_followed)
{
    world.answer = "HTTP/1.1 307 Go\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n";
    start(0, "http://127.0.0.1:*/x");
    while (world.asked < FETCH_REDIRECTS_MAX)
        run(NULL);
    expect_end(0, "it leads on too often");
    ck_assert_uint_eq(world.asked, FETCH_REDIRECTS_MAX + 1);
}

END_TEST

START_TEST(a_file_that_grows_over_the_limit_ends)
{
    world.answer = "HTTP/1.1 200 OK\r\n\r\n12345";
    world.rules.limit_bytes = 4;
    start(0, "http://127.0.0.1:*/x");
    expect_end(0, "it is larger than this gateway fetches");
    ck_assert_uint_eq(world.bodies[0].len, 0);
}

END_TEST

START_TEST(only_https_is_fetched_where_the_rules_say_so)
{
    world.rules.http = false;
    start(0, "http://127.0.0.1:*/x");
    expect_end(0, "only https is fetched here");
    start(0, "ftp://127.0.0.1:*/x");
    expect_end(0, "it is no address of the web");
    ck_assert_uint_eq(world.accepted, 0);
}

END_TEST

START_TEST(others_wait_for_their_turn)
{
    world.fetcher.most = 1;
    for (unsigned i = 0; i < FETCHES; i++)
        start(i, "http://127.0.0.1:*/x");
    run(NULL);
    ck_assert_uint_eq(world.accepted, 1);
    fetch_cancel(&world.fetches[2]); /* waits */
    fetch_cancel(&world.fetches[0]); /* is on its way */
    world.answer = FILE_ANSWER;
    expect_end(1, NULL);
    expect_end(3, NULL);
    ck_assert(!world.ended[0] && !world.ended[2]);
    ck_assert_uint_eq(world.accepted, 3);
    ck_assert_uint_eq(world.fetcher.running, 0);
}

END_TEST

START_TEST(it_can_be_cancelled_in_its_own_event)
{
    world.answer = FILE_ANSWER;
    world.cancels = true;
    start(0, "http://127.0.0.1:*/x");
    while (world.bodies[0].len == 0)
        run(NULL);
    run(NULL);
    ck_assert(!world.ended[0]);
    ck_assert_uint_eq(world.fetcher.running, 0);
    start(1, "ftp://x/*");
    fetch_cancel(&world.fetches[1]); /* before it is told that this is no address */
    run(NULL);
    ck_assert(!world.ended[1]);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("fetch");
    TCase *tests = tcase_create("fetch");

    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_file_comes_with_its_type);
    tcase_add_test(tests, a_name_that_leads_inside_is_not_connected_to);
    tcase_add_test(tests, without_a_rule_only_the_public_internet_is_asked);
    tcase_add_loop_test(tests, what_is_no_file_is_told, 0, (int)ARRAY_LEN(answers));
    tcase_add_test(tests, three_redirects_are_followed);
    tcase_add_test(tests, a_file_that_grows_over_the_limit_ends);
    tcase_add_test(tests, only_https_is_fetched_where_the_rules_say_so);
    tcase_add_test(tests, others_wait_for_their_turn);
    tcase_add_test(tests, it_can_be_cancelled_in_its_own_event);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
