/* The removal of what is too old or too much. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/kept/kept.h"

#define AGES 64 /* steps of the lifetime */

struct sweeping {
    const struct kept_limits *limits;
    int64_t now_seconds;
    unsigned stay;   /* older steps than this one go */
    uint64_t excess; /* bytes of this very step that go, whichever come first */
    struct kept_swept swept;
    uint64_t bytes_by_age[AGES];
};

/* Which step of the lifetime a file is in; AGES: past it. A time to come is no age. */
static unsigned age_step(const struct sweeping *sweeping, int64_t written_seconds)
{
    int64_t lifetime = sweeping->limits->lifetime_seconds, age;

    if (__builtin_sub_overflow(sweeping->now_seconds, written_seconds, &age) || age < 0)
        return 0;
    if (age >= lifetime)
        return AGES;
    return (unsigned)((double)age * AGES / (double)lifetime);
}

static bool goes(const struct sweeping *sweeping, unsigned step)
{
    return step == AGES || step > sweeping->stay ||
           (step == sweeping->stay && sweeping->excess > 0);
}

static void sweep_file(struct sweeping *sweeping, int folder_fd, const char *name)
{
    struct stat status;
    uint64_t bytes;
    unsigned step;

    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
        return;
    step = age_step(sweeping, status.st_mtim.tv_sec);
    bytes = (uint64_t)status.st_size;
    if (goes(sweeping, step) && unlinkat(folder_fd, name, 0) == 0) {
        sweeping->swept.removed++;
        if (step == sweeping->stay)
            sweeping->excess -= bytes < sweeping->excess ? bytes : sweeping->excess;
        return;
    }
    sweeping->swept.left++;
    sweeping->swept.left_bytes += bytes;
    if (step < AGES)
        sweeping->bytes_by_age[step] += bytes;
}

static int sweep_folder(struct sweeping *sweeping, int parent_fd, unsigned number)
{
    char name[8];
    struct dirent *entry;
    DIR *folder;
    int fd;

    (void)snprintf(name, sizeof(name), "%02x", number & 0xff);
    fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    folder = fdopendir(fd);
    if (!folder) {
        int result = -errno;

        (void)close(fd);
        return result;
    }
    /* cppcheck-suppress readdirCalled ; the stream is of this thread only */
    while ((entry = readdir(folder)))
        sweep_file(sweeping, fd, entry->d_name);
    (void)closedir(folder);
    return 0;
}

static int walk(struct sweeping *sweeping, const struct kept *kept)
{
    int result = 0;

    sweeping->swept.left = sweeping->swept.left_bytes = 0;
    for (unsigned i = 0; i < AGES; i++)
        sweeping->bytes_by_age[i] = 0;
    for (unsigned number = 0; number < 256 && result == 0; number++)
        result = sweep_folder(sweeping, kept->folder_fd, number);
    return result;
}

/* When the youngest stay, there is a first step that does not fit any more as a whole. */
static bool find_excess(struct sweeping *sweeping)
{
    uint64_t bytes = 0;

    for (unsigned step = 0; step < AGES; step++) {
        bytes += sweeping->bytes_by_age[step];
        if (bytes <= sweeping->limits->bytes)
            continue;
        sweeping->stay = step;
        sweeping->excess = bytes - sweeping->limits->bytes;
        return true;
    }
    return false;
}

int kept_sweep(const struct kept *kept, int64_t now_seconds, const struct kept_limits *limits,
               struct kept_swept *ret)
{
    struct sweeping sweeping = {.limits = limits, .now_seconds = now_seconds, .stay = AGES};
    int result = walk(&sweeping, kept);

    if (result == 0 && find_excess(&sweeping))
        result = walk(&sweeping, kept);
    *ret = sweeping.swept;
    return result;
}
