#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"
#include "shared/limit/audit.h"
#include "shared/queue/queue.h"

#include "supervisor/ledger/ledger_inside.h"

/* An exchange that the dead worker had sent. */
struct orphan {
    struct span request_id;
    const struct inflight *row;
    bool recorded; /* it came to its end: its record is in a journal */
};

struct orphans {
    struct orphan *rows; /* by request id */
    size_t count;
};

static struct span text_of(const char *text, size_t most)
{
    return span_of(text, strnlen(text, most));
}

/* A dead worker's word on a length is not trusted. */
static struct span counted(const char *text, uint32_t len, size_t most)
{
    return span_of(text, len < most ? len : most);
}

static int compare(const void *a, const void *b)
{
    const struct orphan *left = a;
    const struct orphan *right = b;
    size_t least = left->request_id.len < right->request_id.len ? left->request_id.len
                                                                : right->request_id.len;
    int order = least ? memcmp(left->request_id.ptr, right->request_id.ptr, least) : 0;

    if (order != 0)
        return order;
    return (left->request_id.len > right->request_id.len) -
           (left->request_id.len < right->request_id.len);
}

/* What was never used is not touched: it costs no memory. */
static uint32_t rows_used(struct segment *segment, uint32_t slot)
{
    uint32_t high = atomic_load(&segment_slot(segment, slot)->inflight_high);

    return high < SEGMENT_INFLIGHT ? high : SEGMENT_INFLIGHT;
}

static void collect(struct segment *segment, uint32_t slot, struct orphans *orphans)
{
    uint32_t high = rows_used(segment, slot);

    orphans->count = 0;
    for (uint32_t i = 0; i < high; i++) {
        const struct inflight *row = segment_inflight(segment, slot, i);
        struct span id = text_of(row->request_id, sizeof(row->request_id));

        if (atomic_load_explicit(&row->state, memory_order_acquire) == INFLIGHT_SENT &&
            id.len > 0)
            orphans->rows[orphans->count++] = (struct orphan){.request_id = id, .row = row};
    }
    if (orphans->count > 0)
        qsort(orphans->rows, orphans->count, sizeof(orphans->rows[0]), compare);
}

static void mark(struct orphans *orphans, struct span request_id)
{
    struct orphan wanted = {.request_id = request_id};
    struct orphan *found =
        bsearch(&wanted, orphans->rows, orphans->count, sizeof(orphans->rows[0]), compare);

    if (found)
        found->recorded = true;
}

/* Marks the records of BYTES; returns how many bytes they took. */
static size_t mark_chunk(struct orphans *orphans, struct span bytes, bool last)
{
    struct span rest = bytes;
    struct usage_record record;

    while (rest.len > 0) {
        size_t taken = 0;
        enum record_result result = record_read(rest, &record, &taken);

        if (result == RECORD_MORE && !last)
            break;
        if (result == RECORD_MORE)
            taken = record_resync(rest);
        if (result == RECORD_OK)
            mark(orphans, record.request_id);
        rest = span_skip(rest, taken);
    }
    return bytes.len - rest.len;
}

static int mark_file(struct ledger *ledger, struct tailed *file, uint64_t own,
                     struct orphans *orphans)
{
    bool ended;
    int fd = ledger_open_file(ledger, file, &ended);
    uint64_t position = 0;
    ssize_t count = 0;

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd; /* all of it is in the store */
    while (ended || file->number == own) {
        count = pread(fd, ledger->chunk, LEDGER_CHUNK_BYTES, (off_t)position);
        if (count <= 0)
            break;
        position += mark_chunk(orphans, span_of(ledger->chunk, (size_t)count),
                               (size_t)count < LEDGER_CHUNK_BYTES);
    }
    int result = count < 0 ? -errno : 0;

    (void)close(fd);
    return result;
}

/* The worker's file is the one that its slot names, or a newer one that it had just begun. */
static int mark_recorded(struct ledger *ledger, uint64_t own, struct orphans *orphans)
{
    int result = orphans->count > 0 ? ledger_list(ledger) : 0;

    for (unsigned i = 0; i < ledger->count && result == 0 && orphans->count > 0; i++) {
        if (ledger->files[i].number >= own)
            result = mark_file(ledger, &ledger->files[i], own, orphans);
    }
    return result;
}

/* What counts as spent of budgets (audit_give_back), and nothing is known where none was held.
 */
static uint64_t cost_of(const struct inflight *row)
{
    uint64_t found = atomic_load(&row->cost_nano), reserved = audit_reserved_nano(row);

    return found == UINT64_MAX && reserved > 0 ? reserved : found;
}

static void write_record(struct ledger *ledger, const struct orphan *orphan, int64_t now_ms)
{
    const struct inflight *row = orphan->row;
    int64_t took_ms = now_ms - row->started_wall_ms;
    struct usage_record record = {
        .request_id = orphan->request_id,
        .started_ms = (uint64_t)row->started_wall_ms,
        .key_id = text_of(row->key_id, sizeof(row->key_id)),
        .tenant = row->tenant,
        .team = row->team,
        .user_id = row->user,
        .operation = counted(row->operation, row->operation_len, sizeof(row->operation)),
        .asked_model = counted(row->asked, row->asked_len, sizeof(row->asked)),
        .provider = counted(row->provider, row->provider_len, sizeof(row->provider)),
        .served_model = counted(row->model, row->model_len, sizeof(row->model)),
        .streamed = row->stream != 0,
        .status = USAGE_UNKNOWN,
        .outcome = OUTCOME_aborted,
        .fault = span_of_text(fault_row(FAULT_worker_died)->name),
        .attempts = 1,
        .input_tokens = USAGE_UNKNOWN,
        .output_tokens = USAGE_UNKNOWN,
        .cached_tokens = USAGE_UNKNOWN,
        .cache_write_tokens = USAGE_UNKNOWN,
        .cache_write_long_tokens = USAGE_UNKNOWN,
        .audio_output_tokens = USAGE_UNKNOWN,
        .tool_input_tokens = USAGE_UNKNOWN,
        .reasoning_tokens = USAGE_UNKNOWN,
        .audio_tokens = USAGE_UNKNOWN,
        .first_byte_us = USAGE_UNKNOWN,
        .duration_us = took_ms > 0 ? (uint64_t)took_ms * 1000 : 0,
        .request_bytes = USAGE_UNKNOWN,
        .answer_bytes = USAGE_UNKNOWN,
        .cost_nano = cost_of(row),
        .reserved_nano = audit_reserved_nano(row),
        .estimated = ESTIMATED_cost,
        .image_tokens = USAGE_UNKNOWN,
        .image_output_tokens = USAGE_UNKNOWN,
        .searches = USAGE_UNKNOWN,
        .saved_nano = USAGE_UNKNOWN,
        .host = span_of_text(ledger->host),
    };

    journal_append(&ledger->journal, &record);
}

static void free_slot(struct segment *segment, uint32_t slot)
{
    struct slot *of = segment_slot(segment, slot);
    uint32_t high = rows_used(segment, slot);

    for (uint32_t i = 0; i < high; i++) {
        struct inflight *row = segment_inflight(segment, slot, i);

        (void)audit_give_back(segment, row);
        atomic_store(&row->state, INFLIGHT_FREE);
    }
    for (uint32_t i = 0; i < SEGMENT_QUEUES; i++)
        queue_clear(segment_queue(segment, i), slot);
    atomic_store(&of->inflight_high, 0);
    atomic_store(&of->connections, 0);
    atomic_store(&of->exchanges, 0);
    atomic_store(&of->streams, 0);
    atomic_store(&of->upstream_open, 0);
    atomic_store(&of->upstream_idle, 0);
    atomic_store(&of->journal_name, 0);
    atomic_store(&of->state, SLOT_FREE);
}

static int sweep(struct ledger *ledger, struct segment *segment, uint32_t slot, int64_t now_ms,
                 struct orphans *orphans)
{
    uint64_t own = atomic_load(&segment_slot(segment, slot)->journal_name);
    /* What an earlier sweep could not write goes out first, so that it is not made again. */
    int result = journal_flush(&ledger->journal);

    if (result < 0)
        return result;
    collect(segment, slot, orphans);
    result = mark_recorded(ledger, own, orphans);
    if (result < 0)
        return result;
    for (size_t i = 0; i < orphans->count; i++) {
        if (!orphans->rows[i].recorded)
            write_record(ledger, &orphans->rows[i], now_ms);
    }
    return journal_flush(&ledger->journal);
}

int ledger_sweep(struct ledger *ledger, struct segment *segment, uint32_t slot, int64_t now_ms)
{
    struct orphans orphans;

    CHECK(slot < SEGMENT_SLOTS);
    if (atomic_load(&segment_slot(segment, slot)->state) != SLOT_DEAD)
        return 0;
    orphans.rows = memory_new_array(SEGMENT_INFLIGHT, sizeof(orphans.rows[0]));
    (void)pthread_mutex_lock(&ledger->mutex);
    int result = sweep(ledger, segment, slot, now_ms, &orphans);

    (void)pthread_mutex_unlock(&ledger->mutex);
    memory_free(orphans.rows);
    if (result == 0)
        free_slot(segment, slot);
    return result;
}
