#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "worker/upstream/resolve.h"

#define TYPE_A 1

/* A name server in the test's own hands. */
static struct {
    struct reactor reactor;
    struct resolver *resolver;
    int fd;
    unsigned asked; /* questions that came */
    bool silent;
    struct lookup lookups[8];
    struct resolve_answer answers[8];
    bool resolved[8];
} world;

static void begin(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    struct resolver_options options = {.timeout_ms = 300, .tries = 1, .ttl_least_ms = 50};
    const char *error = NULL;
    char servers[32];

    memset(&world, 0, sizeof(world));
    world.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(world.fd, (struct sockaddr *)(void *)&address, size), 0);
    ck_assert_int_eq(getsockname(world.fd, (struct sockaddr *)(void *)&address, &size), 0);
    (void)snprintf(servers, sizeof(servers), "127.0.0.1:%u", ntohs(address.sin_port));
    options.servers = servers;
    ck_assert_int_eq(reactor_init(&world.reactor), 0);
    world.resolver = resolver_new(&world.reactor, &options, &error);
    ck_assert_msg(world.resolver != NULL, "%s", error);
}

/* Answers one question (RFC 1035 4.1): 10.0.0.7 for A, nothing for AAAA, silence for names that
 * begin with "hang". */
static void serve(void)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 7};
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    uint8_t text[512];
    ssize_t count = recvfrom(world.fd, text, sizeof(text) - sizeof(record), 0,
                             (struct sockaddr *)(void *)&from, &size);
    size_t end = 12;

    if (count < 17)
        return;
    world.asked++;
    if (world.silent || memcmp(text + 13, "hang", 4) == 0)
        return;
    while (text[end] != 0)
        end += (size_t)text[end] + 1;
    end += 5;
    text[2] = 0x81;
    text[3] = 0x80;
    text[7] = text[end - 3] == TYPE_A;
    memset(text + 8, 0, 4); /* the additional record of the question is left out */
    if (text[7])
        memcpy(text + end, record, sizeof(record));
    (void)sendto(world.fd, text, end + (text[7] ? sizeof(record) : 0), 0,
                 (struct sockaddr *)(void *)&from, size);
}

static uint64_t run(const bool *until, unsigned most_ms)
{
    uint64_t begin_ms = clock_monotonic_ms();

    while (!(until && *until) && clock_monotonic_ms() - begin_ms < most_ms) {
        (void)uv_run(&world.reactor.loop, UV_RUN_NOWAIT);
        serve();
        (void)usleep(200);
    }
    return clock_monotonic_ms() - begin_ms;
}

static void finish(void)
{
    resolver_free(world.resolver);
    (void)run(NULL, 20);
    (void)close(world.fd);
    reactor_done(&world.reactor);
}

static void resolved(struct lookup *lookup, const struct resolve_answer *answer)
{
    size_t at = (size_t)(lookup - world.lookups);

    world.answers[at] = *answer;
    world.resolved[at] = true;
}

static bool ask(unsigned at, const char *name)
{
    world.resolved[at] = false;
    return resolve(world.resolver, &world.lookups[at], span_of_text(name), resolved,
                   &world.answers[at]);
}

static void check_address(unsigned at)
{
    ck_assert_uint_eq(world.answers[at].count, 1);
    ck_assert_uint_eq(ntohl(world.answers[at].addresses[0].v4.sin_addr.s_addr), 0x0a000007);
}

START_TEST(four_hung_names_delay_nobody)
{
    static const char *const hung[] = {"hang1.test", "hang2.test", "hang3.test", "hang4.test"};

    begin();
    for (unsigned i = 0; i < 4; i++)
        ck_assert(!ask(i, hung[i]));
    ck_assert(!ask(4, "good.test"));
    ck_assert_uint_lt(run(&world.resolved[4], 5000), 200);
    check_address(4);
    (void)run(&world.resolved[3], 5000);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(world.resolved[i]);
        ck_assert_uint_eq(world.answers[i].count, 0);
        ck_assert_ptr_nonnull(world.answers[i].error);
    }
    finish();
}

END_TEST

START_TEST(answers_are_kept_and_serve_when_the_server_is_dead)
{
    unsigned asked;

    begin();
    ck_assert(!ask(0, "good.test"));
    ck_assert(!ask(1, "GOOD.test")); /* waits for the same question */
    (void)run(&world.resolved[1], 5000);
    check_address(0);
    check_address(1);
    asked = world.asked;
    ck_assert(ask(2, "good.test"));
    check_address(2);
    ck_assert_uint_eq(world.asked, asked);
    /* Past its time, and nobody answers: the old one serves at once and goes on serving. */
    world.silent = true;
    (void)run(NULL, 80);
    ck_assert(ask(3, "good.test"));
    check_address(3);
    (void)run(NULL, 500);
    ck_assert_uint_gt(world.asked, asked);
    ck_assert(ask(4, "good.test"));
    check_address(4);
    finish();
}

END_TEST

START_TEST(addresses_and_hosts_need_no_question)
{
    begin();
    ck_assert(ask(0, "192.0.2.1"));
    ck_assert_uint_eq(ntohl(world.answers[0].addresses[0].v4.sin_addr.s_addr), 0xc0000201);
    ck_assert(ask(1, "2001:db8::1"));
    ck_assert_int_eq(world.answers[1].addresses[0].any.sa_family, AF_INET6);
    ck_assert(ask(2, "localhost") || run(&world.resolved[2], 1000) < 1000);
    ck_assert_uint_gt(world.answers[2].count, 0);
    ck_assert_uint_eq(world.asked, 0);
    ck_assert(ask(3, ""));
    ck_assert_uint_eq(world.answers[3].count, 0);
    finish();
}

END_TEST

START_TEST(a_cancelled_look_up_says_nothing)
{
    begin();
    ck_assert(!ask(0, "good.test"));
    ck_assert(!ask(1, "good.test"));
    lookup_cancel(&world.lookups[0]);
    (void)run(&world.resolved[1], 5000);
    ck_assert(!world.resolved[0]);
    check_address(1);
    finish();
}

END_TEST

START_TEST(a_name_more_than_are_kept_takes_the_place_of_the_oldest)
{
    char name[32];

    begin();
    ck_assert(!ask(1, "hang1.test")); /* is waited for, so it stays */
    for (unsigned i = 0; i < RESOLVE_CACHE_MAX + 5; i++) {
        (void)snprintf(name, sizeof(name), "n%u.test", i);
        ck_assert(!ask(0, name));
        (void)run(&world.resolved[0], 5000);
        check_address(0);
    }
    ck_assert_msg(!ask(2, "n0.test"), "it should have gone");
    (void)run(&world.resolved[2], 5000);
    check_address(2);
    ck_assert(ask(3, name)); /* the newest is still known */
    (void)run(&world.resolved[1], 5000);
    ck_assert(world.resolved[1]);
    finish();
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("resolve");
    TCase *tests = tcase_create("resolve");
    SRunner *runner;
    int failures;

    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, four_hung_names_delay_nobody);
    tcase_add_test(tests, answers_are_kept_and_serve_when_the_server_is_dead);
    tcase_add_test(tests, addresses_and_hosts_need_no_question);
    tcase_add_test(tests, a_cancelled_look_up_says_nothing);
    tcase_add_test(tests, a_name_more_than_are_kept_takes_the_place_of_the_oldest);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? 1 : 0;
}
