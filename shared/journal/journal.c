#include "shared/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 32

static void write_name(uint64_t number, const char *ending, char ret[NAME_BYTES])
{
    (void)snprintf(ret, NAME_BYTES, "%016" PRIx64 ".%s", number, ending);
}

static int note(struct journal *journal, int result)
{
    if (result < 0) {
        journal->failures++;
        journal->last_error = result;
    }
    return result;
}

/* The lock says to the ledger that the file's writer lives.  The ledger may have looked between
 * open and lock and have deleted the file as a dead writer's: then it is not ours. */
static bool own_file(int fd)
{
    struct stat status;

    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 && status.st_nlink > 0;
}

static int begin_file(struct journal *journal)
{
    char name[NAME_BYTES];

    for (int attempts = 0; attempts < 100; attempts++) {
        journal->number = journal->next_number(journal->who);
        write_name(journal->number, "done", name);
        if (faccessat(journal->folder_fd, name, F_OK, 0) == 0)
            continue; /* the clock went back: that one waits for the ledger still */
        write_name(journal->number, "journal", name);
        journal->file_bytes = 0;
        journal->fd = openat(journal->folder_fd, name,
                             O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        if (journal->fd < 0 && errno != EEXIST)
            return -errno;
        if (journal->fd >= 0 && own_file(journal->fd))
            return 0;
        if (journal->fd >= 0)
            (void)close(journal->fd);
        journal->fd = -1;
    }
    return -EEXIST;
}

static void end_file(struct journal *journal)
{
    char name[NAME_BYTES];
    char done[NAME_BYTES];

    if (journal->fd < 0)
        return;
    write_name(journal->number, "journal", name);
    write_name(journal->number, "done", done);
    /* When it fails the ledger still reads the file; its writer's death ends it then. */
    (void)renameat(journal->folder_fd, name, journal->folder_fd, done);
    (void)close(journal->fd);
    journal->fd = -1;
}

int journal_open(struct journal *journal, struct span state_dir,
                 uint64_t (*next_number)(void *who), void *who)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%.*s/journal", SPAN_ARG(state_dir));

    *journal =
        (struct journal){.fd = -1, .folder_fd = -1, .next_number = next_number, .who = who};
    buffer_init(&journal->waiting, JOURNAL_KEEP_BYTES);
    if (length < 0 || (size_t)length >= sizeof(path))
        return -ENAMETOOLONG;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    journal->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return journal->folder_fd < 0 ? -errno : begin_file(journal);
}

void journal_append(struct journal *journal, const struct usage_record *record)
{
    if (record_write(record, &journal->waiting))
        return;
    journal->lost++;
    journal->waiting.failed = false; /* it holds what it held; a smaller record may fit */
}

/* One write(2); *ret_left says whether bytes wait still. */
static int write_some(struct journal *journal)
{
    ssize_t count;

    do {
        count = write(journal->fd, journal->waiting.ptr, journal->waiting.len);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    journal->file_bytes += (uint64_t)count;
    journal->written_bytes += (uint64_t)count;
    if ((size_t)count == journal->waiting.len)
        buffer_clear(&journal->waiting);
    else
        buffer_drop(&journal->waiting, (size_t)count);
    return count == 0 ? -EIO : 0;
}

int journal_flush(struct journal *journal)
{
    int result = 0;

    if (journal->waiting.len == 0)
        return 0;
    if (journal->fd < 0)
        result = begin_file(journal);
    /* A second write finds out why the first was short. */
    while (result == 0 && journal->waiting.len > 0)
        result = write_some(journal);
    if (result < 0)
        return note(journal, result);
    journal->last_error = 0;
    /* Only here, at the end of a whole record, may the file change. */
    if (journal->file_bytes >= JOURNAL_FILE_BYTES)
        end_file(journal);
    return 0;
}

void journal_close(struct journal *journal)
{
    if (journal->folder_fd >= 0)
        (void)journal_flush(journal);
    end_file(journal);
    if (journal->folder_fd >= 0)
        (void)close(journal->folder_fd);
    journal->folder_fd = -1;
    buffer_done(&journal->waiting);
}
