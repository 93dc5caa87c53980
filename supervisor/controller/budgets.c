/* What budgets need besides the workers: a snapshot when a period ends, and to know since when
 * a counter is named by nobody. */
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include "supervisor/controller/inside.h"

#define MARK_PAUSE_MS (3600 * 1000ULL)
#define END_RETRY_MS  5000

/* A counter that 25 hours no snapshot named is free: no exchange lives so long that it could
 * still hold something there. */
static void mark_generation(struct controller *controller, uint64_t now_ms)
{
    struct budgets_chore *chore = &controller->chores.budgets;
    unsigned at = chore->mark_count % BUDGETS_MARKS;

    if (now_ms < chore->mark_next_ms)
        return;
    chore->mark_next_ms = now_ms + MARK_PAUSE_MS;
    if (chore->mark_count >= BUDGETS_MARKS)
        controller->lasting.oldest = chore->marks[at];
    chore->marks[at] = controller->generation;
    chore->mark_count++;
}

/* The workers have the period that begins now already; the one after it must be in their hands
 * before it begins. */
static void end_periods(struct controller *controller, uint64_t now_ms)
{
    struct budgets_chore *chore = &controller->chores.budgets;

    if (!controller->published || clock_wall_ms() < controller->lasting.budgets.ends_ms ||
        now_ms < chore->end_next_ms)
        return;
    chore->end_next_ms = now_ms + END_RETRY_MS;
    log_note(LOG_DEBUG, "a period of a budget has ended");
    publish_now(controller);
}

void budgets_tick(struct controller *controller, uint64_t now_ms)
{
    mark_generation(controller, now_ms);
    end_periods(controller, now_ms);
}
