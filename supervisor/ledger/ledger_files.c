#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/memory.h"

#include "supervisor/ledger/ledger_inside.h"

#define NUMBER_DIGITS 16

void ledger_file_name(uint64_t number, bool done, char ret[LEDGER_NAME_BYTES])
{
    (void)snprintf(ret, LEDGER_NAME_BYTES, "%016" PRIx64 ".%s", number,
                   done ? "done" : "journal");
}

/* False for what is no journal file. */
static bool read_name(const char *name, uint64_t *ret_number, bool *ret_done)
{
    char same[LEDGER_NAME_BYTES];
    char *end = NULL;

    if (strnlen(name, NUMBER_DIGITS + 1) <= NUMBER_DIGITS || name[NUMBER_DIGITS] != '.')
        return false;
    errno = 0;
    *ret_number = strtoull(name, &end, 16);
    *ret_done = strcmp(name + NUMBER_DIGITS, ".done") == 0;
    ledger_file_name(*ret_number, *ret_done, same);
    return errno == 0 && strcmp(name, same) == 0;
}

static void note_file(struct ledger *ledger, uint64_t number, bool done)
{
    unsigned at = ledger->count;

    for (unsigned i = 0; i < ledger->count; i++) {
        if (ledger->files[i].number != number)
            continue;
        ledger->files[i].present = true;
        ledger->files[i].done = done;
        return;
    }
    if (ledger->count >= LEDGER_FILES_MAX)
        return; /* the next steps make room */
    if (ledger->count == ledger->room) {
        ledger->room = ledger->room ? 2 * ledger->room : 16;
        ledger->files = memory_resize(ledger->files, ledger->room * sizeof(ledger->files[0]));
    }
    for (; at > 0 && ledger->files[at - 1].number > number; at--)
        ledger->files[at] = ledger->files[at - 1];
    ledger->files[at] = (struct tailed){.number = number, .done = done, .present = true};
    ledger->count++;
}

static void drop_absent(struct ledger *ledger)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < ledger->count; i++) {
        if (ledger->files[i].present)
            ledger->files[kept++] = ledger->files[i];
    }
    ledger->count = kept;
}

int ledger_list(struct ledger *ledger)
{
    int fd = openat(ledger->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    uint64_t number;
    bool done;

    if (!folder) {
        int error = errno;

        if (fd >= 0)
            (void)close(fd);
        return -error;
    }
    for (unsigned i = 0; i < ledger->count; i++)
        ledger->files[i].present = false;
    /* cppcheck-suppress readdirCalled ; the stream is of this thread only */
    while ((entry = readdir(folder))) {
        if (read_name(entry->d_name, &number, &done))
            note_file(ledger, number, done);
    }
    (void)closedir(folder);
    drop_absent(ledger);
    return 0;
}

int ledger_open_file(struct ledger *ledger, struct tailed *file, bool *ret_ended)
{
    char name[LEDGER_NAME_BYTES];
    struct stat status;

    ledger_file_name(file->number, file->done, name);
    int fd = openat(ledger->folder_fd, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT && !file->done) {
        file->done = true;
        ledger_file_name(file->number, true, name);
        fd = openat(ledger->folder_fd, name, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return -errno;
    *ret_ended = file->done || flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fstat(fd, &status) < 0) {
        int error = errno;

        (void)close(fd);
        return -error;
    }
    file->size = (uint64_t)status.st_size;
    return fd;
}
