/* Tokens of providers: asked for on the pool, a new one becomes a new snapshot. */
#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/controller/inside.h"
#include "supervisor/outbound/outbound.h"

/* Threads of the pool that a service which does not answer may hold. */
#define ASKED_AT_A_TIME 2

struct asking {
    uv_work_t work;
    struct controller *controller;
    struct outbound_question question;
    struct outbound_answer answer;
    char name[sizeof(((struct oauth_row *)NULL)->name)];
    uint8_t place[32], client[32];
};

static void ask(uv_work_t *work)
{
    struct asking *asking = work->data;

    outbound_ask(&asking->question, &asking->answer);
}

static bool is_for(const struct asking *asking, const struct oauth_row *row)
{
    return memcmp(asking->place, row->place, sizeof(row->place)) == 0 &&
           memcmp(asking->client, row->client, sizeof(row->client)) == 0;
}

static void tell_failure(const struct oauth_row *row, const char *why_before)
{
    if (row->failures > 1 && strcmp(row->why, why_before) == 0)
        return;
    log_event(LOG_WARNING, "a provider's token cannot be had",
              LOG_TEXT_FIELD("provider", span_of_text(row->name)),
              LOG_TEXT_FIELD("why", span_of_text(row->why)),
              LOG_TEXT_FIELD("until_then", row->token.len ? SPAN("the token before")
                                                          : SPAN("its models answer 503")));
}

static void take(struct controller *controller, struct oauth_row *row,
                 const struct outbound_answer *answer)
{
    uint32_t failures = row->failures;
    char why_before[OAUTH_WHY_BYTES];

    memcpy(why_before, row->why, sizeof(why_before));
    if (oauth_take_answer(row, answer, clock_wall_ms(), random_u64())) {
        controller->tokens_changed = true;
        log_event(failures > 0 ? LOG_INFO : LOG_DEBUG, "a provider has a new token",
                  LOG_TEXT_FIELD("provider", span_of_text(row->name)),
                  LOG_NUMBER_FIELD("lives_ms", row->until_ms - clock_wall_ms()));
    } else {
        tell_failure(row, why_before);
    }
}

static void answered(uv_work_t *work, int status)
{
    struct asking *asking = work->data;
    struct controller *controller = asking->controller;
    struct oauth_row *row = oauth_find(&controller->house.oauth, span_of_text(asking->name));

    (void)status;
    controller->tokens_asked--;
    /* The settings may be others by now: then nobody waits for this answer. */
    if (row && is_for(asking, row))
        take(controller, row, &asking->answer);
    outbound_question_done(&asking->question);
    memory_wipe(&asking->answer, sizeof(asking->answer));
    memory_free(asking);
    tokens_tick(controller);
}

static void start(struct controller *controller, struct oauth_row *row)
{
    struct asking *asking = MEMORY_NEW(struct asking);

    asking->controller = controller;
    asking->work.data = asking;
    memcpy(asking->name, row->name, sizeof(asking->name));
    memcpy(asking->place, row->place, sizeof(asking->place));
    memcpy(asking->client, row->client, sizeof(asking->client));
    outbound_question_init(&asking->question);
    oauth_write_question(&controller->house.oauth, row, &asking->question);
    row->asking = true;
    controller->tokens_asked++;
    if (uv_queue_work(&controller->loop, &asking->work, ask, answered) < 0)
        answered(&asking->work, 0);
}

/* What workers saw: they count, since they cannot ask. */
static void see_refusals(struct controller *controller, int64_t now_ms)
{
    struct oauth_rows *rows = &controller->house.oauth;
    struct snapshot *snapshot = controller->house.snapshot;
    uint32_t index;

    for (uint32_t i = 0; snapshot && i < rows->count; i++) {
        const struct snapshot_provider *provider =
            snapshot_find_provider(snapshot, span_of_text(rows->rows[i].name), &index);

        if (provider)
            oauth_refused(
                &rows->rows[i],
                atomic_load(
                    &segment_target(controller->house.segment, provider->health_row)->refusals),
                now_ms);
    }
}

static void end_old(struct controller *controller, int64_t now_ms)
{
    struct oauth_rows *rows = &controller->house.oauth;

    for (uint32_t i = 0; i < rows->count; i++) {
        if (!oauth_end(&rows->rows[i], now_ms))
            continue;
        controller->tokens_changed = true;
        log_event(LOG_WARNING, "a provider's token has ended: its models answer 503",
                  LOG_TEXT_FIELD("provider", span_of_text(rows->rows[i].name)),
                  LOG_TEXT_FIELD("why", span_of_text(rows->rows[i].why)));
    }
}

void tokens_tick(struct controller *controller)
{
    int64_t now_ms = clock_wall_ms();
    struct oauth_row *row;

    if (controller->ending)
        return;
    end_old(controller, now_ms);
    see_refusals(controller, now_ms);
    while (controller->tokens_asked < ASKED_AT_A_TIME &&
           (row = oauth_due(&controller->house.oauth, now_ms)))
        start(controller, row);
    /* A first snapshot that waits goes on after failures too. */
    if (!controller->tokens_changed || !(controller->published || controller->rows_fresh))
        return;
    controller->tokens_changed = false;
    publish_now(controller);
}

bool tokens_wait(const struct controller *controller)
{
    const struct oauth_rows *rows = &controller->house.oauth;

    if (clock_monotonic_ms() - controller->house.started_ms >= START_WAIT_MS)
        return false;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (rows->rows[i].token.len == 0 && rows->rows[i].failures == 0)
            return true;
    }
    return false;
}

void tokens_adopt(struct controller *controller, const struct snapshot *snapshot)
{
    struct snapshot_table table;

    oauth_follow(&controller->house.oauth, controller->house.settings);
    if (!snapshot) /* tokens are fetched anew */
        return;
    table = snapshot_page(snapshot)->providers;
    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_provider *provider =
            SNAPSHOT_ROW(snapshot, table, i, snapshot_provider);

        oauth_adopt(&controller->house.oauth, snapshot_span(snapshot, provider->name),
                    &provider->token, snapshot_span(snapshot, provider->credential));
    }
}
