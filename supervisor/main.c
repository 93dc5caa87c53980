/* aigw: one binary, three roles. Without --role it is the parent. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/base/log.h"
#include "shared/base/title.h"
#include "shared/heritage/heritage.h"
#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

#include "supervisor/configure/check.h"
#include "supervisor/controller/controller.h"
#include "supervisor/parent/parent.h"
#include "worker/worker.h"

#define EXIT_USAGE 2

static const char usage_text[] =
    "usage: aigw [--config FILE] [--check | --print-config]\n"
    "       aigw --print-sample | --print-settings-reference | --version | --help\n"
    "\n"
    "  -c, --config FILE            settings (./aigw.yaml, else " AIGW_CONFIG_FILE ")\n"
    "  --check                      reads the settings, says what is wrong, exits 0 or 1\n"
    "  --print-config               the settings as they would be in force, secrets masked\n"
    "  --print-sample               a settings file to begin with\n"
    "  --print-settings-reference   every setting, explained\n"
    "\n"
    "Signals: HUP reloads, TERM drains (twice: hurries), USR2 takes the binary anew.\n";

enum action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_PRINT_CONFIG,
    ACTION_PRINT_SAMPLE,
    ACTION_PRINT_REFERENCE,
    ACTION_VERSION,
    ACTION_HELP
};

struct arguments {
    const char *settings_path, *role;
    enum action action;
    int heritage_fd;
};

/* What this binary's memory and messages look like; `--role trial` prints it, so that a running
 * parent sees whether it can hand its children over. */
static const char *build_line(char *line, size_t size)
{
    (void)snprintf(line, size,
                   "heritage %d/%zu/%zu segment %d/%zu/%zu snapshot %d/%zu parent %lu\n",
                   HERITAGE_VERSION, sizeof(struct heritage), sizeof(struct control_message),
                   SEGMENT_VERSION, sizeof(struct metric_row), sizeof(struct slot),
                   SNAPSHOT_VERSION, sizeof(struct snapshot_header_page), parent_state_size());
    return line;
}

static const struct {
    const char *name;
    enum action action;
} actions[] = {
    {"--check", ACTION_CHECK},
    {"--print-config", ACTION_PRINT_CONFIG},
    {"--print-sample", ACTION_PRINT_SAMPLE},
    {"--print-settings-reference", ACTION_PRINT_REFERENCE},
    {"--version", ACTION_VERSION},
    {"--help", ACTION_HELP},
    {"-h", ACTION_HELP},
};

static bool read_action(const char *argument, struct arguments *arguments)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (strcmp(argument, actions[i].name) == 0) {
            arguments->action = actions[i].action;
            return true;
        }
    return false;
}

static bool read_descriptor(const char *text, int *ret)
{
    uint64_t number;

    if (!span_read_u64(span_of_text(text), &number) || number > INT_MAX)
        return false;
    *ret = (int)number;
    return true;
}

static bool read_value(const char *name, const char *value, struct arguments *arguments)
{
    if (strcmp(name, "--config") == 0 || strcmp(name, "-c") == 0)
        arguments->settings_path = value;
    else if (strcmp(name, "--role") == 0)
        arguments->role = value;
    else
        return strcmp(name, "--heritage") == 0 &&
               read_descriptor(value, &arguments->heritage_fd);
    return true;
}

static bool read_arguments(int argc, char **argv, struct arguments *ret)
{
    *ret = (struct arguments){.heritage_fd = -1};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0) {
            ret->settings_path = argv[i] + 9;
        } else if (!read_action(argv[i], ret)) {
            if (i + 1 == argc || !read_value(argv[i], argv[i + 1], ret)) {
                (void)fprintf(stderr, "aigw: %s: not understood or incomplete\n%s", argv[i],
                              usage_text);
                return false;
            }
            i++;
        }
    }
    if (ret->settings_path == NULL)
        ret->settings_path = access("aigw.yaml", F_OK) == 0 ? "aigw.yaml" : AIGW_CONFIG_FILE;
    return true;
}

/* Keys and prompts never reach a core file or another process's eyes. */
static void harden(void)
{
    const struct rlimit none = {0, 0};
    struct rlimit files;

    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak check attaches to its own process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* Descriptors 0 to 2 exist, so that no socket becomes standard error. */
static void fill_standard(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

/* PATH made absolute without following links: a link that is turned around is an upgrade too.
 */
static bool make_absolute(const char *path, char *ret, size_t size)
{
    char folder[PATH_MAX];
    int len;

    if (path[0] == '/')
        len = snprintf(ret, size, "%s", path);
    else if (getcwd(folder, sizeof(folder)) != NULL)
        len = snprintf(ret, size, "%s/%s", folder, path);
    else
        return false;
    return len > 0 && (size_t)len < size;
}

static bool find_binary(const char *called, char *ret, size_t size)
{
    ssize_t len;

    if (strchr(called, '/') != NULL)
        return make_absolute(called, ret, size);
    len = readlink("/proc/self/exe", ret, size - 1);
    if (len <= 0)
        return false;
    ret[len] = 0;
    return true;
}

static int run_parent(const struct arguments *arguments, const char *called)
{
    char settings[HERITAGE_PATH_BYTES], path[PATH_MAX], line[256];
    struct parent_options options = {.program = "/proc/self/exe",
                                     .path = path,
                                     .settings_path = settings,
                                     .build = build_line(line, sizeof(line)),
                                     .state_fd = arguments->heritage_fd};

    log_open("parent", LOG_INFO, LOG_AUTO);
    if (!make_absolute(arguments->settings_path, settings, sizeof(settings)) ||
        !find_binary(called, path, sizeof(path))) {
        log_note(LOG_ERROR, "path of the settings or of the binary is too long");
        return 1;
    }
    return parent_main(&options);
}

static int run_child(const struct arguments *arguments)
{
    struct heritage heritage;
    char title[32];

    if (heritage_read(arguments->heritage_fd, &heritage) < 0) {
        (void)fprintf(stderr, "aigw: --role is for its own use: no heritage\n");
        return EXIT_USAGE;
    }
    if (heritage.role == ROLE_WORKER)
        (void)snprintf(title, sizeof(title), "aigw: worker %u", heritage.number);
    else
        (void)snprintf(title, sizeof(title), "aigw: controller");
    title_set(title);
    log_open(title + strlen("aigw: "), LOG_INFO, LOG_AUTO);
    return heritage.role == ROLE_WORKER ? worker_main(&heritage) : controller_main(&heritage);
}

static int run_role(const struct arguments *arguments, const char *called)
{
    char line[256];

    if (arguments->role != NULL && strcmp(arguments->role, "trial") == 0)
        return fputs(build_line(line, sizeof(line)), stdout) < 0 || fflush(stdout) != 0;
    fill_standard();
    harden();
    if (arguments->role == NULL || strcmp(arguments->role, "parent") == 0)
        return run_parent(arguments, called);
    return run_child(arguments);
}

int main(int argc, char **argv)
{
    struct arguments arguments;

    if (!read_arguments(argc, argv, &arguments))
        return EXIT_USAGE;
    title_open(argc, argv);
    switch (arguments.action) {
    case ACTION_RUN: return run_role(&arguments, argv[0]);
    case ACTION_CHECK: return configure_check(arguments.settings_path);
    case ACTION_PRINT_CONFIG: return configure_print(arguments.settings_path);
    case ACTION_PRINT_SAMPLE: return configure_print_sample();
    case ACTION_PRINT_REFERENCE: return configure_print_reference();
    case ACTION_VERSION: return puts("aigw " AIGW_VERSION) < 0;
    case ACTION_HELP: return fputs(usage_text, stdout) < 0;
    }
    return EXIT_USAGE;
}
