#include <errno.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/memory.h"

#include "supervisor/ledger/ledger_inside.h"

#define ROWS_AT_ONCE 75  /* of one statement */
#define IDS_AT_ONCE  500 /* of one question */

enum {
    RECORD_COLUMNS = 0
#define USAGE_TEXT(tag, member)   +1
#define USAGE_NUMBER(tag, member) +1
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
        ,
    COLUMNS = RECORD_COLUMNS + 3 /* chain, seq, hash */
};

_Static_assert(ROWS_AT_ONCE *COLUMNS <= STORE_VALUES_MAX, "they fit into one statement");

/* Rows of one statement. */
struct lines {
    struct store *store;
    struct ledger_batch *batch;
    struct chains *chains;
    struct buffer statement;
    unsigned count, said; /* said: rows of the statement as it is written */
    char hashes[ROWS_AT_ONCE][CHAIN_HASH_TEXT];
    struct store_value values[ROWS_AT_ONCE * COLUMNS];
};

static void write_statement(unsigned rows, struct buffer *out)
{
    unsigned parameter = 1;

    buffer_clear(out);
    (void)buffer_append(out, SPAN("insert into usage ("));
#define USAGE_TEXT(tag, member)   (void)buffer_append(out, SPAN(#member ", "));
#define USAGE_NUMBER(tag, member) USAGE_TEXT(tag, member)
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    (void)buffer_append(out, SPAN("chain, seq, hash) values "));
    for (unsigned row = 0; row < rows; row++) {
        for (unsigned column = 0; column < COLUMNS; column++, parameter++) {
            (void)buffer_append(out, column ? SPAN(",$") : row ? SPAN("),($") : SPAN("($"));
            (void)buffer_append_u64(out, parameter);
        }
    }
    (void)buffer_append(out, SPAN(") on conflict do nothing"));
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

static void write_values(const struct usage_record *record, struct store_value *at)
{
#define USAGE_TEXT(tag, member)   *at++ = STORE_TEXT_VALUE(record->member);
#define USAGE_NUMBER(tag, member) *at++ = number_or_null(record->member);
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
}

/* Fewer than were given: one of them was there already. */
static int put_lines(struct lines *lines)
{
    unsigned rows = lines->count;

    lines->count = 0;
    if (rows == 0)
        return 0;
    if (rows != lines->said)
        write_statement(lines->said = rows, &lines->statement);
    int64_t added = store_run(lines->store, lines->statement.ptr, lines->values, rows * COLUMNS,
                              NULL, NULL);

    if (added < 0)
        return (int)added;
    lines->batch->added += added;
    return added == rows ? 0 : LEDGER_REPEATED;
}

static int add_line(struct lines *lines, const struct usage_record *record)
{
    struct store_value *values = &lines->values[(size_t)lines->count * COLUMNS];
    char *text = lines->hashes[lines->count];
    int error = 0;
    struct chain *chain =
        chains_find(lines->chains, record->host, (int64_t)record->started_ms, &error);

    if (!chain)
        return error;
    write_values(record, values);
    chain_hash(chain->hash, ++chain->seq, values, &lines->chains->bytes);
    encode_hex(chain->hash, sizeof(chain->hash), text);
    values[RECORD_COLUMNS] = STORE_NUMBER_VALUE(chain->id);
    values[RECORD_COLUMNS + 1] = STORE_NUMBER_VALUE(chain->seq);
    values[RECORD_COLUMNS + 2] = STORE_TEXT_VALUE(span_of(text, CHAIN_HASH_TEXT));
    return ++lines->count == ROWS_AT_ONCE ? put_lines(lines) : 0;
}

int ledger_put_rows(struct store *store, struct ledger_batch *batch, struct chains *chains,
                    struct sums *sums)
{
    struct lines *lines = memory_new_raw(sizeof(*lines));
    int result = 0;

    lines->store = store;
    lines->batch = batch;
    lines->chains = chains;
    lines->count = lines->said = 0;
    buffer_init(&lines->statement, (size_t)64 << 10);
    batch->added = 0;
    for (unsigned i = 0; i < batch->count && result == 0; i++) {
        if (batch->repeated[i])
            continue;
        sums_add(sums, &batch->records[i]);
        result = add_line(lines, &batch->records[i]);
    }
    if (result == 0)
        result = put_lines(lines);
    buffer_done(&lines->statement);
    memory_free(lines);
    return result;
}

/* ---- which of them are there already
 * ------------------------------------------------------------- */

struct wanted {
    struct span id;
    unsigned index;
};

static int compare(const void *a, const void *b)
{
    const struct wanted *left = a;
    const struct wanted *right = b;
    size_t least = left->id.len < right->id.len ? left->id.len : right->id.len;
    int order = memcmp(left->id.ptr, right->id.ptr, least);

    if (order == 0)
        order = (left->id.len > right->id.len) - (left->id.len < right->id.len);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

struct search {
    struct ledger_batch *batch;
    struct wanted *wanted; /* in order */
};

/* The first of its id: those after it are marked as repeated anyway. */
static void take_id(void *who, const struct store_value *values, unsigned count)
{
    struct search *search = who;
    size_t low = 0, high = search->batch->count;
    struct wanted key = {.id = values[0].text};

    CHECK(count == 1 && values[0].kind == STORE_TEXT);
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (compare(&search->wanted[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < search->batch->count && span_eq(search->wanted[low].id, key.id))
        search->batch->repeated[search->wanted[low].index] = true;
}

static int ask(struct store *store, struct search *search, unsigned begin, unsigned count)
{
    struct store_value values[IDS_AT_ONCE];
    struct buffer _buffer_ statement;

    buffer_init(&statement, 16384);
    (void)buffer_append(&statement, SPAN("select request_id from usage where request_id in ("));
    for (unsigned i = 0; i < count; i++) {
        values[i] = STORE_TEXT_VALUE(search->wanted[begin + i].id);
        (void)buffer_append(&statement, i ? SPAN(",$") : SPAN("$"));
        (void)buffer_append_u64(&statement, i + 1);
    }
    (void)buffer_append(&statement, SPAN(")"));
    CHECK(buffer_append_byte(&statement, '\0'));
    int64_t rows = store_run(store, statement.ptr, values, count, take_id, search);

    return rows < 0 ? (int)rows : 0;
}

static struct wanted *in_order(const struct ledger_batch *batch)
{
    struct wanted *wanted = memory_new_array(batch->count, sizeof(wanted[0]));

    for (unsigned i = 0; i < batch->count; i++)
        wanted[i] = (struct wanted){batch->records[i].request_id, i};
    qsort(wanted, batch->count, sizeof(wanted[0]), compare);
    return wanted;
}

int ledger_mark_repeated(struct ledger_batch *batch)
{
    struct search search = {.batch = batch, .wanted = in_order(batch)};
    int result = 0;

    for (unsigned i = 1; i < batch->count; i++) {
        if (span_eq(search.wanted[i].id, search.wanted[i - 1].id))
            batch->repeated[search.wanted[i].index] = true;
    }
    for (unsigned begin = 0; begin < batch->count && result == 0; begin += IDS_AT_ONCE) {
        unsigned left = batch->count - begin;

        result =
            ask(batch->ledger->store, &search, begin, left < IDS_AT_ONCE ? left : IDS_AT_ONCE);
    }
    memory_free(search.wanted);
    return result;
}
