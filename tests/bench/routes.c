/* Choosing among a hundred targets, by each strategy. Best of five rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/route/pace.h"
#include "shared/route/route.h"
#include "shared/settings/strategy.h"
#include "shared/snapshot/snapshot_build.h"

#define ROUNDS  5
#define TIMES   100000
#define TARGETS 100

static const char *const names[ROUTE_STRATEGY_COUNT] = {
#define STRATEGY(name, help) #name,
#include "shared/settings/strategies.def"
#undef STRATEGY
};

static struct segment *segment;
static struct snapshot *snapshot;
static volatile size_t sink; /* keeps the work from being optimised away */

static void fill(struct snapshot_builder *builder, struct snapshot_header_page *page)
{
    struct snapshot_provider providers[TARGETS] = {{.port = 1}};
    struct snapshot_model models[ROUTE_STRATEGY_COUNT] = {{.listed = 1}};
    struct snapshot_target targets[TARGETS];
    struct snapshot_price prices[1];
    struct price_sheet sheet;

    price_sheet_clear(&sheet);
    sheet.rates[PRICE_input] = sheet.rates[PRICE_output] = 1000000000;
    price_complete(&sheet, 1);
    prices[0] = (struct snapshot_price){.sheets = SNAPSHOT_BUILD_ROWS(builder, &sheet, 1)};
    page->prices = SNAPSHOT_BUILD_ROWS(builder, prices, 1);
    for (uint32_t i = 0; i < TARGETS; i++) {
        providers[i].name = snapshot_build_text(builder, SPAN("some-account"));
        providers[i].health_row = i;
        targets[i] = (struct snapshot_target){.provider = i, .weight = 1 + i % 7, .price = 1};
        pace_note_first(segment_pace(segment, i), 50000 + i * 500, 1);
    }
    page->providers = SNAPSHOT_BUILD_ROWS(builder, providers, TARGETS);
    for (uint32_t i = 0; i < ROUTE_STRATEGY_COUNT; i++) {
        models[i].name = snapshot_build_text(builder, span_of_text(names[i]));
        models[i].targets = SNAPSHOT_BUILD_ROWS(builder, targets, TARGETS);
        models[i].strategy = i;
    }
    page->models = SNAPSHOT_BUILD_ROWS(builder, models, ROUTE_STRATEGY_COUNT);
}

static void set_up(void)
{
    struct snapshot_header_page page = {.generation = 1};
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    int fd;

    buffer_init(&why, 1000);
    segment = segment_create(&fd);
    if (!segment)
        abort();
    snapshot_build_init(&builder);
    fill(&builder, &page);
    fd = snapshot_build_seal(&builder, &page);
    snapshot_build_done(&builder);
    snapshot = fd < 0 ? NULL : snapshot_attach(fd, &why);
    if (!snapshot)
        abort();
}

static void measure(const char *name, uint64_t session)
{
    const struct snapshot_model *model = snapshot_find_model(snapshot, span_of_text(name));
    struct route_facts facts = {.now_ms = 2, .session = session, .input = 1000, .output = 500};
    uint64_t best_ns = UINT64_MAX;
    struct arena arena;

    arena_init(&arena, 4096);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t begin_ns = clock_monotonic_ns(), took_ns;

        for (unsigned i = 0; i < TIMES; i++) {
            struct route_plan plan = {.count = 0};

            facts.random = random_u64();
            facts.turn = i;
            arena_reset(&arena);
            route_make(snapshot, segment, model, &facts, &arena, &plan);
            sink += plan.targets[0].provider_index;
        }
        took_ns = clock_monotonic_ns() - begin_ns;
        best_ns = took_ns < best_ns ? took_ns : best_ns;
    }
    (void)printf("route, 100 targets, %-16s %7.1f ns\n", session ? "session" : name,
                 (double)best_ns / TIMES);
    arena_done(&arena);
}

int main(void)
{
    set_up();
    for (unsigned i = 0; i < ROUTE_STRATEGY_COUNT; i++)
        measure(names[i], 0);
    measure(names[0], 1);
    return 0;
}
