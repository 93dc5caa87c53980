#include "supervisor/share/window.h"

#define SECOND_MS 1000

struct share_window share_window_of(const struct budget_rule *rule)
{
    struct share_window window = {.length_ms = 0};
    uint64_t step_ms;

    if (rule->period != BUDGET_PERIOD_rolling)
        return window;
    step_ms = (rule->window_ms + SHARE_STEPS - 1) / SHARE_STEPS;
    window.length_ms = rule->window_ms;
    window.step_ms = (step_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS;
    return window;
}

uint64_t share_window_step(const struct share_window *window, int64_t store_ms)
{
    uint64_t step = store_ms > 0 ? (uint64_t)store_ms / window->step_ms : 0;

    return step > 0 ? step : 1;
}

void share_window_turn(struct share_row *row, struct bucket *bucket, uint64_t step)
{
    struct share_window *window = &row->budget.window;

    if (step <= window->step || atomic_load(&bucket->granted) <= atomic_load(&bucket->level[0]))
        return;
    row->budget.tell = true;
    if ((step - window->step) * window->step_ms >= window->length_ms)
        share_lease_end(row, bucket);
}

static uint64_t spent_in_step(struct bucket *bucket)
{
    uint64_t level = atomic_load(&bucket->level[0]), began = atomic_load(&bucket->level[1]);
    uint64_t nano = level > began ? level - began : 0;

    return nano / SHARE_UNIT_NANO + (nano % SHARE_UNIT_NANO != 0);
}

void share_window_divide(const struct share_row *row, struct bucket *bucket, uint64_t step,
                         struct share_lease *lease)
{
    const struct share_window *window = &row->budget.window;
    uint64_t spent;

    lease->step = step > window->step ? step : window->step;
    if (window->step == 0 || lease->step == window->step)
        return;
    lease->step_before = window->step;
    if (lease->step > window->step + 1)
        return;
    spent = spent_in_step(bucket);
    lease->before = spent < lease->held ? spent : lease->held;
    lease->held -= lease->before;
}

void share_window_told(struct share_row *row, struct bucket *bucket,
                       const struct share_lease *asked)
{
    row->budget.window.step = asked->step;
    (void)atomic_fetch_add(&bucket->level[1], asked->before * SHARE_UNIT_NANO);
}
