#include "supervisor/controller/controller.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"
#include "shared/base/title.h"

#include "supervisor/controller/inside.h"
#include "supervisor/outbound/outbound.h"

#define ORPHAN_FLUSH_MS 1000
#define GENERATION_STEP 16 /* of a new controller: the one before may have sent some more */
#define ERRORS_BYTES    (1U << 20)

/* ---- what the parent says ---------------------------------------------------------------- */

static void admin_socket_came(struct controller *controller, int fd, bool unix_socket)
{
    int result = fd < 0 ? -EBADF : admin_listen(controller->admin, fd, unix_socket);

    if (result < 0)
        log_event(LOG_ERROR, "the admin API is not served on one of its sockets",
                  LOG_ERRNO_FIELD(result));
}

/* The one before is kept mapped by nobody but old workers. */
static void cache_came(struct controller *controller, int fd)
{
    struct cache *before = controller->house.cache;

    controller->house.cache = fd >= 0 ? cache_attach(fd) : NULL;
    if (controller->house.marks)
        marks_watch(controller->house.marks, controller->house.cache);
    cache_detach(before);
}

static void event_came(struct controller *controller, const struct control_message *message)
{
    (void)snprintf(controller->house.last_event, sizeof(controller->house.last_event), "%s",
                   message->plan.note);
    if (message->generation != 0)
        publish_refused(controller, message->generation,
                        span_of_text(controller->house.last_event));
}

static void message_came(struct controller *controller, const struct control_message *message,
                         int fd)
{
    switch ((enum control_kind)message->kind) {
    case CONTROL_RELOAD: reload_settings(controller, NULL); break;
    case CONTROL_IN_FORCE: publish_in_force(controller, message->generation); break;
    case CONTROL_ADMIN: admin_socket_came(controller, fd, message->value == 1); return;
    case CONTROL_CACHE: cache_came(controller, fd); break;
    case CONTROL_DEAD: chores_sweep(controller, (uint32_t)message->value); break;
    case CONTROL_DRAIN: chores_end(controller, message->value); break;
    case CONTROL_EVENT: event_came(controller, message); break;
    case CONTROL_READY:
    case CONTROL_PLAN:
    case CONTROL_SNAPSHOT:
    case CONTROL_REFUSED:
    case CONTROL_HURRY: break;
    }
    if (fd >= 0)
        (void)close(fd);
}

static void control_readable(uv_poll_t *poll, int status, int events)
{
    struct controller *controller = poll->data;
    struct control_message message;
    int fd = -1, got;

    (void)status;
    (void)events;
    while ((got = control_receive(controller->heritage->control_fd, &message, &fd)) == 1)
        message_came(controller, &message, fd);
    if (got == 0)
        return;
    log_event(LOG_WARNING, "the parent is gone: this controller ends", LOG_ERRNO_FIELD(got));
    (void)uv_poll_stop(poll);
    chores_end(controller, ORPHAN_FLUSH_MS);
}

static void ticked(uv_timer_t *timer)
{
    struct controller *controller = timer->data;
    uint64_t now_ms = clock_monotonic_ms();

    publish_tick(controller, now_ms);
    chores_tick(controller, now_ms);
}

/* ---- what the admin API asks ------------------------------------------------------------- */

static void house_work(struct house *house, struct line_job *job)
{
    line_add(&((struct controller *)(void *)house)->line, job);
}

static void house_publish(struct house *house, struct house_wait *wait)
{
    publish_load((struct controller *)(void *)house, wait);
}

static void house_reload(struct house *house, struct house_wait *wait)
{
    reload_settings((struct controller *)(void *)house, wait);
}

/* ---- start ------------------------------------------------------------------------------- */

static uint64_t next_journal(void *segment)
{
    return segment_next_journal(segment);
}

static void print_lines(struct span lines)
{
    (void)fprintf(stderr, "%.*s%s", SPAN_ARG(lines), span_ends(lines, SPAN("\n")) ? "" : "\n");
}

/* At a start, a file that cannot be read is no reason to serve nobody. */
static void read_catalogue(struct controller *controller, const char *file)
{
    struct buffer error;

    buffer_init(&error, ERRORS_BYTES);
    if (!configure_read_catalogue(controller->house.settings, file, &controller->catalogue,
                                  &error))
        log_event(LOG_ERROR, "the catalogue cannot be used: the built-in one stands for it",
                  LOG_TEXT_FIELD("why", span_trim(buffer_span(&error))));
    buffer_done(&error);
}

/* The first settings must be right: nothing runs before. */
static bool read_settings(struct controller *controller)
{
    const char *file = controller->heritage->settings_path;
    struct buffer errors;
    struct settings *settings;
    bool good = true;

    buffer_init(&errors, ERRORS_BYTES);
    settings = settings_read(file, &errors);
    if (settings && (!settings_files_there(settings, file, &errors) ||
                     !configure_plan(settings, file, NULL, &controller->plan, &errors))) {
        settings_free(settings);
        settings = NULL;
    }
    if (!settings) {
        print_lines(buffer_span(&errors));
        good = false;
    } else {
        log_open("controller", (enum log_level)settings->log.level,
                 (enum log_form)settings->log.format);
    }
    controller->house.settings = settings;
    buffer_done(&errors);
    if (good)
        read_catalogue(controller, file);
    return good;
}

static bool failed(const char *what, struct buffer *why, int error)
{
    log_event(LOG_ERROR, "the controller cannot start",
              LOG_TEXT_FIELD("what", span_of_text(what)),
              LOG_TEXT_FIELD("why", buffer_span(why)), LOG_ERRNO_FIELD(error));
    return false;
}

static void make_folder(struct span path)
{
    char name[4096];

    (void)snprintf(name, sizeof(name), "%.*s", SPAN_ARG(path));
    (void)mkdir(name, 0700);
}

static bool open_rooms(struct controller *controller, struct buffer *why)
{
    struct house *house = &controller->house;
    struct span store = secret_reveal(house->settings->store.value);
    struct span token = SPAN_NONE;
    int result;

    (void)snprintf(controller->state_dir_text, sizeof(controller->state_dir_text), "%.*s",
                   SPAN_ARG(house->settings->state_dir));
    controller->state_dir = span_of_text(controller->state_dir_text);
    make_folder(controller->state_dir);
    result = vault_open(&house->vault, controller->state_dir, secret_of(SPAN_NONE), why);
    if (result < 0)
        return failed("master key", why, result);
    house->store = store_open(store, why);
    if (!house->store)
        return failed("store", why, -EINVAL);
    house->ledger =
        ledger_open(controller->state_dir, house->store, next_journal, house->segment, why);
    if (!house->ledger)
        return failed("ledger", why, -EINVAL);
    result = token_open(controller->state_dir, &token);
    if (result < 0)
        log_event(LOG_ERROR, "the admin token cannot be had: no admin API over TCP",
                  LOG_ERRNO_FIELD(result));
    house->admin_token = token;
    return true;
}

/* What the snapshot in force says that a controller before us made. */
static void adopt(struct controller *controller)
{
    struct snapshot *snapshot = NULL;
    struct buffer why _buffer_;

    buffer_init(&why, 1000);
    if (controller->heritage->snapshot_fd >= 0) /* NULL: of another version of the program */
        snapshot = snapshot_attach(controller->heritage->snapshot_fd, &why);
    tokens_adopt(controller, snapshot);
    if (!snapshot)
        return;
    configure_adopt_health(&controller->lasting.health, snapshot);
    snapshot_unref(snapshot);
}

static void start_loop(struct controller *controller)
{
    struct house *house = &controller->house;
    uint64_t generation = atomic_load(segment_generation(controller->house.segment));

    controller->generation = generation ? generation + GENERATION_STEP : 0;
    controller->admin = admin_new(&controller->house);
    controller->control.data = controller;
    controller->ticker.data = controller;
    CHECK(uv_poll_init(&controller->loop, &controller->control,
                       controller->heritage->control_fd) == 0);
    CHECK(uv_poll_start(&controller->control, UV_READABLE, control_readable) == 0);
    CHECK(uv_timer_init(&controller->loop, &controller->ticker) == 0);
    CHECK(uv_timer_start(&controller->ticker, ticked, TICK_MS, TICK_MS) == 0);
    adopt(controller);
    budgets_start(controller);
    events_start(controller);
    house->share = share_new(&controller->loop, house->segment, house->store);
    house->marks = marks_new(&controller->loop);
    marks_watch(house->marks, house->cache);
    chores_start(controller);
}

static void ignore_signals(void)
{
    static const int ignored[] = {SIGPIPE, SIGINT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        (void)sigaction(ignored[i], &ignore, NULL);
}

static void fill_house(struct controller *controller)
{
    struct house *house = &controller->house;

    house->loop = &controller->loop;
    house->settings_file = controller->heritage->settings_path;
    house->started_ms = clock_monotonic_ms();
    house->started_wall_ms = clock_wall_ms();
    house->parent_pid = controller->heritage->parent_pid;
    house->work = house_work;
    house->publish = house_publish;
    house->reload = house_reload;
    controller->line.loop = &controller->loop;
}

static void close_rooms(struct controller *controller)
{
    /* A job that still runs holds them; the end of the process closes what is left. */
    if (!line_idle(&controller->line) || share_busy(controller->house.share))
        return;
    share_free(controller->house.share);
    marks_free(controller->house.marks);
    watch_free(controller->house.watch);
    probes_free(controller->house.probes);
    event_log_free(controller->house.events);
    oauth_done(&controller->house.oauth);
    configure_lasting_done(&controller->lasting);
    memory_free(controller->chores.budgets.asked);
    memory_free(controller->chores.budgets.kept);
    memory_free(controller->chores.budgets.told);
    ledger_close(controller->house.ledger);
    store_close(controller->house.store);
    vault_done(&controller->house.vault);
}

int controller_main(const struct heritage *heritage)
{
    /* Reachable until the very end, for the leak checker. */
    static struct controller *controller;
    struct buffer why;
    bool good;

    ignore_signals();
    /* Jobs of the line run one at a time, on whichever thread of the pool is free: a heap for
     * each thread would only be several high-water marks of the same work. */
    (void)mallopt(M_ARENA_MAX, 1);
    title_set("aigw: controller");
    log_open("controller", LOG_INFO, LOG_AUTO);
    controller = MEMORY_NEW(struct controller);
    controller->heritage = heritage;
    fill_house(controller);
    outbound_open();
    controller->house.segment = segment_attach(heritage->segment_fd);
    if (!controller->house.segment || uv_loop_init(&controller->loop) < 0) {
        log_note(LOG_ERROR, "the controller cannot start: no segment or no loop");
        return 1;
    }
    cache_came(controller, heritage->cache_fd);
    controller->lasting.segment = controller->house.segment;
    controller->house.budgets = &controller->lasting.budgets;
    controller->lasting.blocked = budgets_blocked;
    controller->lasting.who = controller;
    if (!read_settings(controller))
        return CONTROLLER_BAD_SETTINGS;
    buffer_init(&why, 4096);
    good = open_rooms(controller, &why);
    buffer_done(&why);
    if (!good)
        return 1;
    start_loop(controller);
    (void)uv_run(&controller->loop, UV_RUN_DEFAULT);
    close_rooms(controller);
    return 0;
}
