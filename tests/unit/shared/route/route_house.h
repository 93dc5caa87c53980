/* tests/unit/shared/route/route_house.h
 *
 * The models, accounts and prices that test_route.c makes plans of; only that file includes it.
 */
#ifndef TESTS_UNIT_SHARED_ROUTE_ROUTE_HOUSE_H
#define TESTS_UNIT_SHARED_ROUTE_ROUTE_HOUSE_H

#include <check.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/price/price.h"
#include "shared/route/trace.h"
#include "shared/snapshot/snapshot_build.h"

#define NOW_MS   100000
#define MANY     100
#define STEP     0x9e3779b97f4a7c15ULL
#define TOOLS    CAPABILITY_tools
#define TOOLS_ON (CAPABILITY_tools | CAPABILITY_vision)

enum {
    A,
    B,
    C,
    D,
    PROVIDERS
};

static const char *const names[PROVIDERS] = {"a", "b", "c", "d"};

/* Targets by their provider; D's price is not known, A is the dearest. */
static const struct model {
    const char *name;
    uint32_t strategy, count;

    struct {
        uint32_t provider, weight, priority, context, capabilities;
    } targets[4];

    const char *fallbacks[ROUTE_FALLBACK_COUNT][2];
} models[] = {
    {"weighted", ROUTE_weighted, 2, {{A, 3, 0, 0, 0}, {B, 1, 0, 0, 0}}, {{NULL}}},
    {"turns",
     ROUTE_round_robin,
     4,
     {{D, 0, 9, 0, 0}, {A, 0, 0, 0, 0}, {B, 0, 0, 0, 0}, {C, 0, 0, 0, 0}},
     {{NULL}}},
    {"file", ROUTE_priority, 3, {{C, 1, 0, 0, 0}, {A, 9, 0, 0, 0}, {B, 9, 0, 0, 0}}, {{NULL}}},
    {"busy",
     ROUTE_least_busy,
     3,
     {{A, 0, 0, 0, 0}, {B, 2, 0, 0, 0}, {C, 1, 5, 0, 0}},
     {{NULL}}},
    {"latency",
     ROUTE_lowest_latency,
     3,
     {{A, 0, 0, 0, 0}, {B, 0, 0, 0, 0}, {C, 0, 0, 0, 0}},
     {{NULL}}},
    {"cost",
     ROUTE_lowest_cost,
     4,
     {{A, 0, 0, 0, 0}, {D, 0, 0, 0, 0}, {B, 0, 0, 0, 0}, {C, 0, 0, 0, 0}},
     {{NULL}}},
    {"headroom", ROUTE_headroom, 2, {{A, 0, 0, 0, 0}, {B, 0, 0, 0, 0}}, {{NULL}}},
    {"fits",
     ROUTE_priority,
     3,
     {{A, 0, 0, 1000, TOOLS}, {B, 0, 0, 9000, TOOLS_ON}, {C, 0, 0, 0, 0}},
     {{NULL}}},
    {"chain",
     ROUTE_priority,
     1,
     {{A, 0, 0, 1000, TOOLS}},
     {{"file", "missing"}, {"busy"}, {"one"}}},
    {"deep", ROUTE_priority, 1, {{D, 0, 0, 0, 0}}, {{"chain"}}},
    {"plain",
     ROUTE_weighted,
     4,
     {{D, 0, 9, 0, 0}, {C, 0, 9, 0, 0}, {B, 0, 0, 0, 0}, {A, 0, 0, 0, 0}},
     {{NULL}}},
    {"one", ROUTE_weighted, 1, {{D, 1, 0, 0, 0}}, {{NULL}}},
};

static struct snapshot *snapshot;
static struct segment *segment;
static struct arena arena;
static struct route_facts facts;
static struct route_plan plan;
static struct route_trace trace;
static char told[64];

/* ---- what there is ------------------------------------------------------------------------
 */

static void fill_prices(struct snapshot_builder *builder, struct snapshot_header_page *page)
{
    struct snapshot_price rows[3];

    for (unsigned i = 0; i < 3; i++) {
        struct price_sheet sheet;

        price_sheet_clear(&sheet);
        sheet.rates[PRICE_input] = 3000000000ULL - i * 1000000000ULL;
        sheet.rates[PRICE_output] = i == 2 ? 9000000000ULL : 1000000000ULL;
        price_complete(&sheet, 1);
        rows[i] = (struct snapshot_price){.sheets = SNAPSHOT_BUILD_ROWS(builder, &sheet, 1)};
    }
    page->prices = SNAPSHOT_BUILD_ROWS(builder, rows, 3);
}

static struct snapshot_model model_of(struct snapshot_builder *builder,
                                      const struct model *from)
{
    struct snapshot_model model = {.strategy = from->strategy};
    struct snapshot_target targets[4];

    for (uint32_t i = 0; i < from->count; i++)
        targets[i] = (struct snapshot_target){
            .provider = from->targets[i].provider,
            .weight = from->targets[i].weight,
            .priority = from->targets[i].priority,
            .context = from->targets[i].context,
            .capabilities = from->targets[i].capabilities,
            .price = from->targets[i].provider == D ? 0 : 1 + from->targets[i].provider,
            .model = snapshot_build_text(builder, SPAN("there")),
            .model_json = snapshot_build_text(builder, SPAN("\"there\"")),
        };
    model.name = snapshot_build_text(builder, span_of_text(from->name));
    model.targets = SNAPSHOT_BUILD_ROWS(builder, targets, from->count);
    for (unsigned i = 0; i < ROUTE_FALLBACK_COUNT; i++) {
        struct snapshot_text texts[2];
        uint32_t count = 0;

        while (count < 2 && from->fallbacks[i][count]) {
            texts[count] =
                snapshot_build_text(builder, span_of_text(from->fallbacks[i][count]));
            count++;
        }
        model.fallbacks[i] = SNAPSHOT_BUILD_ROWS(builder, texts, count);
    }
    return model;
}

static struct snapshot_model many_targets(struct snapshot_builder *builder)
{
    struct snapshot_target targets[MANY];

    for (uint32_t i = 0; i < MANY; i++)
        targets[i] = (struct snapshot_target){.provider = i % PROVIDERS, .weight = 1 + i % 7};
    return (struct snapshot_model){
        .name = snapshot_build_text(builder, SPAN("many")),
        .targets = SNAPSHOT_BUILD_ROWS(builder, targets, MANY),
    };
}

static void fill(struct snapshot_builder *builder, struct snapshot_header_page *page)
{
    struct snapshot_provider rows[PROVIDERS] = {{.port = 1}};
    struct snapshot_model model_rows[ARRAY_LEN(models) + 1];

    for (uint32_t i = 0; i < PROVIDERS; i++) {
        rows[i].name = snapshot_build_text(builder, span_of_text(names[i]));
        rows[i].health_row = i;
    }
    page->providers = SNAPSHOT_BUILD_ROWS(builder, rows, PROVIDERS);
    fill_prices(builder, page);
    for (unsigned i = 0; i < ARRAY_LEN(models); i++)
        model_rows[i] = model_of(builder, &models[i]);
    model_rows[ARRAY_LEN(models)] = many_targets(builder);
    page->models = SNAPSHOT_BUILD_ROWS(builder, model_rows, ARRAY_LEN(models) + 1);
}

static void set_up(void)
{
    struct snapshot_header_page page = {.generation = 1};
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    int fd;

    buffer_init(&why, 1000);
    snapshot_build_init(&builder);
    fill(&builder, &page);
    fd = snapshot_build_seal(&builder, &page);
    snapshot_build_done(&builder);
    ck_assert_int_ge(fd, 0);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    segment = segment_create(&fd);
    ck_assert_ptr_nonnull(segment);
    (void)close(fd);
    arena_init(&arena, 0);
    facts = (struct route_facts){.now_ms = NOW_MS};
}

static void tear_down(void)
{
    arena_done(&arena);
    segment_detach(segment);
    snapshot_unref(snapshot);
}

#endif
