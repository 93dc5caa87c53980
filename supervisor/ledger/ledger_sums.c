#include "supervisor/ledger/ledger_sums.h"

#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"
#include "shared/json_tree/json_tree.h"

#include "supervisor/ledger/calendar.h"

#define ROOM_FIRST 64
#define KEY_BYTES  4096 /* of all texts and numbers */

int64_t sum_most(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

void sums_init(struct sums *sums, struct arena *arena)
{
    *sums = (struct sums){.arena = arena, .room = ROOM_FIRST};
    sums->rows = memory_new_array(sums->room, sizeof(sums->rows[0]));
    sums->places = memory_new_array((size_t)sums->room * 2, sizeof(sums->places[0]));
}

void sums_done(struct sums *sums)
{
    memory_free(sums->rows);
    memory_free(sums->places);
}

/* ---- finding a row ------------------------------------------------------------------------
 */

static uint32_t *place_of(struct sums *sums, struct span bytes)
{
    uint32_t mask = sums->room * 2 - 1;

    for (uint32_t at = (uint32_t)hash_fast(bytes) & mask;; at = (at + 1) & mask) {
        uint32_t index = sums->places[at];

        if (index == 0 || span_eq(sums->rows[index - 1]->bytes, bytes))
            return &sums->places[at];
    }
}

static void make_room(struct sums *sums)
{
    if (sums->count < sums->room)
        return;
    sums->room *= 2;
    sums->rows = memory_resize(sums->rows, sums->room * sizeof(sums->rows[0]));
    memory_free(sums->places);
    sums->places = memory_new_array((size_t)sums->room * 2, sizeof(sums->places[0]));
    for (uint32_t i = 0; i < sums->count; i++)
        *place_of(sums, sums->rows[i]->bytes) = i + 1;
}

static char *key_number(char *at, int64_t number)
{
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

static char *key_text(char *at, struct span text)
{
    uint16_t len = (uint16_t)text.len;

    memcpy(at, &len, sizeof(len));
    if (text.len > 0)
        memcpy(at + sizeof(len), text.ptr, text.len);
    return at + sizeof(len) + text.len;
}

static struct span key_bytes(const struct sum_key *key, char room[KEY_BYTES])
{
    char *at = key_number(room, key->begin_ms);

    at = key_text(at, key->tag);
#define DIMENSION_NUMBER(column, value, sql) at = key_number(at, key->column);
#define DIMENSION_TEXT(column, value, sql)   at = key_text(at, key->column);
#include "supervisor/ledger/dimensions.def"
    return span_of(room, (size_t)(at - room));
}

static struct sum_row *row_of(struct sums *sums, const struct sum_key *key)
{
    char room[KEY_BYTES] __attribute__((uninitialized));
    struct span bytes = key_bytes(key, room);

    make_room(sums);
    uint32_t *place = place_of(sums, bytes);

    if (*place == 0) {
        struct sum_row *row = ARENA_NEW(sums->arena, struct sum_row);

        row->key = *key;
        row->bytes = arena_copy(sums->arena, bytes);
        sums->rows[sums->count++] = row;
        *place = sums->count;
    }
    return sums->rows[*place - 1];
}

/* ---- adding a record ----------------------------------------------------------------------
 */

static int64_t number_of(uint64_t number)
{
    return number <= INT64_MAX ? (int64_t)number : 0;
}

/* At most SUMS_TEXT_MAX bytes, and whole characters of them. */
static struct span text_of(struct span text)
{
    size_t len = text.len;

    if (len > SUMS_TEXT_MAX) {
        len = SUMS_TEXT_MAX;
        while (len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
            len--;
    }
    return span_of(len ? text.ptr : "", len);
}

static uint64_t status_class(const struct usage_record *record)
{
    return number_of(record->status) ? record->status / 100 : 0;
}

static struct sum_key key_of(const struct usage_record *record)
{
    struct sum_key key = {.tag = SPAN("")};

    key.begin_ms = number_of(record->started_ms);
    key.begin_ms -= key.begin_ms % HOUR_MS;
#define DIMENSION_NUMBER(column, value, sql) key.column = number_of(value);
#define DIMENSION_TEXT(column, value, sql)   key.column = text_of(value);
#include "supervisor/ledger/dimensions.def"
    return key;
}

static void add_figure(struct sum_row *row, enum sum_figure figure, uint64_t number)
{
    if (number <= SUMS_FIGURE_MAX)
        row->figures[figure] = sum_most(row->figures[figure], (int64_t)number);
    else
        row->unknown[figure]++;
}

static void add_record(struct sum_row *row, const struct usage_record *record)
{
#define SUM_COUNT(column, value) row->counts[SUM_##column] += (value) ? 1 : 0;
#define SUM_FIGURE(column)       add_figure(row, FIGURE_##column, record->column);
#include "supervisor/ledger/sums.def"
}

static bool seen_before(const cJSON *list, const cJSON *tag)
{
    for (const cJSON *item = list->child; item && item != tag; item = item->next) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, tag->valuestring) == 0)
            return true;
    }
    return false;
}

/* Tags stand in the record as a JSON array of texts. */
static void add_tags(struct sums *sums, const struct usage_record *record, struct sum_key *key)
{
    cJSON *list = json_tree_read(record->tags);
    const cJSON *item;
    unsigned count = 0;

    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item) || !item->valuestring[0] || seen_before(list, item))
            continue;
        if (++count > SUMS_TAGS_MAX)
            break;
        key->tag = arena_copy(sums->arena, text_of(span_of_text(item->valuestring)));
        add_record(row_of(sums, key), record);
    }
    cJSON_Delete(list);
}

void sums_add(struct sums *sums, const struct usage_record *record)
{
    struct sum_key key = key_of(record);

    add_record(row_of(sums, &key), record);
    if (record->tags.len > 0)
        add_tags(sums, record, &key);
}

/* ---- into the tables ----------------------------------------------------------------------
 */

#define ROWS_AT_ONCE 80

enum {
    COLUMNS = 2 + SUM_COUNTS + 2 * SUM_FIGURES
#define DIMENSION_NUMBER(column, value, sql) +1
#define DIMENSION_TEXT(column, value, sql)   +1
#include "supervisor/ledger/dimensions.def"
};

_Static_assert(ROWS_AT_ONCE *COLUMNS <= STORE_VALUES_MAX, "they fit into one statement");

static const char key_columns[] = "begin_ms, tag"
#define DIMENSION_NUMBER(column, value, sql) ", " #column
#define DIMENSION_TEXT(column, value, sql)   ", " #column
#include "supervisor/ledger/dimensions.def"
    ;

static const char *const sum_columns[] = {
#define SUM_COUNT(column, value) #column,
#define SUM_FIGURE(column)       #column, #column "_unknown",
#include "supervisor/ledger/sums.def"
};

/* The old sum and the new one, which neither database may carry beyond its range. */
static void write_sum(const char *table, const char *column, bool first, struct buffer *out)
{
    (void)buffer_append_format(out,
                               "%s%s = case when %s.%s > 9223372036854775807 - excluded.%s "
                               "then 9223372036854775807 else %s.%s + excluded.%s end",
                               first ? "" : ", ", column, table, column, column, table, column,
                               column);
}

static void write_statement(const char *table, unsigned rows, struct buffer *out)
{
    unsigned parameter = 1;

    buffer_clear(out);
    (void)buffer_append_format(out, "insert into %s (%s", table, key_columns);
    for (unsigned i = 0; i < ARRAY_LEN(sum_columns); i++)
        (void)buffer_append_format(out, ", %s", sum_columns[i]);
    (void)buffer_append(out, SPAN(") values "));
    for (unsigned row = 0; row < rows; row++) {
        for (unsigned column = 0; column < COLUMNS; column++, parameter++) {
            (void)buffer_append(out, column ? SPAN(",$") : row ? SPAN("),($") : SPAN("($"));
            (void)buffer_append_u64(out, parameter);
        }
    }
    (void)buffer_append_format(out, ") on conflict (%s) do update set ", key_columns);
    for (unsigned i = 0; i < ARRAY_LEN(sum_columns); i++)
        write_sum(table, sum_columns[i], i == 0, out);
    (void)buffer_append_byte(out, '\0');
    CHECK(!out->failed);
}

static struct store_value *write_values(const struct sum_row *row, struct store_value *at)
{
    const struct sum_key *key = &row->key;

    *at++ = STORE_NUMBER_VALUE(key->begin_ms);
    *at++ = STORE_TEXT_VALUE(key->tag);
#define DIMENSION_NUMBER(column, value, sql) *at++ = STORE_NUMBER_VALUE(key->column);
#define DIMENSION_TEXT(column, value, sql)   *at++ = STORE_TEXT_VALUE(key->column);
#include "supervisor/ledger/dimensions.def"
#define SUM_COUNT(column, value) *at++ = STORE_NUMBER_VALUE(row->counts[SUM_##column]);
#define SUM_FIGURE(column)                                     \
    *at++ = STORE_NUMBER_VALUE(row->figures[FIGURE_##column]); \
    *at++ = STORE_NUMBER_VALUE(row->unknown[FIGURE_##column]);
#include "supervisor/ledger/sums.def"
    return at;
}

static int compare(const void *a, const void *b)
{
    const struct sum_row *left = *(struct sum_row *const *)a;
    const struct sum_row *right = *(struct sum_row *const *)b;
    size_t least = left->bytes.len < right->bytes.len ? left->bytes.len : right->bytes.len;
    int order = memcmp(left->bytes.ptr, right->bytes.ptr, least);

    return order ? order
                 : (left->bytes.len > right->bytes.len) - (left->bytes.len < right->bytes.len);
}

static int put_rows(struct store *store, const char *table, const struct sums *sums,
                    struct store_value *values)
{
    /* A file's statement of one row is made ready once and for all. */
    unsigned most = store_is_file(store) ? 1 : ROWS_AT_ONCE, said = 0;
    struct buffer _buffer_ statement;

    buffer_init(&statement, (size_t)64 << 10);
    for (unsigned begin = 0; begin < sums->count; begin += most) {
        unsigned rows = sums->count - begin < most ? sums->count - begin : most;
        struct store_value *at = values;

        for (unsigned i = 0; i < rows; i++)
            at = write_values(sums->rows[begin + i], at);
        if (rows != said)
            write_statement(table, said = rows, &statement);
        int64_t result = store_run(store, statement.ptr, values, rows * COLUMNS, NULL, NULL);

        if (result < 0)
            return (int)result;
    }
    return 0;
}

/* Hosts that write the same rows do it in the same order, so that none waits for another that
 * waits for it. */
static int put_table(struct store *store, const char *table, struct sums *sums)
{
    struct store_value *values =
        memory_new_array((size_t)ROWS_AT_ONCE * COLUMNS, sizeof(values[0]));

    qsort(sums->rows, sums->count, sizeof(sums->rows[0]), compare);
    int result = put_rows(store, table, sums, values);

    memory_free(values);
    return result;
}

static void add_row(struct sums *days, const struct sum_row *hour)
{
    struct sum_key key = hour->key;

    key.begin_ms -= key.begin_ms % DAY_MS;
    struct sum_row *day = row_of(days, &key);

    for (unsigned i = 0; i < SUM_COUNTS; i++)
        day->counts[i] += hour->counts[i];
    for (unsigned i = 0; i < SUM_FIGURES; i++) {
        day->figures[i] = sum_most(day->figures[i], hour->figures[i]);
        day->unknown[i] += hour->unknown[i];
    }
}

int sums_put(struct store *store, struct sums *sums)
{
    struct sums days;

    sums_init(&days, sums->arena);
    for (uint32_t i = 0; i < sums->count; i++)
        add_row(&days, sums->rows[i]);
    int result = sums->count ? put_table(store, "usage_hourly", sums) : 0;

    if (result == 0 && days.count)
        result = put_table(store, "usage_daily", &days);
    sums_done(&days);
    return result;
}
