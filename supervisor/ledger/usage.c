#include "supervisor/ledger/usage.h"

#include "shared/base/check.h"

struct reading {
    struct arena *arena;
    struct usage_report *report;
};

static uint64_t number(const struct store_value *value)
{
    return value->kind == STORE_NUMBER && value->number >= 0 ? (uint64_t)value->number
                                                             : USAGE_UNKNOWN;
}

static struct span text(struct arena *arena, const struct store_value *value)
{
    return value->kind == STORE_TEXT ? arena_copy(arena, value->text) : SPAN_NONE;
}

static struct usage_sum read_sum(const struct store_value *values)
{
    return (struct usage_sum){.requests = number(&values[0]),
                              .failed = number(&values[1]),
                              .input_tokens = number(&values[2]),
                              .output_tokens = number(&values[3])};
}

static void take_all(void *who, const struct store_value *values, unsigned count)
{
    struct reading *reading = who;

    CHECK(count == 4);
    reading->report->all = read_sum(values);
}

static void take_model(void *who, const struct store_value *values, unsigned count)
{
    struct reading *reading = who;
    struct usage_report *report = reading->report;

    CHECK(count == 5 && report->model_count < USAGE_MODELS_MAX);
    report->models[report->model_count] = read_sum(values);
    report->models[report->model_count++].model = text(reading->arena, &values[4]);
}

/* The columns come in the order of record.def. */
static void take_last(void *who, const struct store_value *values, unsigned count)
{
    struct reading *reading = who;
    struct usage_record *row = &reading->report->last[reading->report->last_count++];
    const struct store_value *at = values;

#define USAGE_TEXT(tag, member)   row->member = text(reading->arena, at++);
#define USAGE_NUMBER(tag, member) row->member = number(at++);
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    CHECK(at == values + count);
}

static const char last_rows[] = "select "
#define USAGE_TEXT(tag, member)   #member ", "
#define USAGE_NUMBER(tag, member) #member ", "
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    ;

static int64_t read_last(struct store *store, unsigned limit, struct reading *reading)
{
    struct store_value value = STORE_NUMBER_VALUE(limit);
    struct buffer _buffer_ statement;

    buffer_init(&statement, 4096);
    /* Without the comma after the last column. */
    (void)buffer_append(&statement, span_of(last_rows, sizeof(last_rows) - 3));
    (void)buffer_append(&statement,
                        SPAN(" from usage order by started_ms desc, request_id desc limit $1"));
    CHECK(buffer_append_byte(&statement, '\0'));
    return store_run(store, statement.ptr, &value, 1, take_last, reading);
}

#define SUM(kind, column) kind##_BEGIN #column kind##_END
#define SUMS(kind)      \
    SUM(kind, requests) \
    ", " SUM(kind, failed) ", " SUM(kind, input_tokens) ", " SUM(kind, output_tokens)
#define FILE_BEGIN   "sum_most("
#define FILE_END     ")"
#define SERVER_BEGIN "cast(least(coalesce(sum("
#define SERVER_END   "), 0), 9223372036854775807) as bigint)"

/* From the sums of the days, which know also what is too old to be a row. */
#define ALL(kind) "select " SUMS(kind) " from usage_daily where tag = ''"
#define MODELS(kind)                                                                      \
    "select " SUMS(kind) ", nullif(case when asked_model = '' then served_model else "    \
                         "asked_model end, '') as model from usage_daily where tag = '' " \
                         "group by 5 order by 1 desc, 5 limit $1"

int store_usage(struct store *store, unsigned limit, struct arena *arena,
                struct usage_report *ret)
{
    struct store_value most = STORE_NUMBER_VALUE(USAGE_MODELS_MAX);
    bool is_file = store_is_file(store);

    limit = limit < USAGE_LAST_MAX ? limit : USAGE_LAST_MAX;
    *ret =
        (struct usage_report){.models = ARENA_ARRAY(arena, USAGE_MODELS_MAX, struct usage_sum),
                              .last = ARENA_ARRAY(arena, limit + 1, struct usage_record)};
    struct reading reading = {arena, ret};
    int64_t result =
        store_run(store, is_file ? ALL(FILE) : ALL(SERVER), NULL, 0, take_all, &reading);

    if (result >= 0)
        result = store_run(store, is_file ? MODELS(FILE) : MODELS(SERVER), &most, 1, take_model,
                           &reading);
    if (result >= 0)
        result = read_last(store, limit, &reading);
    return result < 0 ? (int)result : 0;
}
