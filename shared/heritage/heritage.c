#include "shared/heritage/heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"

int heritage_write(const struct heritage *heritage)
{
    int fd = memfd_create("aigw-heritage", MFD_ALLOW_SEALING);

    if (fd < 0)
        return -errno;
    if (pwrite(fd, heritage, sizeof(*heritage), 0) == sizeof(*heritage) &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return fd;
    (void)close(fd);
    return -EIO;
}

static bool listeners_are_sound(const struct heritage *heritage)
{
    if (heritage->listener_count < 0 || heritage->listener_count > HERITAGE_LISTENERS)
        return false;
    for (int i = 0; i < heritage->listener_count; i++)
        if (heritage->listeners[i] < 0)
            return false;
    return true;
}

static bool is_ours(const struct heritage *heritage)
{
    return heritage->magic == HERITAGE_MAGIC && heritage->version == HERITAGE_VERSION &&
           heritage->size == sizeof(*heritage) && heritage->role <= ROLE_WORKER &&
           heritage->control_fd >= 0 && heritage->segment_fd >= 0 &&
           listeners_are_sound(heritage) &&
           memchr(heritage->settings_path, 0, sizeof(heritage->settings_path)) != NULL;
}

int heritage_read(int fd, struct heritage *ret)
{
    struct heritage heritage;
    struct stat status;
    bool sound;

    if (fd < 0)
        return -EPROTO;
    sound = fstat(fd, &status) == 0 && status.st_size == (off_t)sizeof(heritage) &&
            pread(fd, &heritage, sizeof(heritage), 0) == (ssize_t)sizeof(heritage) &&
            is_ours(&heritage);
    (void)close(fd);
    if (!sound)
        return -EPROTO;
    *ret = heritage;
    return 0;
}
