/* The settings file is read anew, on the pool: files and names are slow. */
#include <errno.h>

#include "shared/base/log.h"

#include "supervisor/controller/inside.h"

#define ERRORS_BYTES (1U << 20)

static void start(struct controller *controller);

static void read_settings(uv_work_t *work)
{
    struct controller *controller = work->data;
    struct reload *reload = &controller->reload;

    const char *file = controller->heritage->settings_path;

    reload->read = settings_read(file, &reload->errors);
    reload->catalogue = NULL;
    if (reload->read &&
        (!settings_files_there(reload->read, file, &reload->errors) ||
         !configure_read_catalogue(reload->read, file, &reload->catalogue, &reload->errors) ||
         !configure_plan(reload->read, file, reload->in_force, &reload->plan,
                         &reload->errors))) {
        settings_free(reload->read);
        catalogue_free(reload->catalogue);
        reload->read = NULL;
    }
}

static void log_lines(struct span lines)
{
    struct span line;

    while (span_cut(&lines, '\n', &line)) {
        if (line.len)
            log_event(LOG_ERROR, "settings are wrong", LOG_TEXT_FIELD("where", line));
    }
}

static void refused(struct controller *controller)
{
    struct control_message message = {.kind = CONTROL_REFUSED};
    struct reload *reload = &controller->reload;

    log_lines(buffer_span(&reload->errors));
    log_note(LOG_ERROR, "reload refused: the settings before stay in force");
    (void)control_send(controller->heritage->control_fd, &message, -1);
    while (reload->waits) {
        struct house_wait *wait = reload->waits;

        reload->waits = wait->next;
        wait->done(wait, -EINVAL, buffer_span(&reload->errors));
    }
}

static void taken(struct controller *controller)
{
    struct reload *reload = &controller->reload;
    struct span store_before = secret_reveal(controller->house.settings->store.value);

    if (!span_eq(store_before, secret_reveal(reload->read->store.value)))
        log_note(LOG_WARNING, "another store is taken at the next start");
    log_set_level((enum log_level)reload->read->log.level);
    publish_settings(controller, reload->read, reload->catalogue, &reload->plan);
    log_event(LOG_INFO, "reload: new settings",
              LOG_NUMBER_FIELD("generation", controller->generation));
    while (reload->waits) {
        struct house_wait *wait = reload->waits;

        reload->waits = wait->next;
        publish_await(controller, wait);
    }
}

static void settings_were_read(uv_work_t *work, int status)
{
    struct controller *controller = work->data;
    struct reload *reload = &controller->reload;

    (void)status;
    reload->running = false;
    publish_forget_before(controller);
    if (reload->read)
        taken(controller);
    else
        refused(controller);
    reload->read = NULL;
    publish_revert(controller);
    buffer_done(&reload->errors);
    if (reload->again) {
        reload->again = false;
        reload->waits = reload->waits_again;
        reload->waits_again = NULL;
        start(controller);
    }
}

static void start(struct controller *controller)
{
    struct reload *reload = &controller->reload;

    reload->running = true;
    reload->in_force =
        controller->settings_before ? controller->settings_before : controller->house.settings;
    buffer_init(&reload->errors, ERRORS_BYTES);
    reload->work.data = controller;
    if (uv_queue_work(&controller->loop, &reload->work, read_settings, settings_were_read) < 0)
        settings_were_read(&reload->work, UV_ENOMEM);
}

/* The file may have changed after a reading that runs began: such a caller waits for the next
 * one. */
void reload_settings(struct controller *controller, struct house_wait *wait)
{
    struct reload *reload = &controller->reload;
    struct house_wait **list = reload->running ? &reload->waits_again : &reload->waits;

    if (wait) {
        wait->next = *list;
        *list = wait;
    }
    if (reload->running)
        reload->again = true;
    else
        start(controller);
}
