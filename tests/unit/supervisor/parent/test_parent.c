/* The parent with children that are this very program (fake_children.h): it is executed again
 * with --role, as the real one is. The segment is handed over as systemd would, so that the
 * test can look into it. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/heritage/heritage.h"
#include "shared/segment/segment.h"

#include "supervisor/parent/parent.h"
#include "tests/support/folder.h"
#include "tests/unit/supervisor/parent/fake_children.h"

#define PATIENCE_MS 10000

static char folder[FOLDER_BYTES], settings[128], program[512], notify_path[128];
static const char *upgrade_path;
static struct segment *segment;
static int segment_fd, notify_fd;
static pid_t parent_pid;
static struct plan plan;

static void write_plan(void)
{
    int fd = open(settings, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, &plan, sizeof(plan)), sizeof(plan));
    (void)close(fd);
}

static void set_number(const char *name, long number)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%ld", number);
    (void)setenv(name, text, 1);
}

static void start_parent(void)
{
    parent_pid = fork();
    if (parent_pid != 0)
        return;
    (void)dup2(segment_fd, 3);
    (void)close_range(4, ~0U, 0);
    set_number("LISTEN_PID", getpid());
    (void)setenv("LISTEN_FDS", "1", 1);
    (void)setenv("LISTEN_FDNAMES", "aigw-segment", 1);
    (void)setenv("NOTIFY_SOCKET", notify_path, 1);
    (void)setenv("TEST_SETTINGS", settings, 1);
    (void)setenv("TEST_UPGRADE_PATH", upgrade_path, 1);
    CHECK(chdir(folder) == 0);
    _exit(run_parent(-1));
}

static void before(void)
{
    struct sockaddr_in *address = (void *)&plan.listeners[0].address;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

    ck_assert_int_gt(len, 0);
    program[len] = 0;
    upgrade_path = program;
    folder_make(folder, "parent");
    (void)snprintf(settings, sizeof(settings), "%s/plan", folder);
    (void)snprintf(notify_path, sizeof(notify_path), "%s/notify", folder);
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s/notify", folder);
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(notify_fd, (struct sockaddr *)&to, sizeof(to)), 0);
    segment = segment_create(&segment_fd);
    ck_assert_ptr_nonnull(segment);
    plan = (struct plan){
        .workers = 2, .listener_count = 1, .drain_ms = 5000, .watchdog_ms = 15000};
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    plan.listeners[0].address_len = sizeof(*address);
    write_plan();
}

static void after(void)
{
    char stay[160];

    if (parent_pid > 0) {
        (void)kill(parent_pid, SIGKILL);
        (void)waitpid(parent_pid, NULL, 0);
    }
    parent_pid = 0;
    (void)snprintf(stay, sizeof(stay), "%s/stay", folder);
    (void)unlink(stay);
    (void)unlink(settings);
    (void)unlink(notify_path);
    (void)rmdir(folder);
    (void)close(notify_fd);
    (void)close(segment_fd);
    segment_detach(segment);
}

static unsigned slots_in(uint32_t state)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++)
        count += atomic_load(&segment_slot(segment, i)->state) == state;
    return count;
}

typedef bool holds_f(uint64_t value);

static bool eventually(holds_f *holds, uint64_t value, uint64_t patience_ms)
{
    const struct timespec step = {.tv_nsec = 2000000};
    uint64_t until_ms = clock_monotonic_ms() + patience_ms;

    while (!holds(value)) {
        if (clock_monotonic_ms() > until_ms)
            return false;
        (void)nanosleep(&step, NULL);
    }
    return true;
}

static bool ready_are(uint64_t count)
{
    return slots_in(SLOT_READY) == count &&
           slots_in(SLOT_FREE) == SEGMENT_SLOTS - (unsigned)count;
}

static bool generation_is(uint64_t generation)
{
    return atomic_load(segment_generation(segment)) == generation;
}

static bool events_are(uint64_t count)
{
    return atomic_load(&segment_bucket(segment, 0)->level[0]) == count;
}

static pid_t worker_pid(uint32_t number)
{
    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++) {
        const struct slot *slot = segment_slot(segment, i);
        if (atomic_load(&slot->state) == SLOT_READY && atomic_load(&slot->number) == number)
            return (pid_t)atomic_load(&slot->pid);
    }
    return 0;
}

static bool worker_is_other_than(uint64_t pid)
{
    return ready_are(2) && worker_pid(0) != 0 && worker_pid(0) != (pid_t)pid &&
           worker_pid(1) != (pid_t)pid;
}

static bool no_process(uint64_t pid)
{
    return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

/* The pid of the controller: the child of the parent that holds no slot. */
static pid_t controller_pid(void)
{
    char path[64], text[256] = "";
    char *rest = text;
    int fd;
    pid_t pid;
    bool worker;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent_pid, parent_pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
    (void)close(fd);
    while ((pid = (pid_t)strtol(rest, &rest, 10)) > 0) {
        worker = false;
        for (uint32_t i = 0; i < SEGMENT_SLOTS; i++)
            worker = worker || atomic_load(&segment_slot(segment, i)->pid) == (uint32_t)pid;
        if (!worker)
            return pid;
    }
    return 0;
}

static bool notified(const char *word)
{
    struct pollfd polled = {.fd = notify_fd, .events = POLLIN};
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    char text[512];
    ssize_t len;

    while (clock_monotonic_ms() < until_ms && poll(&polled, 1, PATIENCE_MS) > 0) {
        len = recv(notify_fd, text, sizeof(text) - 1, 0);
        if (len <= 0)
            continue;
        text[len] = 0;
        if (strstr(text, word))
            return true;
    }
    return false;
}

static int exit_code(void)
{
    int status = 0;

    ck_assert_int_eq(waitpid(parent_pid, &status, 0), parent_pid);
    parent_pid = 0;
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void start_and_wait(void)
{
    start_parent();
    ck_assert(eventually(ready_are, plan.workers, PATIENCE_MS));
    ck_assert(notified("READY=1"));
}

START_TEST(start_brings_controller_and_workers_and_says_ready)
{
    uint64_t began_ms = clock_monotonic_ms();

    start_and_wait();
    ck_assert_uint_lt(clock_monotonic_ms() - began_ms, 2000);
    ck_assert(eventually(generation_is, 1, PATIENCE_MS));
    ck_assert_int_gt(controller_pid(), 0);
    ck_assert_int_ne(worker_pid(0), worker_pid(1));
}

END_TEST

START_TEST(wrong_settings_end_the_start_with_1)
{
    ck_assert_int_eq(truncate(settings, 3), 0);
    start_parent();
    ck_assert_int_eq(exit_code(), 1);
}

END_TEST

/* A listening socket of somebody else; its address becomes that of listener WHICH. */
static int occupy(unsigned which)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&plan.listeners[which].address, &len),
                     0);
    plan.listeners[which].address_len = len;
    write_plan();
    return fd;
}

START_TEST(address_in_use_ends_the_start_with_1)
{
    int fd = occupy(0);

    start_parent();
    ck_assert_int_eq(exit_code(), 1);
    (void)close(fd);
}

END_TEST

START_TEST(address_in_use_at_a_reload_changes_nothing_and_a_free_one_is_taken)
{
    pid_t worker;
    int fd;

    start_and_wait();
    worker = worker_pid(0);
    plan.listener_count = 2;
    fd = occupy(1);
    ck_assert_int_eq(kill(parent_pid, SIGHUP), 0);
    ck_assert(eventually(events_are, 1, PATIENCE_MS));
    ck_assert(generation_is(1));
    ck_assert_int_eq(worker_pid(0), worker);
    (void)close(fd);
    ck_assert_int_eq(kill(parent_pid, SIGHUP), 0);
    ck_assert(eventually(generation_is, 2, PATIENCE_MS));
    ck_assert(eventually(worker_is_other_than, (uint64_t)worker, PATIENCE_MS));
}

END_TEST

START_TEST(killed_worker_is_replaced_at_once)
{
    start_and_wait();
    for (unsigned i = 0; i < 3; i++) {
        pid_t victim = worker_pid(0);

        ck_assert_int_eq(kill(victim, SIGKILL), 0);
        ck_assert(eventually(worker_is_other_than, (uint64_t)victim, 500));
    }
}

END_TEST

START_TEST(killed_controller_is_replaced_and_workers_stay)
{
    pid_t first, workers[2];

    start_and_wait();
    workers[0] = worker_pid(0);
    workers[1] = worker_pid(1);
    first = controller_pid();
    ck_assert_int_eq(kill(first, SIGKILL), 0);
    ck_assert(eventually(generation_is, 2, PATIENCE_MS));
    ck_assert_int_ne(controller_pid(), first);
    ck_assert_int_eq(worker_pid(0), workers[0]);
    ck_assert_int_eq(worker_pid(1), workers[1]);
}

END_TEST

START_TEST(stuck_worker_is_killed_and_replaced)
{
    pid_t victim;

    plan.watchdog_ms = 600;
    write_plan();
    start_and_wait();
    victim = worker_pid(0);
    ck_assert_int_eq(kill(victim, SIGSTOP), 0);
    ck_assert(eventually(worker_is_other_than, (uint64_t)victim, PATIENCE_MS));
}

END_TEST

static bool workers_have(uint64_t generation)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++)
        count += atomic_load(&segment_slot(segment, i)->snapshot_generation) == generation;
    return count == plan.workers;
}

START_TEST(reload_sends_the_snapshot_to_every_worker)
{
    pid_t workers[2];

    start_and_wait();
    workers[0] = worker_pid(0);
    workers[1] = worker_pid(1);
    ck_assert_int_eq(kill(parent_pid, SIGHUP), 0);
    ck_assert(notified("RELOADING=1\nMONOTONIC_USEC="));
    ck_assert(eventually(generation_is, 2, PATIENCE_MS));
    ck_assert(eventually(workers_have, 2, PATIENCE_MS));
    ck_assert(notified("READY=1"));
    ck_assert_int_eq(worker_pid(0), workers[0]);
    ck_assert_int_eq(worker_pid(1), workers[1]);
}

END_TEST

START_TEST(refused_reload_changes_nothing)
{
    pid_t worker;

    start_and_wait();
    worker = worker_pid(0);
    ck_assert_int_eq(truncate(settings, 0), 0);
    ck_assert_int_eq(kill(parent_pid, SIGHUP), 0);
    ck_assert(notified("RELOADING=1"));
    ck_assert(notified("READY=1"));
    ck_assert(generation_is(1));
    ck_assert_int_eq(worker_pid(0), worker);
}

END_TEST

START_TEST(another_number_of_workers_is_a_new_crew)
{
    pid_t worker;

    start_and_wait();
    worker = worker_pid(0);
    plan.workers = 3;
    write_plan();
    ck_assert_int_eq(kill(parent_pid, SIGHUP), 0);
    ck_assert(eventually(ready_are, 3, PATIENCE_MS));
    ck_assert(eventually(no_process, (uint64_t)worker, PATIENCE_MS));
    ck_assert_int_ne(worker_pid(0), worker);
}

END_TEST

START_TEST(end_signal_drains_and_exits_with_0)
{
    start_and_wait();
    ck_assert_int_eq(kill(parent_pid, SIGTERM), 0);
    ck_assert(notified("STOPPING=1"));
    ck_assert_int_eq(exit_code(), 0);
    ck_assert_uint_eq(slots_in(SLOT_READY), 0);
}

END_TEST

START_TEST(second_end_signal_hurries)
{
    char stay[160];
    uint64_t began_ms;

    plan.drain_ms = 60000;
    write_plan();
    (void)snprintf(stay, sizeof(stay), "%s/stay", folder);
    (void)close(open(stay, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    start_and_wait();
    began_ms = clock_monotonic_ms();
    ck_assert_int_eq(kill(parent_pid, SIGTERM), 0);
    ck_assert(notified("STOPPING=1"));
    ck_assert_int_eq(kill(parent_pid, SIGTERM), 0);
    ck_assert_int_eq(exit_code(), 0);
    ck_assert_uint_lt(clock_monotonic_ms() - began_ms, 3000);
}

END_TEST

START_TEST(upgrade_replaces_every_process_in_the_same_pid)
{
    pid_t worker, controller;

    start_and_wait();
    worker = worker_pid(0);
    controller = controller_pid();
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(kill(parent_pid, SIGUSR2), 0);
        ck_assert(notified("STATUS=serving, upgraded"));
        ck_assert(eventually(worker_is_other_than, (uint64_t)worker, PATIENCE_MS));
        ck_assert(eventually(no_process, (uint64_t)controller, PATIENCE_MS));
        worker = worker_pid(0);
        controller = controller_pid();
    }
    ck_assert_int_eq(kill(worker, SIGKILL), 0);
    ck_assert(eventually(worker_is_other_than, (uint64_t)worker, 500));
    ck_assert_int_eq(kill(parent_pid, SIGTERM), 0);
    ck_assert_int_eq(exit_code(), 0);
}

END_TEST

START_TEST(upgrade_to_a_bad_binary_changes_nothing)
{
    static const char *const bad[] = {"/bin/false", "/bin/true", "/nonexistent", "/etc/passwd"};
    pid_t worker, controller;

    upgrade_path = bad[_i];
    start_and_wait();
    worker = worker_pid(0);
    controller = controller_pid();
    ck_assert_int_eq(kill(parent_pid, SIGUSR2), 0);
    ck_assert(eventually(events_are, 1, PATIENCE_MS));
    ck_assert(ready_are(2));
    ck_assert_int_eq(worker_pid(0), worker);
    ck_assert(!no_process((uint64_t)controller));
}

END_TEST

static int run_tests(void)
{
    Suite *suite = suite_create("parent");
    TCase *parent_case = tcase_create("processes");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_set_timeout(parent_case, 40);
    tcase_add_checked_fixture(parent_case, before, after);
    tcase_add_test(parent_case, start_brings_controller_and_workers_and_says_ready);
    tcase_add_test(parent_case, wrong_settings_end_the_start_with_1);
    tcase_add_test(parent_case, address_in_use_ends_the_start_with_1);
    tcase_add_test(parent_case,
                   address_in_use_at_a_reload_changes_nothing_and_a_free_one_is_taken);
    tcase_add_test(parent_case, killed_worker_is_replaced_at_once);
    tcase_add_test(parent_case, killed_controller_is_replaced_and_workers_stay);
    tcase_add_test(parent_case, stuck_worker_is_killed_and_replaced);
    tcase_add_test(parent_case, reload_sends_the_snapshot_to_every_worker);
    tcase_add_test(parent_case, refused_reload_changes_nothing);
    tcase_add_test(parent_case, another_number_of_workers_is_a_new_crew);
    tcase_add_test(parent_case, end_signal_drains_and_exits_with_0);
    tcase_add_test(parent_case, second_end_signal_hurries);
    tcase_add_test(parent_case, upgrade_replaces_every_process_in_the_same_pid);
    tcase_add_loop_test(parent_case, upgrade_to_a_bad_binary_changes_nothing, 0, 4);
    suite_add_tcase(suite, parent_case);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    int code = as_role(argc, argv);

    return code >= 0 ? code : run_tests();
}
