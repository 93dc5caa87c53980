/* Usage that is older than the settings keep: taken away a step at a time, so that the other
 * jobs of the line get their turn between. */
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include "supervisor/controller/inside.h"

#define PAUSE_MOST_MS  60000
#define PAUSE_LEAST_MS 1000
#define PAUSE_SHARE    8 /* of the time that is kept */
#define PAUSE_FAIL_MS  5000
#define PAUSE_SHORT_MS 100 /* while there is more */

static struct controller *of_job(struct line_job *job)
{
    return (struct controller *)(void *)((char *)job -
                                         offsetof(struct controller, chores.retention.job));
}

static void run_retention(struct line_job *job)
{
    struct controller *controller = of_job(job);
    struct retention_chore *chore = &controller->chores.retention;

    chore->result = ledger_retain(controller->house.ledger, &chore->policy, clock_wall_ms(),
                                  &chore->removed);
}

static uint64_t pause_ms(const struct ledger_policy *policy)
{
    const int64_t kept_ms[] = {policy->rows_ms, policy->hourly_ms, policy->daily_ms};
    int64_t pause = PAUSE_MOST_MS;

    for (size_t i = 0; i < sizeof(kept_ms) / sizeof(kept_ms[0]); i++) {
        if (kept_ms[i] > 0 && kept_ms[i] / PAUSE_SHARE < pause)
            pause = kept_ms[i] / PAUSE_SHARE;
    }
    return pause > PAUSE_LEAST_MS ? (uint64_t)pause : PAUSE_LEAST_MS;
}

static void retained(struct line_job *job)
{
    struct controller *controller = of_job(job);
    struct retention_chore *chore = &controller->chores.retention;

    chore->busy = false;
    chore->next_ms = clock_monotonic_ms() + (chore->result > 0    ? PAUSE_SHORT_MS
                                             : chore->result == 0 ? pause_ms(&chore->policy)
                                                                  : PAUSE_FAIL_MS);
    if (chore->result < 0 && !chore->failing)
        log_event(LOG_WARNING, "old usage could not be removed",
                  LOG_ERRNO_FIELD(chore->result));
    chore->failing = chore->result < 0;
    if (chore->result == 0 && chore->removed > 0) {
        log_event(LOG_INFO, "old usage was removed", LOG_NUMBER_FIELD("rows", chore->removed));
        chore->removed = 0;
    }
}

void retention_tick(struct controller *controller, uint64_t now_ms)
{
    struct retention_chore *chore = &controller->chores.retention;
    const struct settings_usage *settings = &controller->house.settings->usage;

    /* A store that is away is told of by others. */
    if (chore->busy || now_ms < chore->next_ms ||
        strcmp(store_state(controller->house.store), "open") != 0)
        return;
    chore->policy = (struct ledger_policy){.rows_ms = (int64_t)settings->rows,
                                           .hourly_ms = (int64_t)settings->hourly,
                                           .daily_ms = (int64_t)settings->daily};
    chore->busy = true;
    chore->job.run = run_retention;
    chore->job.done = retained;
    line_add(&controller->line, &chore->job);
}
