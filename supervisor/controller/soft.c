/* Budgets whose soft amount is reached: told once a period, and of a rolling window each time.
 */
#include <stdlib.h>

#include "shared/base/log.h"
#include "shared/base/memory.h"
#include "shared/base/money.h"

#include "supervisor/controller/inside.h"

#define LOOK_PAUSE_MS 1000

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

static uint64_t *find_told(const struct budgets_chore *chore, uint64_t identity)
{
    if (chore->told_count == 0)
        return NULL;
    return bsearch(&identity, chore->told, chore->told_count, sizeof(identity), compare);
}

static void remember(struct budgets_chore *chore, uint64_t identity)
{
    if (chore->told_count == chore->told_room) {
        chore->told_room = chore->told_room ? chore->told_room * 2 : 64;
        chore->told = memory_resize(chore->told, chore->told_room * sizeof(uint64_t));
    }
    chore->told[chore->told_count++] = identity;
    qsort(chore->told, chore->told_count, sizeof(uint64_t), compare);
}

/* What leaves a rolling window may make room for another warning; so does a higher amount. */
static void forget(struct budgets_chore *chore, uint64_t identity)
{
    uint64_t *told = find_told(chore, identity);

    if (!told)
        return;
    chore->told_count--;
    memmove(told, told + 1, (size_t)(chore->told + chore->told_count - told) * sizeof(*told));
}

/* Counters that no budget has any more. */
static void forget_old(struct budgets_chore *chore, const struct configure_budgets *budgets)
{
    uint32_t kept = 0;

    if (chore->told_count <= 2 * budgets->count)
        return;
    for (uint32_t i = 0; i < chore->told_count; i++) {
        for (uint32_t j = 0; j < budgets->count; j++) {
            if (budgets->rows[j].identity == chore->told[i]) {
                chore->told[kept++] = chore->told[i];
                break;
            }
        }
    }
    chore->told_count = kept;
}

static void tell(const struct configure_budget *row, uint64_t spent)
{
    struct buffer text _buffer_;

    buffer_init(&text, 1024);
    (void)buffer_append(&text, SPAN("$"));
    money_write(&text, spent);
    (void)buffer_append(&text, SPAN(" of $"));
    money_write(&text, row->rule.amount_nano);
    log_event(LOG_WARNING, "the soft amount of a budget is reached",
              LOG_TEXT_FIELD("scope", limit_scope_name(row->kind)),
              LOG_TEXT_FIELD("subject", row->subject), LOG_TEXT_FIELD("budget", row->name),
              LOG_TEXT_FIELD("spent", buffer_span(&text)));
}

void soft_tick(struct controller *controller, uint64_t now_ms)
{
    struct budgets_chore *chore = &controller->chores.budgets;
    const struct configure_budgets *budgets = &controller->lasting.budgets;

    if (now_ms < chore->soft_next_ms)
        return;
    chore->soft_next_ms = now_ms + LOOK_PAUSE_MS;
    forget_old(chore, budgets);
    for (uint32_t i = 0; i < budgets->count; i++) {
        const struct configure_budget *row = &budgets->rows[i];
        uint64_t spent;

        if (!row->runs || row->rule.soft_nano == 0)
            continue;
        spent = share_standing(controller->house.share,
                               segment_bucket(controller->house.segment, row->bucket),
                               row->identity)
                    .spent_nano;
        if (spent < row->rule.soft_nano) {
            forget(chore, row->identity);
        } else if (!find_told(chore, row->identity)) {
            remember(chore, row->identity);
            tell(row, spent);
        }
    }
}
