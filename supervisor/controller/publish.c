/* Settings and rows become a snapshot; who asked for it is told when it is in force. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/controller/inside.h"

static const struct configure_rows no_rows;

/* Makes the snapshot, maps it for the admin API.  Its descriptor or a negative errno. */
static int make_snapshot(struct controller *controller, uint64_t generation)
{
    const struct configure_rows *rows = controller->rows ? &controller->rows->table : &no_rows;
    struct configure_rows with_tokens = *rows;
    struct oauth_rows *oauth = &controller->house.oauth;
    struct configure_token *tokens =
        memory_new_array(oauth->count > 0 ? oauth->count : 1, sizeof(*tokens));
    struct snapshot *snapshot = NULL;
    struct buffer error;
    int fd;

    buffer_init(&error, 4096);
    with_tokens.tokens = tokens;
    with_tokens.token_count = oauth_tokens(oauth, tokens);
    with_tokens.catalogue = controller->house.catalogue = controller->catalogue;
    prices_follow(controller, &with_tokens);
    fd = configure_snapshot(controller->house.settings, &with_tokens, &controller->lasting,
                            generation, &error);
    memory_free(tokens);
    if (fd >= 0) {
        snapshot = snapshot_attach(fd, &error);
        if (!snapshot) {
            (void)close(fd);
            fd = -EPROTO;
        }
    }
    (void)snprintf(controller->snapshot_note, sizeof(controller->snapshot_note), "%.*s",
                   fd < 0 ? (int)error.len : 0, fd < 0 && error.ptr ? error.ptr : "");
    if (fd < 0)
        log_event(LOG_ERROR, "no snapshot could be made",
                  LOG_TEXT_FIELD("why", buffer_span(&error)), LOG_ERRNO_FIELD(fd));
    buffer_done(&error);
    if (snapshot) {
        if (controller->house.snapshot)
            snapshot_unref(controller->house.snapshot);
        controller->house.snapshot = snapshot;
        controller->house.rows = controller->rows ? rows : NULL;
    }
    return fd;
}

static void tell_ready(struct controller *controller)
{
    struct control_message message = {.kind = CONTROL_READY};

    if (!controller->ready_told)
        controller->ready_told =
            control_send(controller->heritage->control_fd, &message, -1) == 0;
}

void publish_now(struct controller *controller)
{
    struct control_message message = {.kind = CONTROL_PLAN};
    uint64_t generation = controller->generation + 1;
    int fd, result;

    oauth_follow(&controller->house.oauth, controller->house.settings);
    if (!controller->published && tokens_wait(controller)) {
        controller->tokens_changed = true;
        return;
    }
    fd = make_snapshot(controller, generation);
    drains_follow(controller);
    if (fd < 0)
        return;
    events_look(controller, clock_monotonic_ms());
    controller->generation = message.generation = generation;
    budgets_published(controller);
    share_follow(controller->house.share, controller->house.settings,
                 controller->house.snapshot, &controller->lasting.budgets);
    marks_follow(controller->house.marks,
                 controller->house.settings->cache.redis
                     ? secret_reveal(controller->house.settings->redis.value)
                     : SPAN_NONE);
    controller->published = true;
    message.plan = controller->plan;
    result = control_send(controller->heritage->control_fd, &message, fd);
    (void)close(fd);
    controller->plan_unsent = result == -EAGAIN;
    if (result != 0) {
        log_event(LOG_WARNING, "the plan could not be sent", LOG_ERRNO_FIELD(result));
        return;
    }
    controller->plan.needs_new_workers = 0;
    tell_ready(controller);
}

void publish_await(struct controller *controller, struct house_wait *wait)
{
    wait->generation = controller->generation;
    wait->until_ms = clock_monotonic_ms() + IN_FORCE_MS;
    wait->next = controller->waits;
    controller->waits = wait;
}

/* Ends the waits that FITS says; they may wait again from inside `done`. */
static void end_waits(struct controller *controller, uint64_t generation, uint64_t now_ms,
                      int code, struct span text)
{
    struct house_wait *waits = controller->waits;

    controller->waits = NULL;
    while (waits) {
        struct house_wait *wait = waits;

        waits = wait->next;
        if (wait->generation <= generation || wait->until_ms <= now_ms) {
            wait->done(wait, code, text);
        } else {
            wait->next = controller->waits;
            controller->waits = wait;
        }
    }
}

void publish_forget_before(struct controller *controller)
{
    if (!controller->confirmed || controller->reload.running)
        return;
    settings_free(controller->settings_before);
    catalogue_free(controller->catalogue_before);
    controller->settings_before = NULL;
    controller->catalogue_before = NULL;
}

void publish_in_force(struct controller *controller, uint64_t generation)
{
    if (generation >= controller->settings_generation)
        controller->confirmed = true;
    publish_forget_before(controller);
    end_waits(controller, generation, 0, 0, SPAN_NONE);
}

/* Providers that the settings expect in the store and that are not there: told when that
 * changes. */
static void tell_missing(struct controller *controller)
{
    struct buffer names;
    uint32_t at = 0, count = 0;
    struct span name;

    buffer_init(&names, 4096);
    while (controller->rows_fresh &&
           (name = configure_missing(controller->house.settings, &controller->rows->table, &at))
               .ptr) {
        (void)buffer_append(&names, count++ ? SPAN(", ") : SPAN(""));
        (void)buffer_append(&names, name);
    }
    if (count > 0 && count != controller->missing_told)
        log_event(LOG_WARNING, "providers of the settings are not in the store",
                  LOG_TEXT_FIELD("missing", buffer_span(&names)));
    controller->missing_told = count;
    buffer_done(&names);
}

/* Names in conditions of targets that nobody has: such a target gets no request. */
static void tell_unknown(struct controller *controller)
{
    struct buffer names _buffer_;
    uint32_t count;

    buffer_init(&names, 4096);
    if (!controller->rows_fresh)
        return;
    count = configure_unknown(controller->house.settings, &controller->rows->table, &names);
    if (count > 0 && count != controller->unknown_told)
        log_event(LOG_WARNING, "conditions of models name whom nobody knows",
                  LOG_TEXT_FIELD("unknown", buffer_span(&names)));
    controller->unknown_told = count;
}

/* Whoever has a key can make the gateway ask at these addresses. */
static void tell_allowed(struct controller *controller)
{
    const struct settings_list *allow = &controller->house.settings->media.allow;
    struct buffer addresses;

    buffer_init(&addresses, 8192);
    for (uint32_t i = 0; i < allow->count; i++) {
        (void)buffer_append(&addresses, i ? SPAN(", ") : SPAN(""));
        (void)buffer_append(&addresses, ((const struct span *)allow->rows)[i]);
    }
    if (allow->count > 0 && allow->count != controller->allowed_told)
        log_event(LOG_WARNING, "media.allow opens addresses that are not public to clients",
                  LOG_TEXT_FIELD("addresses", buffer_span(&addresses)));
    controller->allowed_told = allow->count;
    buffer_done(&addresses);
}

void publish_settings(struct controller *controller, struct settings *settings,
                      struct catalogue *catalogue, const struct plan *plan)
{
    if (controller->settings_before) {
        settings_free(controller->house.settings);
        catalogue_free(controller->catalogue);
    } else {
        controller->settings_before = controller->house.settings;
        controller->catalogue_before = controller->catalogue;
        controller->plan_before = controller->plan;
    }
    controller->house.settings = settings;
    controller->house.catalogue = controller->catalogue = catalogue;
    controller->plan = *plan;
    controller->refused = controller->confirmed = false;
    controller->settings_generation = controller->generation + 1;
    publish_now(controller);
    tell_missing(controller);
    tell_unknown(controller);
    tell_allowed(controller);
}

/* Who asked for those settings is told; other changes will be in force with the next snapshot.
 */
static void back_to_before(struct controller *controller)
{
    settings_free(controller->house.settings);
    catalogue_free(controller->catalogue);
    controller->house.settings = controller->settings_before;
    controller->house.catalogue = controller->catalogue = controller->catalogue_before;
    controller->settings_before = NULL;
    controller->catalogue_before = NULL;
    controller->plan = controller->plan_before;
    log_set_level((enum log_level)controller->house.settings->log.level);
    end_waits(controller, controller->settings_generation, 0, -EINVAL,
              span_of_text(controller->refused_note));
    controller->settings_generation = controller->generation + 1;
    publish_now(controller);
}

void publish_revert(struct controller *controller)
{
    if (!controller->refused || controller->reload.running)
        return;
    controller->refused = false;
    if (controller->settings_before) {
        back_to_before(controller);
        return;
    }
    /* A new controller found settings that cannot be: the address may become free. */
    controller->chores.plan_next_ms = clock_monotonic_ms() + PLAN_RETRY_MS;
    end_waits(controller, controller->generation, 0, -EINVAL,
              span_of_text(controller->refused_note));
}

void publish_refused(struct controller *controller, uint64_t generation, struct span note)
{
    if (generation < controller->settings_generation)
        return;
    (void)snprintf(controller->refused_note, sizeof(controller->refused_note), "%.*s",
                   SPAN_ARG(note));
    controller->refused = true;
    publish_revert(controller);
}

void publish_tick(struct controller *controller, uint64_t now_ms)
{
    if (controller->plan_unsent)
        publish_now(controller);
    end_waits(controller, 0, now_ms, -ETIMEDOUT, SPAN_NONE);
}

/* ---- rows of the store ------------------------------------------------------------------- */

struct load {
    struct line_job job;
    struct controller *controller;
    struct house_wait *wait; /* NULL: the chores asked */
    struct rows *rows;
    int result;
};

static void load_rows(struct line_job *job)
{
    struct load *load = (struct load *)(void *)job;
    struct house *house = &load->controller->house;

    int kept;

    load->result = rows_load(house->store, &house->vault, &load->rows);
    if (load->result < 0)
        return;
    /* For a start without the database.  The state folder never changes while we run. */
    kept = rows_keep(load->rows, &house->vault, load->controller->state_dir);
    if (kept < 0)
        log_event(LOG_WARNING, "the copy of the keys could not be written",
                  LOG_ERRNO_FIELD(kept));
}

static void rows_swap(struct controller *controller, struct rows *rows, bool fresh)
{
    struct rows *before = controller->rows;

    controller->rows = rows;
    controller->rows_fresh = fresh;
    publish_now(controller);
    if (controller->house.rows == (before ? &before->table : NULL))
        controller->house.rows = NULL;
    if (controller->rows && !controller->house.rows)
        controller->house.rows = &controller->rows->table;
    rows_free(before);
    tell_missing(controller);
    tell_unknown(controller);
    tell_allowed(controller);
}

static void tell_store(struct controller *controller, int result)
{
    struct buffer text;

    if ((result < 0) == controller->chores.store_failing)
        return;
    controller->chores.store_failing = result < 0;
    buffer_init(&text, 4096);
    if (result < 0) {
        store_write_error(controller->house.store, &text);
        log_event(LOG_ERROR, "the store cannot be read",
                  LOG_TEXT_FIELD("why", buffer_span(&text)), LOG_ERRNO_FIELD(result));
    } else {
        log_note(LOG_INFO, "the store answers again");
    }
    buffer_done(&text);
}

void publish_without_store(struct controller *controller)
{
    struct rows *rows = NULL;
    int result;

    if (controller->published)
        return;
    if (controller->rows_fresh) { /* it was tokens that the first snapshot waited for */
        publish_now(controller);
        return;
    }
    result = rows_read_kept(&controller->house.vault, controller->state_dir, &rows);

    if (result == 0)
        log_event(LOG_WARNING, "started with the keys of the last run",
                  LOG_NUMBER_FIELD("keys", rows->key_count));
    else
        log_event(LOG_WARNING, "started without keys", LOG_ERRNO_FIELD(result));
    budgets_without_store(controller, rows);
    rows_swap(controller, rows, false);
}

static void load_failed(struct controller *controller, struct load *load)
{
    tell_store(controller, load->result);
    controller->rows_fresh = false; /* it is tried again */
    publish_without_store(controller);
    if (load->wait)
        load->wait->done(load->wait, load->result, SPAN_NONE);
}

static void rows_loaded(struct line_job *job)
{
    struct load *load = (struct load *)(void *)job;
    struct controller *controller = load->controller;

    if (!load->wait)
        controller->loading = false;
    if (load->result < 0) {
        load_failed(controller, load);
    } else {
        tell_store(controller, 0);
        rows_swap(controller, load->rows, true);
        if (load->wait && controller->snapshot_note[0])
            load->wait->done(load->wait, -EINVAL, span_of_text(controller->snapshot_note));
        else if (load->wait)
            publish_await(controller, load->wait);
    }
    memory_free(load);
}

void publish_load(struct controller *controller, struct house_wait *wait)
{
    struct load *load = MEMORY_NEW(struct load);

    load->job.run = load_rows;
    load->job.done = rows_loaded;
    load->controller = controller;
    load->wait = wait;
    line_add(&controller->line, &load->job);
}
