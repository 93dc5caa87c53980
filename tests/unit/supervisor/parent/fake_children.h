/* tests/unit/supervisor/parent/fake_children.h
 *
 * The other half of test_parent: what that program is when the parent under test executes it
 * with --role. The fake controller takes its plan from the settings file, which holds a struct
 * plan; an empty file is a wrong one. Events that it is told are counted in the segment's first
 * bucket. Included once.
 */
#ifndef TESTS_FAKE_CHILDREN_H
#define TESTS_FAKE_CHILDREN_H

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/heritage/heritage.h"
#include "shared/segment/segment.h"

#include "supervisor/parent/parent.h"

#define BUILD_LINE "test 1\n"

static bool read_plan(const char *path, struct plan *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool whole = fd >= 0 && read(fd, ret, sizeof(*ret)) == (ssize_t)sizeof(*ret);

    if (fd >= 0)
        (void)close(fd);
    return whole;
}

static void send_plan(const struct heritage *heritage, struct segment *mapped)
{
    static uint64_t generation;
    struct control_message message = {.kind = CONTROL_PLAN};
    int fd = memfd_create("snapshot", MFD_CLOEXEC);

    if (!read_plan(heritage->settings_path, &message.plan)) {
        if (generation == 0)
            _exit(78);
        message.kind = CONTROL_REFUSED;
    }
    generation = atomic_load(segment_generation(mapped)) + 1;
    message.generation = generation;
    CHECK(control_send(heritage->control_fd, &message,
                       message.kind == CONTROL_PLAN ? fd : -1) == 0);
    (void)close(fd);
}

static int fake_controller(const struct heritage *heritage, struct segment *mapped)
{
    struct pollfd polled = {.fd = heritage->control_fd, .events = POLLIN};
    struct control_message message = {.kind = CONTROL_READY};
    int fd, got;

    send_plan(heritage, mapped);
    CHECK(control_send(heritage->control_fd, &message, -1) == 0);
    for (;;) {
        (void)poll(&polled, 1, -1);
        got = control_receive(heritage->control_fd, &message, &fd);
        if (got < 0 || (got == 1 && message.kind == CONTROL_DRAIN))
            return 0;
        if (got == 1 && message.kind == CONTROL_RELOAD)
            send_plan(heritage, mapped);
        if (got == 1 && message.kind == CONTROL_EVENT)
            atomic_fetch_add(&segment_bucket(mapped, 0)->level[0], 1);
        if (got == 1 && message.kind == CONTROL_DEAD)
            atomic_store(&segment_slot(mapped, (uint32_t)message.value)->state, SLOT_FREE);
    }
}

static int fake_worker(const struct heritage *heritage, struct segment *mapped)
{
    struct slot *slot = segment_slot(mapped, heritage->slot);
    struct pollfd polled = {.fd = heritage->control_fd, .events = POLLIN};
    struct control_message message = {.kind = CONTROL_READY};
    int fd, got;

    CHECK(heritage->listener_count >= 1 && heritage->snapshot_fd >= 0);
    CHECK(fcntl(heritage->listeners[0], F_GETFD) >= 0);
    atomic_store(&slot->heartbeat_ms, clock_monotonic_ms());
    atomic_store(&slot->state, SLOT_READY);
    CHECK(control_send(heritage->control_fd, &message, -1) == 0);
    for (;;) {
        atomic_store(&slot->heartbeat_ms, clock_monotonic_ms());
        (void)poll(&polled, 1, 50);
        got = control_receive(heritage->control_fd, &message, &fd);
        if (got < 0)
            return 0;
        if (got == 1 && message.kind == CONTROL_SNAPSHOT) {
            CHECK(fd >= 0);
            (void)close(fd);
            atomic_store(&slot->snapshot_generation, message.generation);
        }
        if (got == 1 && message.kind == CONTROL_DRAIN) {
            atomic_store(&slot->state, SLOT_DRAINING);
            if (access("stay", F_OK) != 0)
                return 0;
        }
        if (got == 1 && message.kind == CONTROL_HURRY)
            return 0;
    }
}

static int fake_child(int heritage_fd)
{
    struct heritage heritage;
    struct segment *mapped;

    CHECK(heritage_read(heritage_fd, &heritage) == 0);
    mapped = segment_attach(heritage.segment_fd);
    CHECK(mapped != NULL);
    return heritage.role == ROLE_WORKER ? fake_worker(&heritage, mapped)
                                        : fake_controller(&heritage, mapped);
}

static int run_parent(int state_fd)
{
    const struct parent_options options = {.program = "/proc/self/exe",
                                           .path = getenv("TEST_UPGRADE_PATH"),
                                           .settings_path = getenv("TEST_SETTINGS"),
                                           .build = BUILD_LINE,
                                           .state_fd = state_fd};

    log_open("parent", LOG_ERROR, LOG_JSON);
    return parent_main(&options);
}

/* Same program, as role. The descriptor is the last argument. */
static int as_role(int argc, char **argv)
{
    const char *role = NULL;

    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--role") == 0)
            role = argv[i + 1];
    if (role == NULL)
        return -1;
    if (strcmp(role, "trial") == 0)
        return fputs(BUILD_LINE, stdout) < 0;
    if (strcmp(role, "parent") == 0)
        return run_parent((int)strtol(argv[argc - 1], NULL, 10));
    return fake_child((int)strtol(argv[argc - 1], NULL, 10));
}

#endif
