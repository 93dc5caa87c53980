/* What budgets need besides the workers: a snapshot when a period ends, what was spent before a
 * counter began, what leaves a rolling window, and a copy of the counters on disk, with which a
 * start goes on while the database is away. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/controller/inside.h"
#include "supervisor/rules/spent.h"

#define MARK_PAUSE_MS  (3600 * 1000ULL)
#define END_RETRY_MS   5000
#define ASK_PAUSE_MS   60000
#define KEEP_PAUSE_MS  2000
#define LEDGER_STEPS   1000
#define KEPT_BYTES_MAX (16u << 20)
#define MINUTE_MS      60000

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

/* ---- the copy on disk: "IDENTITY TOTAL" lines ----------------------------------------------
 */

static int compare_kept(const void *left, const void *right)
{
    const struct budget_kept *a = left, *b = right;

    return (a->identity > b->identity) - (a->identity < b->identity);
}

static void kept_name(const struct controller *controller, const char *end, char name[4096])
{
    (void)snprintf(name, 4096, "%.*s/budgets%s", SPAN_ARG(controller->state_dir), end);
}

static bool read_line(struct span line, struct budget_kept *ret)
{
    struct span identity;

    return span_cut(&line, ' ', &identity) && line.ptr &&
           span_read_u64(identity, &ret->identity) && span_read_u64(line, &ret->total);
}

void budgets_start(struct controller *controller)
{
    struct budgets_chore *chore = &controller->chores.budgets;
    char name[4096];
    struct buffer text;
    struct span rest, line;

    kept_name(controller, "", name);
    buffer_init(&text, KEPT_BYTES_MAX);
    if (file_read(name, &text) == 0) {
        chore->kept = memory_new_array(text.len / 4 + 1, sizeof(chore->kept[0]));
        rest = buffer_span(&text);
        while (span_cut(&rest, '\n', &line)) {
            if (read_line(line, &chore->kept[chore->kept_count]))
                chore->kept_count++;
        }
        if (chore->kept_count > 1)
            qsort(chore->kept, chore->kept_count, sizeof(chore->kept[0]), compare_kept);
    }
    buffer_done(&text);
}

static int write_kept(const char *name, const char *name_new, struct span text)
{
    int fd = open(name_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int result;

    if (fd < 0)
        return -errno;
    result = file_write(fd, text);
    (void)close(fd);
    return result == 0 && rename(name_new, name) < 0 ? -errno : result;
}

static void keep(struct controller *controller, uint64_t now_ms)
{
    struct budgets_chore *chore = &controller->chores.budgets;
    const struct configure_budgets *budgets = &controller->lasting.budgets;
    char name[4096], name_new[4096];
    struct buffer text;
    int result;

    /* Counters that are not known yet would overwrite what is. */
    if (now_ms < chore->keep_next_ms || budgets->count == 0 || !chore->known ||
        controller->snapshot_note[0])
        return;
    chore->keep_next_ms = now_ms + KEEP_PAUSE_MS;
    kept_name(controller, "", name);
    kept_name(controller, ".new", name_new);
    buffer_init(&text, KEPT_BYTES_MAX);
    for (uint32_t i = 0; i < budgets->count; i++) {
        struct bucket *bucket =
            segment_bucket(controller->house.segment, budgets->rows[i].bucket);

        (void)buffer_append_u64(&text, budgets->rows[i].identity);
        (void)buffer_append_byte(&text, ' ');
        (void)buffer_append_u64(&text, atomic_load(&bucket->total));
        (void)buffer_append_byte(&text, '\n');
    }
    result = text.failed ? -E2BIG : write_kept(name, name_new, buffer_span(&text));
    if (result < 0 && !chore->keep_failing)
        log_event(LOG_WARNING, "the copy of the budgets' counters could not be written",
                  LOG_ERRNO_FIELD(result));
    chore->keep_failing = result < 0;
    buffer_done(&text);
}

/* ---- what is known -------------------------------------------------------------------------
 */

static int compare_identity(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

static bool is_known(const struct budgets_chore *chore, uint64_t identity)
{
    return chore->asked_count > 0 && bsearch(&identity, chore->asked, chore->asked_count,
                                             sizeof(identity), compare_identity) != NULL;
}

static const struct budget_kept *kept_of(const struct budgets_chore *chore, uint64_t identity)
{
    struct budget_kept wanted = {.identity = identity};

    if (chore->kept_count == 0)
        return NULL;
    return bsearch(&wanted, chore->kept, chore->kept_count, sizeof(wanted), compare_kept);
}

bool budgets_blocked(void *who, uint64_t identity)
{
    const struct budgets_chore *chore = &((struct controller *)who)->chores.budgets;

    return chore->unanswered && !is_known(chore, identity) && !kept_of(chore, identity);
}

void budgets_published(struct controller *controller)
{
    struct budgets_chore *chore = &controller->chores.budgets;
    const struct configure_budgets *budgets = &controller->lasting.budgets;

    chore->known = true;
    for (uint32_t i = 0; i < budgets->count; i++) {
        const struct configure_budget *row = &budgets->rows[i];
        const struct budget_kept *kept = kept_of(chore, row->identity);

        if (!row->runs || is_known(chore, row->identity))
            continue;
        if (kept && share_begun_ms(controller->house.share, row->identity) < 0)
            spent_raise(segment_bucket(controller->house.segment, row->bucket), kept->total);
        else
            chore->known = false;
        chore->ask_next_ms = 0;
    }
}

/* ---- the ledger ----------------------------------------------------------------------------
 */

struct budgets_asking {
    struct line_job job;
    struct controller *controller;
    struct arena arena;
    struct spent *rows;
    uint64_t *identities; /* those of the period to come too: nothing was spent before it */
    uint32_t count, identity_count;
    uint64_t generation;
    bool idle;
    int result;
};

/* Nobody is at work, so that counters change no more. */
static bool is_idle(struct segment *segment)
{
    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++) {
        struct slot *slot = segment_slot(segment, i);

        if (atomic_load(&slot->state) != SLOT_FREE && atomic_load(&slot->exchanges) > 0)
            return false;
    }
    return true;
}

static void run_asking(struct line_job *job)
{
    struct budgets_asking *asking = (struct budgets_asking *)(void *)job;
    struct house *house = &asking->controller->house;
    struct ledger_status status;
    int steps = 0;

    /* What was left behind in journals is spent too. */
    asking->idle = is_idle(house->segment);
    do
        asking->result = ledger_step(house->ledger);
    while (asking->result == 1 && ++steps < LEDGER_STEPS);
    for (uint32_t i = 0; i < asking->count; i++)
        asking->rows[i].total_before =
            atomic_load(&segment_bucket(house->segment, asking->rows[i].bucket)->total);
    if (asking->result >= 0)
        asking->result = spent_ask(house->store, asking->rows, asking->count);
    ledger_status(house->ledger, &status);
    asking->idle = asking->idle && status.waiting_bytes == 0 && is_idle(house->segment);
}

static void remember(struct budgets_chore *chore, const struct budgets_asking *asking)
{
    memory_free(chore->asked);
    chore->asked = memory_new_array((size_t)asking->identity_count + 1, sizeof(uint64_t));
    chore->asked_count = asking->identity_count;
    memcpy(chore->asked, asking->identities, asking->identity_count * sizeof(uint64_t));
    if (chore->asked_count > 1)
        qsort(chore->asked, chore->asked_count, sizeof(uint64_t), compare_identity);
}

/* Whether that is news. */
static bool note_unanswered(struct budgets_chore *chore, bool unanswered)
{
    if (chore->unanswered == unanswered)
        return false;
    chore->unanswered = unanswered;
    if (unanswered)
        log_note(LOG_WARNING, "the store does not say what was spent: budgets of which nothing "
                              "is known let nothing in");
    else
        log_note(LOG_INFO, "the store says again what was spent");
    return true;
}

void budgets_without_store(struct controller *controller, const struct rows *rows)
{
    if (controller->house.settings->budgets.count > 0 || (rows && rows->budget_count > 0))
        (void)note_unanswered(&controller->chores.budgets, true);
}

static void apply(struct controller *controller, const struct spent *row, bool idle)
{
    const struct share_ledger ledger = {row->nano, row->leaving_nano, row->leaves_ms};

    if (!share_spent(controller->house.share, row->identity, &ledger))
        spent_apply(controller->house.segment, row, idle);
}

static void asked(struct line_job *job)
{
    struct budgets_asking *asking = (struct budgets_asking *)(void *)job;
    struct controller *controller = asking->controller;
    struct budgets_chore *chore = &controller->chores.budgets;

    chore->asking = false;
    for (uint32_t i = 0; i < asking->count && asking->result >= 0; i++)
        apply(controller, &asking->rows[i], asking->idle);
    if (asking->result >= 0) {
        remember(chore, asking);
        chore->known = asking->generation == controller->generation;
        if (!chore->known)
            chore->ask_next_ms = 0;
    } else {
        chore->ask_next_ms = clock_monotonic_ms() + RETRY_MS;
    }
    if (!controller->ending && note_unanswered(chore, asking->result < 0))
        publish_now(controller);
    arena_done(&asking->arena);
    memory_free(asking);
}

static struct spent question(struct controller *controller, struct arena *arena,
                             const struct configure_budget *row)
{
    struct bucket *bucket = segment_bucket(controller->house.segment, row->bucket);
    struct spent spent = {.kind = row->kind,
                          .subject = arena_copy(arena, row->subject),
                          .begin_ms = row->period.begin_ms,
                          .identity = row->identity,
                          .bucket = row->bucket};
    int64_t edge_ms = clock_wall_ms() - (int64_t)row->rule.window_ms;
    int64_t begun_ms = share_begun_ms(controller->house.share, row->identity);

    if (row->rule.period != BUDGET_PERIOD_rolling)
        return spent;
    edge_ms -= edge_ms % MINUTE_MS;
    if (begun_ms >=
        0) { /* its claims are in the store, and what was spent before them leaves */
        spent.begin_ms = edge_ms;
        spent.leaves_ms = begun_ms;
        return spent;
    }
    spent.begin_ms = (int64_t)atomic_load(&bucket->level[1]);
    if (spent.begin_ms == 0) { /* a new one: nothing can leave that was not counted */
        spent.begin_ms = edge_ms;
        atomic_store(&bucket->level[1], (uint64_t)edge_ms);
    }
    spent.leaves_ms = edge_ms;
    return spent;
}

static void ask(struct controller *controller, uint64_t now_ms)
{
    struct budgets_chore *chore = &controller->chores.budgets;
    const struct configure_budgets *budgets = &controller->lasting.budgets;
    struct budgets_asking *asking;

    if (chore->asking || !controller->published || budgets->count == 0 ||
        now_ms < chore->ask_next_ms)
        return;
    chore->ask_next_ms = now_ms + ASK_PAUSE_MS;
    chore->asking = true;
    asking = MEMORY_NEW(struct budgets_asking);
    arena_init(&asking->arena, 4096);
    asking->rows = ARENA_ARRAY(&asking->arena, budgets->count, struct spent);
    asking->identities = ARENA_ARRAY(&asking->arena, budgets->count, uint64_t);
    for (uint32_t i = 0; i < budgets->count; i++) {
        asking->identities[asking->identity_count++] = budgets->rows[i].identity;
        if (budgets->rows[i].runs)
            asking->rows[asking->count++] =
                question(controller, &asking->arena, &budgets->rows[i]);
    }
    asking->controller = controller;
    asking->generation = controller->generation;
    asking->job.run = run_asking;
    asking->job.done = asked;
    line_add(&controller->line, &asking->job);
}

void budgets_tick(struct controller *controller, uint64_t now_ms)
{
    mark_generation(controller, now_ms);
    end_periods(controller, now_ms);
    if (share_wants_spent(controller->house.share))
        controller->chores.budgets.ask_next_ms = 0;
    ask(controller, now_ms);
    keep(controller, now_ms);
}

void budgets_end(struct controller *controller)
{
    controller->chores.budgets.keep_next_ms = 0;
    keep(controller, clock_monotonic_ms());
}
