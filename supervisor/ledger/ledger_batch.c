#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/base/memory.h"

#include "supervisor/ledger/ledger_inside.h"

#define ROWS_AT_ONCE 80 /* of one statement */

enum {
    COLUMNS = 0
#define USAGE_TEXT(tag, member)   +1
#define USAGE_NUMBER(tag, member) +1
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
};

_Static_assert(ROWS_AT_ONCE *COLUMNS <= STORE_VALUES_MAX, "they fit into one statement");

/* ---- from bytes to records
 * ------------------------------------------------------------------- */

/* A database takes UTF-8 without NUL; a text may hold anything a client sent, or be cut. */
static void make_storable(struct span text, char *base)
{
    char *at = text.ptr ? base + (text.ptr - base) : NULL;

    for (size_t i = 0; i < text.len;) {
        unsigned length = utf8_length(span_of(at + i, text.len - i));

        if (length == 0 || at[i] == '\0')
            at[i] = '?';
        i += length == 0 ? 1 : length;
    }
}

static void add_record(struct ledger_batch *batch, const struct usage_record *record,
                       char *bytes)
{
    if (record->request_id.len == 0) {
        batch->damaged++;
        return;
    }
#define USAGE_TEXT(tag, member) make_storable(record->member, bytes);
#define USAGE_NUMBER(tag, member)
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    batch->records[batch->count++] = *record;
}

void ledger_read(struct ledger_batch *batch, char *bytes, size_t count, bool ended)
{
    struct span rest = span_of(bytes, count);
    struct usage_record record;

    while (rest.len > 0 && batch->count < LEDGER_BATCH) {
        size_t taken = 0;
        enum record_result result = record_read(rest, &record, &taken);

        if (result == RECORD_MORE && !ended)
            break;
        if (result == RECORD_MORE)
            taken = record_resync(rest);
        if (result == RECORD_OK)
            add_record(batch, &record, bytes);
        else
            batch->damaged++;
        batch->position += taken;
        rest = span_skip(rest, taken);
    }
}

/* ---- from records to rows
 * -------------------------------------------------------------------- */

static void write_statement(unsigned rows, struct buffer *out)
{
    const char *comma = "";
    unsigned parameter = 1;

    (void)buffer_append(out, SPAN("insert into usage ("));
#define USAGE_TEXT(tag, member)                              \
    (void)buffer_append_format(out, "%s%s", comma, #member); \
    comma = ", ";
#define USAGE_NUMBER(tag, member) USAGE_TEXT(tag, member)
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    (void)buffer_append(out, SPAN(") values "));
    for (unsigned row = 0; row < rows; row++) {
        for (unsigned column = 0; column < COLUMNS; column++, parameter++) {
            (void)buffer_append(out, column ? SPAN(",$") : row ? SPAN("),($") : SPAN("($"));
            (void)buffer_append_u64(out, parameter);
        }
    }
    (void)buffer_append(out, SPAN(") on conflict (request_id) do nothing"));
    (void)buffer_append_byte(out, '\0');
    CHECK(!out->failed);
}

/* A count that nobody knows, or that the database cannot hold, is NULL. */
static struct store_value number_or_null(uint64_t number)
{
    struct store_value value = {.kind = STORE_NULL};

    if (number <= INT64_MAX)
        value = STORE_NUMBER_VALUE(number);
    return value;
}

static struct store_value *write_values(const struct usage_record *record,
                                        struct store_value *at)
{
#define USAGE_TEXT(tag, member)   *at++ = STORE_TEXT_VALUE(record->member);
#define USAGE_NUMBER(tag, member) *at++ = number_or_null(record->member);
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    return at;
}

static int put_rows(struct store *store, struct ledger_batch *batch, struct store_value *values)
{
    struct buffer _buffer_ statement;
    unsigned said_rows = 0;

    buffer_init(&statement, (size_t)64 << 10);
    for (unsigned begin = 0; begin < batch->count; begin += ROWS_AT_ONCE) {
        unsigned rows = batch->count - begin;
        struct store_value *at = values;

        rows = rows < ROWS_AT_ONCE ? rows : ROWS_AT_ONCE;
        for (unsigned i = 0; i < rows; i++)
            at = write_values(&batch->records[begin + i], at);
        if (rows != said_rows) {
            buffer_clear(&statement);
            write_statement(rows, &statement);
            said_rows = rows;
        }
        int64_t added = store_run(store, statement.ptr, values, rows * COLUMNS, NULL, NULL);

        if (added < 0)
            return (int)added;
        batch->added += added;
    }
    return 0;
}

static int put_position(struct store *store, const struct ledger_batch *batch)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(span_of_text(batch->key)),
                                         STORE_NUMBER_VALUE(batch->position),
                                         STORE_NUMBER_VALUE(clock_wall_ms())};
    int64_t rows = store_run(store,
                             "insert into journal_positions (file, position, updated_ms) "
                             "values ($1, $2, $3) on conflict (file) do update set "
                             "position = excluded.position, updated_ms = excluded.updated_ms",
                             values, ARRAY_LEN(values), NULL, NULL);

    return rows < 0 ? (int)rows : 0;
}

static int put(struct store *store, void *who)
{
    struct ledger_batch *batch = who;
    struct store_value *values =
        memory_new_array((size_t)ROWS_AT_ONCE * COLUMNS, sizeof(values[0]));

    batch->added = 0;
    int result = put_rows(store, batch, values);

    memory_free(values);
    return result < 0 ? result : put_position(store, batch);
}

int ledger_put(struct ledger_batch *batch)
{
    return store_transaction(batch->ledger->store, put, batch);
}
