/* The list of budgets in force, and what lives longer than a snapshot. */
#include "shared/base/memory.h"

#include "supervisor/configure/configure_inside.h"

void configure_budgets_clear(struct configure_budgets *budgets)
{
    arena_done(&budgets->arena);
    arena_init(&budgets->arena, 4096);
    budgets->count = 0;
    budgets->ends_ms = INT64_MAX;
}

struct configure_budget *configure_budgets_add(struct configure_budgets *budgets)
{
    if (budgets->count == budgets->room) {
        budgets->room = budgets->room > 0 ? budgets->room * 2 : 64;
        budgets->rows = memory_resize(budgets->rows, budgets->room * sizeof(budgets->rows[0]));
    }
    return &budgets->rows[budgets->count++];
}

void configure_lasting_done(struct configure_lasting *lasting)
{
    for (uint32_t i = 0; i < lasting->zones.count; i++)
        zone_close(lasting->zones.rows[i].zone);
    lasting->zones.count = 0;
    arena_done(&lasting->budgets.arena);
    memory_free(lasting->budgets.rows);
    lasting->budgets = (struct configure_budgets){.count = 0};
}
