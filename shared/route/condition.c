#include "shared/route/condition.h"

#include "shared/base/check.h"
#include "shared/zone/date.h"

typedef bool test_f(const struct snapshot *snapshot, const struct snapshot_condition *condition,
                    const struct route_facts *facts);

static bool test_tenant(const struct snapshot *snapshot,
                        const struct snapshot_condition *condition,
                        const struct route_facts *facts)
{
    (void)snapshot;
    return facts->key && facts->key->tenant == condition->low;
}

static bool test_team(const struct snapshot *snapshot,
                      const struct snapshot_condition *condition,
                      const struct route_facts *facts)
{
    (void)snapshot;
    return facts->key && facts->key->team == condition->low;
}

static bool test_user(const struct snapshot *snapshot,
                      const struct snapshot_condition *condition,
                      const struct route_facts *facts)
{
    (void)snapshot;
    return facts->key && facts->key->user == condition->low;
}

static bool test_key(const struct snapshot *snapshot,
                     const struct snapshot_condition *condition,
                     const struct route_facts *facts)
{
    struct span text = snapshot_span(snapshot, condition->text);

    return facts->key && (span_eq(text, span_of(facts->key->id, KEY_ID_SIZE)) ||
                          span_eq(text, snapshot_span(snapshot, facts->key->name)));
}

static bool test_tag(const struct snapshot *snapshot,
                     const struct snapshot_condition *condition,
                     const struct route_facts *facts)
{
    struct span text = snapshot_span(snapshot, condition->text);

    for (unsigned i = 0; i < facts->tag_count; i++)
        if (span_eq(facts->tags[i], text))
            return true;
    return false;
}

static bool test_header(const struct snapshot *snapshot,
                        const struct snapshot_condition *condition,
                        const struct route_facts *facts)
{
    struct span text = snapshot_span(snapshot, condition->text), value;

    if (!facts->headers)
        return false;
    value = facts->headers[condition->header];
    return value.ptr && (condition->prefix ? span_starts(value, text) : span_eq(value, text));
}

static bool test_features(const struct snapshot *snapshot,
                          const struct snapshot_condition *condition,
                          const struct route_facts *facts)
{
    (void)snapshot;
    return (condition->low & ~(uint64_t)facts->features) == 0;
}

static bool test_without(const struct snapshot *snapshot,
                         const struct snapshot_condition *condition,
                         const struct route_facts *facts)
{
    (void)snapshot;
    return (condition->low & facts->features) == 0;
}

static bool test_input(const struct snapshot *snapshot,
                       const struct snapshot_condition *condition,
                       const struct route_facts *facts)
{
    (void)snapshot;
    return facts->input >= condition->low && facts->input <= condition->high;
}

/* The clock on the wall of the condition's zone, as seconds since 1970. */
static int64_t local_seconds(const struct snapshot *snapshot,
                             const struct snapshot_condition *condition, int64_t wall_ms)
{
    const struct snapshot_shift *shifts =
        SNAPSHOT_ROW(snapshot, condition->shifts, 0, snapshot_shift);
    uint32_t at = condition->shifts.count - 1;

    while (at > 0 && shifts[at].from_ms > wall_ms)
        at--;
    return wall_ms / 1000 + shifts[at].offset_seconds;
}

/* Hours that pass midnight belong to the day on which they begin. */
static bool test_time(const struct snapshot *snapshot,
                      const struct snapshot_condition *condition,
                      const struct route_facts *facts)
{
    int64_t seconds = local_seconds(snapshot, condition, facts->wall_ms);
    int64_t day = date_day_of_seconds(seconds);
    uint64_t minute = (uint64_t)(seconds - day * SECONDS_OF_DAY) / 60;
    bool today = condition->days >> date_weekday(day) & 1;
    bool yesterday = condition->days >> date_weekday(day - 1) & 1;

    if (condition->low < condition->high)
        return today && minute >= condition->low && minute < condition->high;
    return (today && minute >= condition->low) || (yesterday && minute < condition->high);
}

static test_f *const tests[CONDITION_COUNT] = {
#define CONDITION(name, help) test_##name,
#include "shared/settings/conditions.def"
#undef CONDITION
};

enum condition conditions_failing(const struct snapshot *snapshot,
                                  struct snapshot_table conditions,
                                  const struct route_facts *facts)
{
    bool holds = false;

    for (uint32_t i = 0; i < conditions.count; i++) {
        const struct snapshot_condition *condition =
            SNAPSHOT_ROW(snapshot, conditions, i, snapshot_condition);

        holds = holds || tests[condition->kind](snapshot, condition, facts);
        if (condition->alternative)
            continue;
        if (!holds)
            return (enum condition)condition->kind;
        holds = false;
    }
    return CONDITION_COUNT;
}

bool conditions_hold(const struct snapshot *snapshot, struct snapshot_table conditions,
                     const struct route_facts *facts)
{
    return conditions_failing(snapshot, conditions, facts) == CONDITION_COUNT;
}

uint32_t conditions_asked(const struct snapshot *snapshot, const struct snapshot_model *model)
{
    for (unsigned i = 0; i < ROUTE_FALLBACK_COUNT; i++)
        if (model->fallbacks[i].count > 0)
            return snapshot_page(snapshot)->conditions;
    return model->conditions;
}

uint32_t conditions_needs(uint32_t features)
{
    static const struct {
        enum feature feature;
        enum capability capability;
    } pairs[] = {
        {FEATURE_tools, CAPABILITY_tools},
        {FEATURE_vision, CAPABILITY_vision},
        {FEATURE_audio, CAPABILITY_audio},
        {FEATURE_documents, CAPABILITY_documents},
        {FEATURE_json_schema, CAPABILITY_json_schema},
        {FEATURE_reasoning, CAPABILITY_reasoning},
    };

    uint32_t needs = 0;

    for (unsigned i = 0; i < ARRAY_LEN(pairs); i++)
        if (features & pairs[i].feature)
            needs |= pairs[i].capability;
    return needs;
}
