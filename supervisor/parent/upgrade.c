/* SIGUSR2: another binary in the place of this one, in the same process. docs/processes.md. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

#define TRIAL_MS   10000
#define UPGRADE_MS 30000

_Noreturn static void become_trial(const char *path, int out)
{
    char name[] = "aigw: trial", option[] = "--role", role[] = "trial";
    char *arguments[] = {name, option, role, NULL};
    sigset_t none;

    if (dup2(out, STDOUT_FILENO) < 0)
        _exit(EXIT_NOT_EXECUTED);
    (void)close_range(3, ~0U, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execv(path, arguments);
    _exit(EXIT_NOT_EXECUTED);
}

void upgrade_begin(struct parent *parent, uint64_t now_ms)
{
    struct upgrade *upgrade = &parent->upgrade;
    int ends[2];

    if (upgrade->stage != UPGRADE_NONE || parent->stage != STAGE_SERVES ||
        !parent->crew_complete) {
        log_note(LOG_WARNING, "upgrade not begun: the gateway starts, stops or upgrades");
        return;
    }
    *upgrade = (struct upgrade){.stage = UPGRADE_TRIAL,
                                .old_crew = parent->kept.crew,
                                .pipe_fd = -1,
                                .deadline_ms = now_ms + TRIAL_MS};
    log_event(LOG_INFO, "upgrade begins",
              LOG_TEXT_FIELD("path", span_of_text(parent->options->path)));
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        upgrade_failed(parent, "no pipe", now_ms);
        return;
    }
    upgrade->pipe_fd = ends[0];
    upgrade->pid = fork();
    if (upgrade->pid == 0)
        become_trial(parent->options->path, ends[1]);
    (void)close(ends[1]);
    if (upgrade->pid < 0)
        upgrade_failed(parent, "no process", now_ms);
}

static void forget_trial(struct upgrade *upgrade)
{
    if (upgrade->pipe_fd >= 0)
        (void)close(upgrade->pipe_fd);
    upgrade->pipe_fd = -1;
    upgrade->pid = 0;
}

/* Everything goes on with the processes of before; the old controller's place is filled again
 * by crew_tick. */
void upgrade_failed(struct parent *parent, const char *why, uint64_t now_ms)
{
    struct control_message message = {.kind = CONTROL_EVENT};
    const struct child *controller;

    if (parent->upgrade.stage == UPGRADE_NONE)
        return;
    if (parent->upgrade.pid > 0)
        (void)kill(parent->upgrade.pid, SIGKILL);
    forget_trial(&parent->upgrade);
    log_event(LOG_ERROR, "upgrade failed", LOG_TEXT_FIELD("why", span_of_text(why)));
    parent->upgrade.stage = UPGRADE_NONE;
    parent->kept.crew = parent->upgrade.old_crew;
    parent->program = parent->options->program;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (parent->kept.children[i].state != CHILD_NONE && parent->kept.children[i].fresh)
            child_kill(parent, &parent->kept.children[i], now_ms);
    controller = controller_of(parent);
    (void)snprintf(message.plan.note, sizeof(message.plan.note), "upgrade failed: %s", why);
    if (controller && !controller->fresh && controller->control_fd >= 0)
        (void)control_send(controller->control_fd, &message, -1);
}

static void read_trial(struct upgrade *upgrade)
{
    ssize_t got = read(upgrade->pipe_fd, upgrade->said, sizeof(upgrade->said));

    upgrade->said_len = got > 0 ? (size_t)got : 0;
}

void upgrade_trial_ended(struct parent *parent, int status, uint64_t now_ms)
{
    struct upgrade *upgrade = &parent->upgrade;
    struct child *controller = controller_of(parent);

    read_trial(upgrade);
    forget_trial(upgrade);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        upgrade_failed(parent, "the new binary does not run", now_ms);
        return;
    }
    if (!span_eq(span_of(upgrade->said, upgrade->said_len),
                 span_of_text(parent->options->build))) {
        upgrade_failed(parent, "the new binary lays memory out differently: restart instead",
                       now_ms);
        return;
    }
    upgrade->stage = UPGRADE_CONTROLLER;
    upgrade->deadline_ms = now_ms + UPGRADE_MS;
    parent->program = parent->options->path;
    if (controller == NULL)
        return;
    child_tell(controller, CONTROL_DRAIN, FLUSH_MS / 2);
    controller->state = CHILD_HURRIED;
    controller->deadline_ms = now_ms + FLUSH_MS;
}

/* ---- the state over exec ---- */

static void keep_descriptors(const struct parent_state *kept, bool over_exec)
{
    descriptor_keep(kept->segment_fd, over_exec);
    descriptor_keep(kept->snapshot_fd, over_exec);
    if (kept->cache_fd >= 0)
        descriptor_keep(kept->cache_fd, over_exec);
    for (uint32_t i = 0; i < kept->listener_count; i++)
        descriptor_keep(kept->listeners[i].fd, over_exec);
    for (uint32_t i = 0; i < kept->admin_count; i++)
        descriptor_keep(kept->admin[i].fd, over_exec);
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (kept->children[i].state != CHILD_NONE && kept->children[i].control_fd >= 0)
            descriptor_keep(kept->children[i].control_fd, over_exec);
}

static int write_state(const struct parent_state *kept)
{
    int fd = memfd_create("aigw-parent", 0);

    if (fd < 0)
        return -errno;
    if (pwrite(fd, kept, sizeof(*kept), 0) == (ssize_t)sizeof(*kept))
        return fd;
    (void)close(fd);
    return -EIO;
}

int upgrade_adopt(struct parent *parent, int fd)
{
    struct parent_state kept;
    struct stat status;
    bool sound = fstat(fd, &status) == 0 && status.st_size == (off_t)sizeof(kept) &&
                 pread(fd, &kept, sizeof(kept), 0) == (ssize_t)sizeof(kept) &&
                 kept.magic == PARENT_STATE_MAGIC && kept.size == sizeof(kept) &&
                 kept.listener_count <= HERITAGE_LISTENERS &&
                 kept.admin_count <= HERITAGE_ADMIN_MAX;

    (void)close(fd);
    if (!sound)
        return -EPROTO;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        kept.children[i].fresh = 0;
    parent->kept = kept;
    keep_descriptors(&parent->kept, false);
    return 0;
}

/* Comes back only when the exec failed: then this binary goes on as parent of the new children.
 */
static void exec_in_place(struct parent *parent)
{
    char program[4096], settings[HERITAGE_PATH_BYTES], number[16];
    char config[] = "--config", option[] = "--role", role[] = "parent", state[] = "--heritage";
    char *arguments[] = {program, config, settings, option, role, state, number, NULL};
    int fd = write_state(&parent->kept), error;

    (void)snprintf(program, sizeof(program), "%s", parent->options->path);
    (void)snprintf(settings, sizeof(settings), "%s", parent->options->settings_path);
    (void)snprintf(number, sizeof(number), "%d", fd);
    if (fd >= 0) {
        keep_descriptors(&parent->kept, true);
        (void)execv(program, arguments);
        error = errno;
        keep_descriptors(&parent->kept, false);
        (void)close(fd);
    } else {
        error = -fd;
    }
    log_event(LOG_ERROR, "upgrade: the parent stays the old binary", LOG_ERRNO_FIELD(error));
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        parent->kept.children[i].fresh = 0;
}

static void commit(struct parent *parent, uint64_t now_ms)
{
    parent->upgrade.stage = UPGRADE_NONE;
    crew_drain(parent, parent->kept.crew, CONTROL_REPLACED, now_ms);
    log_note(LOG_INFO, "upgrade: new processes serve, the parent follows");
    exec_in_place(parent);
}

void upgrade_tick(struct parent *parent, uint64_t now_ms)
{
    static const char *const late[] = {
        [UPGRADE_NONE] = "",
        [UPGRADE_TRIAL] = "the new binary did not answer",
        [UPGRADE_CONTROLLER] = "the new controller did not come up",
        [UPGRADE_WORKERS] = "the new workers were not ready in time",
    };

    if (parent->upgrade.stage == UPGRADE_NONE)
        return;
    if (parent->upgrade.stage == UPGRADE_WORKERS && parent->crew_complete)
        commit(parent, now_ms);
    else if (now_ms >= parent->upgrade.deadline_ms)
        upgrade_failed(parent, late[parent->upgrade.stage], now_ms);
}
