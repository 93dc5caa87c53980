#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/base/memory.h"

#include "supervisor/ledger/calendar.h"
#include "supervisor/ledger/ledger_inside.h"

#define REPEATED_AGAIN 3

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
    struct usage_record *kept = &batch->records[batch->count++];

    *kept = *record;
    if (kept->started_ms >= CALENDAR_END_MS)
        kept->started_ms = 0; /* no time that a calendar has */
    if (!kept->host.ptr)
        kept->host = span_of_text(batch->ledger->host);
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

/* ---- into the store
 * -------------------------------------------------------------------- */

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

/* Rows, sums, chains and position: all of it or nothing. */
static int put(struct store *store, void *who)
{
    struct ledger_batch *batch = who;
    struct arena arena;
    struct chains chains;
    struct sums sums;

    arena_init(&arena, 65536);
    chains_init(&chains, &arena, store);
    sums_init(&sums, &arena);
    int result = ledger_put_rows(store, batch, &chains, &sums);

    if (result == 0)
        result = sums_put(store, &sums);
    if (result == 0)
        result = chains_put(&chains);
    sums_done(&sums);
    chains_done(&chains);
    arena_done(&arena);
    return result < 0 ? result : put_position(store, batch);
}

/* That all records are new is taken for granted, since numbers and hashes of the rows rest on
 * it; when it proves wrong, it is found out which ones are, and they are put without the
 * others.
 */
int ledger_put(struct ledger_batch *batch)
{
    int result = store_transaction(batch->ledger->store, put, batch);

    for (int again = 0; result == LEDGER_REPEATED && again < REPEATED_AGAIN; again++) {
        result = ledger_mark_repeated(batch);
        if (result == 0)
            result = store_transaction(batch->ledger->store, put, batch);
    }
    return result == LEDGER_REPEATED ? -EAGAIN : result;
}
