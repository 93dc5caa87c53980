/* Prices that come into force by themselves, and the price list that the settings name. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "shared/base/log.h"

#include "supervisor/controller/inside.h"

#define LIST_LOOK_MS 60000 /* whether the file is another one */
#define ERROR_BYTES  1000

void prices_follow(struct controller *controller, const struct configure_rows *rows)
{
    struct price_table table;

    configure_prices(controller->house.settings, rows, &table);
    controller->chores.prices.change_ms = price_table_next(&table, clock_wall_ms());
    price_table_done(&table);
}

/* ---- the list ---------------------------------------------------------------------------- */

static struct prices_chore *of_job(struct line_job *job)
{
    return (struct prices_chore *)(void *)((char *)job - offsetof(struct prices_chore, job));
}

/* Where a file of that size and age is, so that it is read once. */
static bool is_seen(const struct prices_chore *chore, const struct stat *now)
{
    return chore->done && chore->size == now->st_size && chore->inode == now->st_ino &&
           chore->changed.tv_sec == now->st_mtim.tv_sec &&
           chore->changed.tv_nsec == now->st_mtim.tv_nsec;
}

static int import_file(struct prices_chore *chore, struct buffer *error)
{
    struct price_import import = {.name = span_of_text(chore->file),
                                  .sha256 = chore->sha256[0] ? span_of_text(chore->sha256)
                                                             : SPAN_NONE,
                                  .unless_same = true};
    struct buffer text _buffer_;
    int result;

    buffer_init(&text, PRICE_LIST_MAX);
    result = file_read(chore->file, &text);
    if (result < 0) {
        (void)buffer_append(error, span_of_text(log_error_text(result)));
        return -EINVAL;
    }
    result =
        price_rows_import(chore->store, buffer_span(&text), &import, clock_wall_ms(), error);
    chore->models = import.models;
    chore->imported = result == 0 && !import.same;
    return result;
}

static void run_import(struct line_job *job)
{
    struct prices_chore *chore = of_job(job);
    struct buffer error _buffer_;
    struct stat now = {0};

    buffer_init(&error, ERROR_BYTES);
    chore->imported = false;
    if (stat(chore->file, &now) == 0 && is_seen(chore, &now)) {
        chore->result = chore->failing ? -EINVAL : 0;
        return;
    }
    chore->result = import_file(chore, &error);
    chore->done = chore->result == 0 || chore->result == -EINVAL;
    chore->size = now.st_size;
    chore->inode = now.st_ino;
    chore->changed = now.st_mtim;
    (void)snprintf(chore->why, sizeof(chore->why), "%.*s", SPAN_ARG(buffer_span(&error)));
}

/* What is refused is told once; the store's troubles are told elsewhere. */
static void tell_import(struct controller *controller, struct prices_chore *chore)
{
    if (chore->imported)
        log_event(LOG_INFO, "a price list was imported",
                  LOG_TEXT_FIELD("file", span_of_text(chore->file)),
                  LOG_NUMBER_FIELD("models", chore->models));
    if (chore->result == -EINVAL && !chore->failing) {
        atomic_fetch_add(&controller->house.price_lists_refused, 1);
        log_event(LOG_ERROR, "a price list is refused: the last good one stands",
                  LOG_TEXT_FIELD("file", span_of_text(chore->file)),
                  LOG_TEXT_FIELD("why", span_of_text(chore->why)));
    }
    chore->failing = chore->result == -EINVAL;
    controller->house.price_list_refused = chore->failing;
}

static void import_ran(struct line_job *job)
{
    struct prices_chore *chore = of_job(job);
    struct controller *controller = chore->controller;

    chore->busy = false;
    chore->next_ms = clock_monotonic_ms() +
                     (chore->result < 0 && chore->result != -EINVAL ? RETRY_MS : LIST_LOOK_MS);
    tell_import(controller, chore);
    if (chore->imported) {
        controller->rows_fresh = false;
        controller->chores.load_next_ms = 0;
    }
}

/* Other settings than those that the chore has: it begins anew. */
static void take_settings(struct prices_chore *chore, const struct settings *settings)
{
    char file[sizeof(chore->file)], sha256[sizeof(chore->sha256)];

    (void)snprintf(file, sizeof(file), "%.*s", SPAN_ARG(settings->prices_file));
    (void)snprintf(sha256, sizeof(sha256), "%.*s", SPAN_ARG(settings->prices_sha256));
    if (strcmp(file, chore->file) == 0 && strcmp(sha256, chore->sha256) == 0)
        return;
    memcpy(chore->file, file, sizeof(file));
    memcpy(chore->sha256, sha256, sizeof(sha256));
    chore->done = chore->failing = false;
    chore->next_ms = 0;
}

static void list_tick(struct controller *controller, uint64_t now_ms)
{
    struct prices_chore *chore = &controller->chores.prices;

    if (chore->busy)
        return;
    take_settings(chore, controller->house.settings);
    if (!chore->file[0])
        controller->house.price_list_refused = false;
    /* Before the first rows there is nobody to compare with. */
    if (!chore->file[0] || !controller->rows_fresh || now_ms < chore->next_ms)
        return;
    chore->busy = true;
    chore->controller = controller;
    chore->store = controller->house.store;
    chore->job.run = run_import;
    chore->job.done = import_ran;
    line_add(&controller->line, &chore->job);
}

void prices_tick(struct controller *controller, uint64_t now_ms)
{
    struct prices_chore *chore = &controller->chores.prices;

    if (controller->published && clock_wall_ms() >= chore->change_ms) {
        chore->change_ms = INT64_MAX; /* until the snapshot that is made now says another */
        log_note(LOG_INFO, "a price comes into force");
        publish_now(controller);
    }
    list_tick(controller, now_ms);
}
