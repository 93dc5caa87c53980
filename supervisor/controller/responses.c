/* Kept responses that are too old, or too many: swept by a thread of the pool and not by the
 * line, since a walk over many files takes its time and nothing else needs them. */
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/kept/kept.h"

#include "supervisor/controller/inside.h"

#define SWEEP_LEAST_MS 1000
#define SWEEP_MOST_MS  60000
#define SWEEP_SHARE    8 /* of the lifetime, between two sweeps */

static void run_sweep(uv_work_t *work)
{
    struct controller *controller = work->data;
    struct responses_chore *chore = &controller->chores.responses;
    struct kept_swept swept = {.removed = 0};
    struct kept kept;

    chore->result = kept_open(&kept, controller->state_dir);
    if (chore->result == 0)
        chore->result =
            kept_sweep(&kept, clock_wall_ms() / 1000,
                       &(struct kept_limits){chore->lifetime_seconds, chore->bytes}, &swept);
    kept_close(&kept);
    chore->removed = swept.removed;
}

static void swept(uv_work_t *work, int status)
{
    struct controller *controller = work->data;
    struct responses_chore *chore = &controller->chores.responses;
    int result = status < 0 ? status : chore->result;

    chore->busy = false;
    if (result < 0 && !chore->failing)
        log_event(LOG_WARNING, "kept responses could not be swept", LOG_ERRNO_FIELD(result));
    if (result == 0 && chore->removed > 0)
        log_event(LOG_DEBUG, "kept responses were swept",
                  LOG_NUMBER_FIELD("removed", chore->removed));
    chore->failing = result < 0;
}

static uint64_t pause_ms(uint64_t lifetime_ms)
{
    uint64_t pause = lifetime_ms / SWEEP_SHARE;

    if (pause < SWEEP_LEAST_MS)
        return SWEEP_LEAST_MS;
    return pause < SWEEP_MOST_MS ? pause : SWEEP_MOST_MS;
}

/* Without a lifetime none is kept, and those of before go. */
void responses_tick(struct controller *controller, uint64_t now_ms)
{
    struct responses_chore *chore = &controller->chores.responses;
    const struct settings_responses *settings = &controller->house.settings->responses;
    uint64_t pause = settings->lifetime > 0 ? pause_ms(settings->lifetime) : SWEEP_MOST_MS;

    if (chore->busy || now_ms < chore->next_ms)
        return;
    chore->next_ms = now_ms + pause;
    chore->lifetime_seconds = (int64_t)(settings->lifetime + 999) / 1000;
    chore->bytes = settings->bytes;
    if (settings->lifetime == 0) {
        chore->lifetime_seconds = 1;
        chore->bytes = 0;
    }
    chore->busy = true;
    chore->work.data = controller;
    if (uv_queue_work(&controller->loop, &chore->work, run_sweep, swept) < 0)
        swept(&chore->work, UV_ENOMEM);
}
