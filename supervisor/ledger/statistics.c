#include "supervisor/ledger/statistics.h"

#include "shared/base/check.h"
#include "shared/text/json_write.h"

#include "supervisor/ledger/calendar.h"

#define STATEMENT_BYTES 65536
#define VALUES_MAX      (STATISTICS_FILTERS + 16)

/* ---- dimensions ----------------------------------------------------------------------------
 */

static const struct {
    const char *name, *of_row; /* of_row: from the table usage */
    bool is_number;
} dimensions[DIMENSION_COUNT] = {

#define DIMENSION_NUMBER(column, value, sql) [DIMENSION_##column] = {#column, sql, true},
#define DIMENSION_TEXT(column, value, sql)   [DIMENSION_##column] = {#column, sql, false},
#include "supervisor/ledger/dimensions.def"
    [DIMENSION_tag] = {"tag", NULL, false},
};

static const struct {
    const char *name;
    enum dimension dimension;
} short_names[] = {{"user", DIMENSION_user_id},
                   {"key", DIMENSION_key_id},
                   {"model", DIMENSION_served_model},
                   {"status", DIMENSION_status_class},
                   {"cache", DIMENSION_cache_layer}};

bool statistics_dimension(struct span name, enum dimension *ret)
{
    for (unsigned i = 0; i < DIMENSION_COUNT; i++) {
        if (span_eq(name, span_of_text(dimensions[i].name))) {
            *ret = (enum dimension)i;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(short_names); i++) {
        if (span_eq(name, span_of_text(short_names[i].name))) {
            *ret = short_names[i].dimension;
            return true;
        }
    }
    return false;
}

const char *statistics_dimension_name(enum dimension dimension)
{
    return dimensions[dimension].name;
}

bool statistics_value(enum dimension dimension, struct span text, struct store_value *ret)
{
    uint64_t number;

    *ret = STORE_TEXT_VALUE(text.ptr ? text : SPAN(""));
    if (!dimensions[dimension].is_number)
        return true;
    if (!span_read_u64(text, &number) || number > INT64_MAX)
        return false;
    *ret = STORE_NUMBER_VALUE(number);
    return true;
}

/* What the store knows of those that have ids: names, also of rows of long ago. */
static const struct {
    enum dimension dimension;
    const char *name, *sql;
} names[] = {
    {DIMENSION_tenant, "tenant_name", "select name from tenants where id = sums.tenant"},
    {DIMENSION_team, "team_name",
     "select o.name || '/' || t.name from teams t join tenants o on o.id = t.tenant_id "
     "where t.id = sums.team"},
    {DIMENSION_user_id, "user_name",
     "select o.name || '/' || u.name from users u join tenants o on o.id = u.tenant_id "
     "where u.id = sums.user_id"},
    {DIMENSION_key_id, "key_name", "select name from api_keys where id = sums.key_id"},
};

static bool is_named(const struct statistics *statistics, size_t name)
{
    return statistics->group & 1U << names[name].dimension;
}

/* ---- columns -------------------------------------------------------------------------------
 */

static const char *const sum_columns[] = {
#define SUM_COUNT(column, value) #column,
#define SUM_FIGURE(column)       #column, #column "_unknown",
#include "supervisor/ledger/sums.def"
};

_Static_assert(ARRAY_LEN(sum_columns) <= 64, "they are bits of a uint64_t");

uint64_t statistics_sum(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(sum_columns); i++) {
        if (span_eq(name, span_of_text(sum_columns[i])))
            return UINT64_C(1) << i;
    }
    return 0;
}

/* The first of them is the number of requests. */
static bool is_wanted(const struct statistics *statistics, size_t sum)
{
    return sum == 0 || statistics->columns == 0 || statistics->columns & UINT64_C(1) << sum;
}

unsigned statistics_columns(const struct statistics *statistics,
                            const char *ret_names[STATISTICS_COLUMNS])
{
    unsigned count = 0;

    if (statistics->bucket != BUCKET_NONE)
        ret_names[count++] = "begin_ms";
    for (unsigned i = 0; i < DIMENSION_COUNT; i++) {
        if (statistics->group & 1U << i)
            ret_names[count++] = dimensions[i].name;
    }
    for (size_t i = 0; i < ARRAY_LEN(sum_columns); i++) {
        if (is_wanted(statistics, i))
            ret_names[count++] = sum_columns[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (is_named(statistics, i))
            ret_names[count++] = names[i].name;
    }
    CHECK(count <= STATISTICS_COLUMNS);
    return count;
}

static const char *const row_columns[] = {
#define USAGE_TEXT(tag, member)   #member,
#define USAGE_NUMBER(tag, member) #member,
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
};

_Static_assert(ARRAY_LEN(row_columns) + 3 <= STATISTICS_COLUMNS, "all have room");

unsigned statistics_row_columns(const char *ret_names[STATISTICS_COLUMNS])
{
    for (size_t i = 0; i < ARRAY_LEN(row_columns); i++)
        ret_names[i] = row_columns[i];
    return (unsigned)ARRAY_LEN(row_columns);
}

/* ---- statements ----------------------------------------------------------------------------
 */

struct statement {
    struct buffer text;
    struct store_value values[VALUES_MAX];
    unsigned count;
};

static void say(struct statement *statement, const char *text)
{
    (void)buffer_append(&statement->text, span_of_text(text));
}

static void say_value(struct statement *statement, struct store_value value)
{
    CHECK(statement->count < VALUES_MAX);
    statement->values[statement->count++] = value;
    (void)buffer_append_byte(&statement->text, '$');
    (void)buffer_append_u64(&statement->text, statement->count);
}

static int64_t ask(struct store *store, struct statement *statement, store_row_f *row,
                   void *who)
{
    CHECK(buffer_append_byte(&statement->text, '\0'));
    int64_t rows =
        store_run(store, statement->text.ptr, statement->values, statement->count, row, who);

    buffer_done(&statement->text);
    return rows;
}

/* A tag in the JSON array of a row, as JSON writes it; `like` would not tell A from a in
 * SQLite. */
static void say_tag(struct statement *statement, struct arena *arena, struct span tag)
{
    struct buffer _buffer_ quoted;

    buffer_init(&quoted, STATEMENT_BYTES);
    (void)json_append_quoted(&quoted, tag);
    say(statement, "replace(tags, ");
    say_value(statement, STORE_TEXT_VALUE(arena_copy(arena, buffer_span(&quoted))));
    say(statement, ", '') <> tags");
}

/* One condition for each dimension that is filtered by; ARENA: for rows of usage. */
static void say_filters(struct statement *statement, const struct statistics *statistics,
                        struct arena *arena)
{
    for (unsigned dimension = 0; dimension < DIMENSION_COUNT; dimension++) {
        const char *between = " and (";

        for (unsigned i = 0; i < statistics->filter_count; i++) {
            const struct statistics_filter *filter = &statistics->filters[i];

            if (filter->dimension != dimension)
                continue;
            say(statement, between);
            between = " or ";
            if (arena && dimension == DIMENSION_tag) {
                say_tag(statement, arena, filter->value.text);
                continue;
            }
            say(statement, arena ? dimensions[dimension].of_row : dimensions[dimension].name);
            say(statement, " = ");
            say_value(statement, filter->value);
        }
        if (between[1] == 'o')
            say(statement, ")");
    }
}

static bool wants_tags(const struct statistics *statistics)
{
    for (unsigned i = 0; i < statistics->filter_count; i++) {
        if (statistics->filters[i].dimension == DIMENSION_tag)
            return true;
    }
    return statistics->group & 1U << DIMENSION_tag;
}

static void say_part(struct statement *statement, const struct statistics *statistics,
                     const char *table, int64_t from_ms, int64_t to_ms)
{
    if (from_ms >= to_ms)
        return;
    say(statement, statement->text.len && statement->text.ptr[statement->text.len - 1] == '('
                       ? "select * from "
                       : " union all select * from ");
    say(statement, table);
    say(statement, " where begin_ms >= ");
    say_value(statement, STORE_NUMBER_VALUE(from_ms));
    say(statement, " and begin_ms < ");
    say_value(statement, STORE_NUMBER_VALUE(to_ms));
    say(statement, wants_tags(statistics) ? " and tag <> ''" : " and tag = ''");
    say_filters(statement, statistics, NULL);
}

/* Whole days from their table, what is left at both ends from that of the hours. */
static void say_parts(struct statement *statement, const struct statistics *statistics)
{
    int64_t from_ms = statistics->from_ms - statistics->from_ms % HOUR_MS;
    int64_t to_ms = (statistics->to_ms + HOUR_MS - 1) / HOUR_MS * HOUR_MS;
    int64_t first_ms = (from_ms + DAY_MS - 1) / DAY_MS * DAY_MS;
    int64_t last_ms = to_ms - to_ms % DAY_MS;

    to_ms = to_ms > from_ms ? to_ms : from_ms + 1;
    if (statistics->bucket == BUCKET_HOUR || first_ms >= last_ms) {
        say_part(statement, statistics, "usage_hourly", from_ms, to_ms);
        return;
    }
    say_part(statement, statistics, "usage_daily", first_ms, last_ms);
    say_part(statement, statistics, "usage_hourly", from_ms, first_ms);
    say_part(statement, statistics, "usage_hourly", last_ms, to_ms);
}

static const char *bucket_sql(const struct store *store, enum time_bucket bucket)
{
    switch (bucket) {
    case BUCKET_NONE:
    case BUCKET_HOUR: break;
    case BUCKET_DAY: return "begin_ms - begin_ms % 86400000";
    case BUCKET_MONTH:
        return store_is_file(store)
                   ? "cast(strftime('%s', begin_ms / 1000, 'unixepoch', 'start of month') as "
                     "integer) * 1000"
                   : "cast(extract(epoch from date_trunc('month', to_timestamp(begin_ms / 1000) "
                     "at time zone 'UTC')) as bigint) * 1000";
    }
    return "begin_ms";
}

static void say_columns(struct statement *statement, const struct store *store,
                        const struct statistics *statistics)
{
    const char *comma = "";

    if (statistics->bucket != BUCKET_NONE) {
        say(statement, bucket_sql(store, statistics->bucket));
        say(statement, " as begin_ms");
        comma = ", ";
    }
    for (unsigned i = 0; i < DIMENSION_COUNT; i++) {
        if (!(statistics->group & 1U << i))
            continue;
        say(statement, comma);
        say(statement, dimensions[i].name);
        comma = ", ";
    }
    for (size_t i = 0; i < ARRAY_LEN(sum_columns); i++) {
        if (!is_wanted(statistics, i))
            continue;
        (void)buffer_append_format(
            &statement->text,
            store_is_file(store)
                ? "%ssum_most(%s) as %s"
                : "%scast(least(coalesce(sum(%s), 0), 9223372036854775807) as bigint) as %s",
            comma, sum_columns[i], sum_columns[i]);
        comma = ", ";
    }
}

/* The columns that are not sums, by their numbers. */
static void say_grouped(struct statement *statement, const struct statistics *statistics,
                        const char *first)
{
    unsigned count =
        (statistics->bucket != BUCKET_NONE) + (unsigned)__builtin_popcount(statistics->group);

    for (unsigned i = 1; i <= count; i++) {
        say(statement, i == 1 ? first : ", ");
        (void)buffer_append_u64(&statement->text, i);
    }
}

static void say_order(struct statement *statement, const struct statistics *statistics)
{
    say(statement, " order by ");
    if (statistics->order) {
        say(statement, statistics->order);
        say(statement, statistics->ascending ? " asc" : " desc");
    } else {
        say(statement,
            statistics->bucket != BUCKET_NONE ? "1, requests desc" : "requests desc");
    }
    say_grouped(statement, statistics, ", ");
    say(statement, " limit ");
    say_value(statement, STORE_NUMBER_VALUE(statistics->limit));
    say(statement, " offset ");
    say_value(statement, STORE_NUMBER_VALUE(statistics->offset));
}

static void say_names(struct statement *statement, const struct statistics *statistics)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (is_named(statistics, i))
            (void)buffer_append_format(&statement->text, ", (%s) as %s", names[i].sql,
                                       names[i].name);
    }
}

int64_t statistics_sums(struct store *store, const struct statistics *statistics,
                        store_row_f *row, void *who)
{
    struct statement statement = {.count = 0};

    buffer_init(&statement.text, STATEMENT_BYTES);
    say(&statement, "select sums.*");
    say_names(&statement, statistics);
    say(&statement, " from (select ");
    say_columns(&statement, store, statistics);
    say(&statement, " from (");
    say_parts(&statement, statistics);
    say(&statement, ") parts");
    say_grouped(&statement, statistics, " group by ");
    say(&statement, ") sums");
    say_order(&statement, statistics);
    return ask(store, &statement, row, who);
}

/* ---- rows ----------------------------------------------------------------------------------
 */

static void say_row_columns(struct statement *statement)
{
    for (size_t i = 0; i < ARRAY_LEN(row_columns); i++) {
        say(statement, i ? ", " : "select ");
        say(statement, row_columns[i]);
    }
}

int64_t statistics_rows(struct store *store, const struct statistics *statistics,
                        store_row_f *row, void *who)
{
    struct statement statement = {.count = 0};
    struct arena arena;

    arena_init(&arena, 0);
    buffer_init(&statement.text, STATEMENT_BYTES);
    say_row_columns(&statement);
    say(&statement, " from usage where started_ms >= ");
    say_value(&statement, STORE_NUMBER_VALUE(statistics->after_id.ptr ? statistics->after_ms
                                                                      : statistics->from_ms));
    say(&statement, " and started_ms < ");
    say_value(&statement, STORE_NUMBER_VALUE(statistics->to_ms));
    if (statistics->after_id.ptr) {
        say(&statement, " and (started_ms, request_id) > (");
        say_value(&statement, STORE_NUMBER_VALUE(statistics->after_ms));
        say(&statement, ", ");
        say_value(&statement, STORE_TEXT_VALUE(statistics->after_id));
        say(&statement, ")");
    }
    say_filters(&statement, statistics, &arena);
    say(&statement, " order by started_ms, request_id limit ");
    say_value(&statement, STORE_NUMBER_VALUE(statistics->limit));
    int64_t rows = ask(store, &statement, row, who);

    arena_done(&arena);
    return rows;
}

int64_t statistics_one(struct store *store, struct span request_id, store_row_f *row, void *who)
{
    struct statement statement = {.count = 0};

    buffer_init(&statement.text, STATEMENT_BYTES);
    say_row_columns(&statement);
    say(&statement, ", chain, seq, hash from usage where request_id = ");
    say_value(&statement, STORE_TEXT_VALUE(request_id));
    return ask(store, &statement, row, who);
}
