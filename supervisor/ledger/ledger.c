#include "supervisor/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/ledger/ledger_inside.h"

struct ledger *ledger_open(struct span state_dir, struct store *store,
                           uint64_t (*next_number)(void *who), void *who, struct buffer *reterr)
{
    struct ledger *ledger = MEMORY_NEW(struct ledger);
    int result = journal_open(&ledger->journal, state_dir, next_number, who);

    if (result < 0) {
        (void)buffer_append_format(reterr, "%.*s/journal: %s", SPAN_ARG(state_dir),
                                   log_error_text(result));
        journal_close(&ledger->journal);
        memory_free(ledger);
        return NULL;
    }
    ledger->folder_fd = ledger->journal.folder_fd;
    ledger->store = store;
    ledger->chunk = memory_new_raw(LEDGER_CHUNK_BYTES);
    (void)gethostname(ledger->host, LEDGER_HOST_MAX);
    CHECK(pthread_mutex_init(&ledger->mutex, NULL) == 0);
    CHECK(pthread_mutex_init(&ledger->status_mutex, NULL) == 0);
    return ledger;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    journal_close(&ledger->journal);
    (void)pthread_mutex_destroy(&ledger->mutex);
    (void)pthread_mutex_destroy(&ledger->status_mutex);
    memory_free(ledger->chunk);
    memory_free(ledger->files);
    memory_free(ledger);
}

/* ---- status
 * ---------------------------------------------------------------------------------- */

void ledger_status(struct ledger *ledger, struct ledger_status *ret)
{
    (void)pthread_mutex_lock(&ledger->status_mutex);
    *ret = ledger->status;
    (void)pthread_mutex_unlock(&ledger->status_mutex);
}

static void note_batch(struct ledger *ledger, struct tailed *file,
                       const struct ledger_batch *batch)
{
    struct ledger_status *status = &ledger->status;

    (void)pthread_mutex_lock(&ledger->status_mutex);
    status->records_total += (uint64_t)batch->added;
    status->repeated_total += batch->count - (uint64_t)batch->added;
    status->damaged_total += batch->damaged;
    if (batch->damaged > 0 && !file->damaged) {
        file->damaged = true;
        status->damaged_files++;
        (void)snprintf(status->damaged_name, sizeof(status->damaged_name), "%016" PRIx64,
                       file->number);
    }
    (void)pthread_mutex_unlock(&ledger->status_mutex);
}

static void note_step(struct ledger *ledger, int result)
{
    struct ledger_status *status = &ledger->status;
    struct buffer _buffer_ text;

    buffer_init(&text, 4096);
    if (result < 0)
        store_write_error(ledger->store, &text);
    if (result < 0 && text.len == 0)
        (void)buffer_append(&text, span_of_text(log_error_text(result)));
    (void)pthread_mutex_lock(&ledger->status_mutex);
    status->last_error = result < 0 ? result : 0;
    (void)snprintf(status->error_text, sizeof(status->error_text), "%.*s",
                   SPAN_ARG(buffer_span(&text)));
    status->waiting_bytes = 0;
    status->waiting_files = 0;
    for (unsigned i = 0; i < ledger->count; i++) {
        const struct tailed *file = &ledger->files[i];

        if (file->size > file->position) {
            status->waiting_bytes += file->size - file->position;
            status->waiting_files++;
        }
    }
    (void)pthread_mutex_unlock(&ledger->status_mutex);
}

/* ---- one file
 * -------------------------------------------------------------------------------- */

static void write_key(const struct ledger *ledger, const struct tailed *file,
                      char ret[LEDGER_KEY_BYTES])
{
    (void)snprintf(ret, LEDGER_KEY_BYTES, "%s/%016" PRIx64, ledger->host, file->number);
}

static void take_position(void *who, const struct store_value *values, unsigned count)
{
    struct tailed *file = who;

    CHECK(count == 1);
    file->position = values[0].number > 0 ? (uint64_t)values[0].number : 0;
}

static int load_position(struct ledger *ledger, struct tailed *file)
{
    char key[LEDGER_KEY_BYTES];

    write_key(ledger, file, key);
    const struct store_value value = STORE_TEXT_VALUE(span_of_text(key));
    int64_t rows =
        store_run(ledger->store, "select position from journal_positions where file = $1",
                  &value, 1, take_position, file);

    file->loaded = rows >= 0;
    return rows < 0 ? (int)rows : 0;
}

/* First the row, then the file: a number that comes again must not meet an old position. */
static int delete_file(struct ledger *ledger, struct tailed *file)
{
    char key[LEDGER_KEY_BYTES];
    char name[LEDGER_NAME_BYTES];

    write_key(ledger, file, key);
    const struct store_value value = STORE_TEXT_VALUE(span_of_text(key));
    int64_t rows = store_run(ledger->store, "delete from journal_positions where file = $1",
                             &value, 1, NULL, NULL);

    if (rows < 0)
        return (int)rows;
    ledger_file_name(file->number, file->done, name);
    return unlinkat(ledger->folder_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Up to LEDGER_BATCH records of the file.  1: there is more, 0: read to its end. */
static int read_batch(struct ledger *ledger, struct tailed *file, int fd, bool ended)
{
    ssize_t count = pread(fd, ledger->chunk, LEDGER_CHUNK_BYTES, (off_t)file->position);

    if (count < 0)
        return -errno;
    struct ledger_batch *batch = MEMORY_NEW(struct ledger_batch);
    bool to_end = file->position + (uint64_t)count >= file->size;

    batch->ledger = ledger;
    batch->position = file->position;
    write_key(ledger, file, batch->key);
    ledger_read(batch, ledger->chunk, (size_t)count, ended && to_end);
    bool more = batch->count == LEDGER_BATCH || !to_end;
    int result = batch->position > file->position ? ledger_put(batch) : 0;

    if (result == 0) {
        note_batch(ledger, file, batch);
        file->position = batch->position;
    }
    memory_free(batch);
    return result < 0 ? result : more;
}

static int step_open_file(struct ledger *ledger, struct tailed *file, int fd, bool ended)
{
    int result = 0;

    if (!file->loaded)
        result = load_position(ledger, file);
    if (result == 0 && file->position < file->size)
        result = read_batch(ledger, file, fd, ended);
    if (result == 0 && ended)
        result = delete_file(ledger, file);
    return result;
}

static int step_file(struct ledger *ledger, struct tailed *file)
{
    bool ended;
    int fd = ledger_open_file(ledger, file, &ended);

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd; /* another ledger was here */
    int result = 0;

    if (!file->loaded || file->position < file->size || ended)
        result = step_open_file(ledger, file, fd, ended);
    (void)close(fd);
    return result;
}

/* ---- all files
 * ------------------------------------------------------------------------------- */

static int step(struct ledger *ledger)
{
    int result = ledger_list(ledger);
    bool more = false;

    for (unsigned i = 0; i < ledger->count && result >= 0; i++) {
        result = step_file(ledger, &ledger->files[i]);
        more |= result > 0;
    }
    note_step(ledger, result);
    return result < 0 ? result : more;
}

int ledger_step(struct ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->mutex);
    int result = step(ledger);

    (void)pthread_mutex_unlock(&ledger->mutex);
    return result;
}

int ledger_flush(struct ledger *ledger, uint64_t most_ms)
{
    uint64_t deadline_ms = clock_monotonic_ms() + most_ms;
    int result;

    while ((result = ledger_step(ledger)) > 0) {
        if (clock_monotonic_ms() >= deadline_ms)
            return -EAGAIN;
    }
    return result;
}
