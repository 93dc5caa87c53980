/* What limits and budgets cost a request: five scopes, each with three rates and two budgets,
 * taken and settled. Best of five rounds. */
#include "worker/limit/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/snapshot/snapshot_build.h"

#define ROUNDS  5
#define TIMES   200000
#define SCOPES  5
#define RATES   3
#define BUDGETS 2

static struct segment *segment;
static struct snapshot *snapshot;
static const struct snapshot_scope *scopes[SCOPES];
static uint32_t next_bucket;

static uint32_t new_bucket(void)
{
    atomic_store(&segment_bucket(segment, next_bucket)->granted, UINT64_MAX);
    return next_bucket++;
}

static struct snapshot_scope make_scope(struct snapshot_builder *builder, uint32_t kind)
{
    static const uint8_t units[RATES] = {LIMIT_UNIT_requests, LIMIT_UNIT_input_tokens,
                                         LIMIT_UNIT_total_tokens};
    struct snapshot_limit rates[RATES];
    struct snapshot_budget budgets[BUDGETS];

    for (unsigned i = 0; i < RATES; i++)
        rates[i] = (struct snapshot_limit){.amount = 1ULL << 36,
                                           .burst = 1ULL << 36,
                                           .window_ms = 60000,
                                           .bucket = new_bucket(),
                                           .unit = units[i],
                                           .algorithm = i % LIMIT_ALGORITHM_COUNT,
                                           .mode = LIMIT_MODE_enforce};
    for (unsigned i = 0; i < BUDGETS; i++) {
        uint32_t bucket = new_bucket();

        budgets[i] = (struct snapshot_budget){.amount_nano = INT64_MAX,
                                              .ends_ms = INT64_MAX,
                                              .buckets = {bucket, bucket},
                                              .mode = LIMIT_MODE_enforce};
    }
    return (struct snapshot_scope){.kind = kind,
                                   .limits = SNAPSHOT_BUILD_ROWS(builder, rates, RATES),
                                   .budgets = SNAPSHOT_BUILD_ROWS(builder, budgets, BUDGETS)};
}

static void set_up(void)
{
    struct snapshot_header_page page = {.generation = 1};
    struct snapshot_scope rows[SCOPES];
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    int fd;

    buffer_init(&why, 1000);
    segment = segment_create(&fd);
    snapshot_build_init(&builder);
    for (uint32_t i = 0; segment && i < SCOPES; i++)
        rows[i] = make_scope(&builder, i);
    page.scopes = SNAPSHOT_BUILD_ROWS(&builder, rows, SCOPES);
    fd = snapshot_build_seal(&builder, &page);
    snapshot = fd < 0 ? NULL : snapshot_attach(fd, &why);
    if (!snapshot)
        abort();
    for (uint32_t i = 0; i < SCOPES; i++)
        scopes[i] = snapshot_scope(snapshot, i + 1);
}

static void request(struct arena *arena)
{
    static const struct claim_counts expected = {
        .units = {1, 100, 50, 150, 1}, .cost_nano = 1000, .usual_cost_nano = 1000};
    static const struct claim_counts used = {.units = {1, 90, 40, 130, 1}, .cost_nano = 900};
    static const struct claims_mark all = {0, 0, 0};
    struct claim_refusal refusal;
    struct claims claims;

    claims_init(&claims, segment, snapshot, arena, segment_inflight(segment, 0, 0)->holds, 1);
    if (claims_take(&claims, scopes, SCOPES, &expected, clock_monotonic_ns(), &refusal))
        abort();
    (void)claims_settle(&claims, all, &used, clock_monotonic_ns());
    arena_reset(arena);
}

int main(void)
{
    uint64_t best_ns = UINT64_MAX;
    struct arena arena;

    set_up();
    arena_init(&arena, 8192);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t begin_ns = clock_monotonic_ns(), took_ns;

        for (unsigned i = 0; i < TIMES; i++)
            request(&arena);
        took_ns = clock_monotonic_ns() - begin_ns;
        best_ns = took_ns < best_ns ? took_ns : best_ns;
    }
    (void)printf("%-28s %8.1f ns  (%u rates, %u budgets)\n", "limits, taken and settled",
                 (double)best_ns / TIMES, SCOPES * RATES, SCOPES * BUDGETS);
    return 0;
}
