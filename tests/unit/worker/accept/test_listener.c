#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "worker/accept/listener.h"

#define WORKERS_MAX 4
#define KEPT        32
#define SHARE_MAX   60 /* per cent */
#define PATIENCE_MS 5000

/* What the workers share. */
struct crew {
    _Atomic uint32_t connections[WORKERS_MAX];
    _Atomic bool live[WORKERS_MAX];
};

static struct crew *crew;
static struct reactor reactor;
static struct listener listener;
static unsigned self, workers;
static pid_t children[WORKERS_MAX];
static int sockets[2], accepted_fds[KEPT * 8];
static unsigned accepted_count, closed_count;
static struct sockaddr_in address;

static uint32_t lowest(struct listener *which)
{
    uint32_t found = UINT32_MAX;

    (void)which;
    for (unsigned i = 0; i < workers; i++)
        if (crew->live[i] && crew->connections[i] < found)
            found = crew->connections[i];
    return found;
}

/* A worker says who it is and keeps the connection. */
static void accepted(struct listener *which, int fd, unsigned at)
{
    char name = (char)('0' + self);

    (void)which;
    CHECK(at == 0);
    CHECK(send(fd, &name, 1, 0) == 1);
    if (accepted_count < ARRAY_LEN(accepted_fds))
        accepted_fds[accepted_count++] = fd;
}

static void closed(struct listener *which)
{
    (void)which;
    closed_count++;
}

static struct listener_owner owner_of(unsigned worker)
{
    return (struct listener_owner){.accepted = accepted,
                                   .lowest = lowest,
                                   .closed = closed,
                                   .connections = &crew->connections[worker]};
}

static int listen_on_loopback(void)
{
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 256), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return fd;
}

_Noreturn static void work(unsigned worker)
{
    struct listener_owner owner = owner_of(worker);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    self = worker;
    CHECK(reactor_init(&reactor) == 0);
    CHECK(listener_open(&listener, &reactor, &owner, sockets, 1) == 0);
    (void)uv_run(&reactor.loop, UV_RUN_DEFAULT);
    _exit(0);
}

static void start_workers(unsigned count)
{
    workers = count;
    for (unsigned i = 0; i < count; i++) {
        crew->live[i] = true;
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            work(i);
    }
}

static void stop_worker(unsigned worker)
{
    ck_assert_int_eq(kill(children[worker], SIGKILL), 0);
    ck_assert_int_eq(waitpid(children[worker], NULL, 0), children[worker]);
    children[worker] = 0;
}

static void before(void)
{
    crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(crew, MAP_FAILED);
    sockets[0] = listen_on_loopback();
    accepted_count = closed_count = self = 0;
}

static void after(void)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        if (children[i])
            stop_worker(i);
    (void)close(sockets[0]);
    (void)munmap(crew, sizeof(*crew));
}

static int knock(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Which worker took FD. */
static unsigned answered(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char name;

    ck_assert_int_eq(poll(&ready, 1, PATIENCE_MS), 1);
    ck_assert_int_eq(recv(fd, &name, 1, 0), 1);
    return (unsigned)(name - '0');
}

static void check_shares(const unsigned *taken)
{
    for (unsigned i = 0; i < workers; i++)
        ck_assert_msg(taken[i] > 0 && taken[i] * 100 <= KEPT * SHARE_MAX, "worker %u took %u",
                      i, taken[i]);
}

/* Even: one after the other; odd: all at once. */
START_TEST(kept_connections_are_spread)
{
    static const unsigned crews[] = {2, 2, 4, 4};
    unsigned taken[WORKERS_MAX] = {0};
    int fds[KEPT];

    start_workers(crews[_i]);
    for (unsigned i = 0; i < KEPT; i++) {
        fds[i] = knock();
        if (_i % 2 == 0)
            taken[answered(fds[i])]++;
    }
    for (unsigned i = 0; i < KEPT; i++) {
        if (_i % 2)
            taken[answered(fds[i])]++;
        (void)close(fds[i]);
    }
    check_shares(taken);
}

END_TEST

/* It stays marked as alive, with no connection: the others wait for it, but not for ever. */
START_TEST(nothing_is_lost_when_a_worker_dies_and_nobody_has_noticed)
{
    int fds[KEPT];

    start_workers(2);
    ck_assert_uint_lt(answered(fds[0] = knock()), 2);
    crew->connections[1] = 0;
    stop_worker(1);
    for (unsigned i = 1; i < KEPT; i++)
        fds[i] = knock();
    for (unsigned i = 1; i < KEPT; i++)
        ck_assert_uint_eq(answered(fds[i]), 0);
    for (unsigned i = 0; i < KEPT; i++)
        (void)close(fds[i]);
}

END_TEST

/* ---- in one process -------------------------------------------------------------------- */

static void open_here(void)
{
    struct listener_owner owner = owner_of(0);

    workers = 2;
    crew->live[0] = crew->live[1] = true;
    ck_assert_int_eq(reactor_init(&reactor), 0);
    ck_assert_int_eq(listener_open(&listener, &reactor, &owner, sockets, 1), 0);
}

static void close_here(void)
{
    listener_close(&listener);
    listener_close(&listener);
    while (!closed_count)
        (void)uv_run(&reactor.loop, UV_RUN_ONCE);
    reactor_done(&reactor);
    for (unsigned i = 0; i < accepted_count; i++)
        (void)close(accepted_fds[i]);
}

START_TEST(a_worker_with_many_connections_steps_back_and_then_takes_one)
{
    int fd;

    crew->connections[0] = LISTENER_LEAD + 1;
    open_here();
    fd = knock();
    while (listener.steps_total < LISTENER_PATIENCE) {
        ck_assert_uint_eq(accepted_count, 0);
        (void)uv_run(&reactor.loop, UV_RUN_ONCE);
    }
    while (accepted_count == 0)
        (void)uv_run(&reactor.loop, UV_RUN_ONCE);
    /* One more: after the one that was taken it looked for another. */
    ck_assert_uint_le(listener.steps_total, LISTENER_PATIENCE + 1);
    ck_assert_uint_eq(crew->connections[0], LISTENER_LEAD + 2);
    listener_left(&listener);
    ck_assert_uint_eq(crew->connections[0], LISTENER_LEAD + 1);
    (void)close(fd);
    close_here();
}

END_TEST

START_TEST(one_turn_takes_a_bounded_number)
{
    int fds[LISTENER_PER_TURN * 2];

    crew->connections[1] = 1000;
    open_here();
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = knock();
    workers = 1;
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(accepted_count, LISTENER_PER_TURN);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(accepted_count, LISTENER_PER_TURN * 2);
    ck_assert_uint_eq(crew->connections[0], LISTENER_PER_TURN * 2);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
    close_here();
}

END_TEST

START_TEST(without_descriptors_it_pauses_and_goes_on)
{
    struct rlimit limit, few;
    int fd;

    open_here();
    fd = knock();
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(accepted_count, 1);
    (void)close(fd);
    fd = knock();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(accepted_count, 1);
    ck_assert_uint_eq(listener.pauses_total, 1);
    ck_assert_uint_eq(crew->connections[0], 1);
    while (accepted_count < 2)
        (void)uv_run(&reactor.loop, UV_RUN_ONCE);
    (void)close(fd);
    close_here();
}

END_TEST

START_TEST(the_last_descriptors_are_left_for_others)
{
    struct rlimit limit, few;
    int clients[3], opened[LISTENER_RESERVE * 4];
    unsigned count = 0;

    open_here();
    crew->connections[1] = 1000;
    workers = 1;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = (struct rlimit){.rlim_cur = LISTENER_RESERVE * 3, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        clients[i] = knock();
    do {
        opened[count] = dup(STDERR_FILENO);
    } while (opened[count++] < LISTENER_RESERVE * 2 - 2);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    /* The first accepted one still came from below the reserve, the second is of it. */
    ck_assert_uint_eq(accepted_count, 2);
    ck_assert_uint_eq(listener.pauses_total, 1);
    while (count > 0)
        (void)close(opened[--count]);
    while (accepted_count < 3)
        (void)uv_run(&reactor.loop, UV_RUN_ONCE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        (void)close(clients[i]);
    close_here();
}

END_TEST

START_TEST(a_closed_listener_leaves_the_queue_to_others)
{
    int fd;

    open_here();
    listener_close(&listener);
    fd = knock();
    for (int i = 0; i < 5; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(accepted_count, 0);
    start_workers(1);
    ck_assert_uint_eq(answered(fd), 0);
    (void)close(fd);
    close_here();
}

END_TEST

START_TEST(what_is_no_listening_socket_is_refused)
{
    struct listener_owner owner = owner_of(0);
    int pair[2], none = -1;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(listener_open(&listener, &reactor, &owner, pair, 1), -EINVAL);
    ck_assert_int_eq(listener_open(&listener, &reactor, &owner, &none, 1), -EBADF);
    ck_assert_int_eq(listener_open(&listener, &reactor, &owner, NULL, 0), -EINVAL);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("listener");
    TCase *accept_case = tcase_create("accept");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_set_timeout(accept_case, 30);
    tcase_add_checked_fixture(accept_case, before, after);
    tcase_add_loop_test(accept_case, kept_connections_are_spread, 0, 4);
    tcase_add_test(accept_case, nothing_is_lost_when_a_worker_dies_and_nobody_has_noticed);
    tcase_add_test(accept_case, a_worker_with_many_connections_steps_back_and_then_takes_one);
    tcase_add_test(accept_case, one_turn_takes_a_bounded_number);
    tcase_add_test(accept_case, without_descriptors_it_pauses_and_goes_on);
    tcase_add_test(accept_case, the_last_descriptors_are_left_for_others);
    tcase_add_test(accept_case, a_closed_listener_leaves_the_queue_to_others);
    tcase_add_test(accept_case, what_is_no_listening_socket_is_refused);
    suite_add_tcase(suite, accept_case);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
