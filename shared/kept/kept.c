#include "shared/kept/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/file.h"
#include "shared/base/hash.h"

#define PATH_BYTES (KEPT_NAME_BYTES + 16)

/* Letters, digits, '_' and '-': no way out of the folder, no ending of ours. */
static bool name_good(struct span name)
{
    if (name.len == 0 || name.len > KEPT_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        char letter = (char)(c | 0x20);

        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '_' &&
            c != '-')
            return false;
    }
    return true;
}

static void write_path(struct span name, const char *ending, char ret[PATH_BYTES])
{
    (void)snprintf(ret, PATH_BYTES, "%02x/%.*s%s", (unsigned)(crc32_of(name) & 0xff),
                   SPAN_ARG(name), ending);
}

static int result_of(int result)
{
    return result < 0 ? -errno : 0;
}

int kept_open(struct kept *kept, struct span state_dir)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%.*s/responses", SPAN_ARG(state_dir));

    *kept = (struct kept){.folder_fd = -1};
    if (length < 0 || (size_t)length >= sizeof(path))
        return -ENAMETOOLONG;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    kept->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return result_of(kept->folder_fd);
}

void kept_close(struct kept *kept)
{
    if (kept->folder_fd >= 0)
        (void)close(kept->folder_fd);
    kept->folder_fd = -1;
}

/* The folder of two digits is made when its first file comes. */
static int create(const struct kept *kept, const char *path)
{
    char folder[3] = {path[0], path[1], '\0'};
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = openat(kept->folder_fd, path, flags, 0600);

    if (fd >= 0)
        return fd;
    if (errno != ENOENT)
        return -errno;
    if (mkdirat(kept->folder_fd, folder, 0700) < 0 && errno != EEXIST)
        return -errno;
    fd = openat(kept->folder_fd, path, flags, 0600);
    if (fd < 0)
        return -errno;
    return fd;
}

int kept_put(const struct kept *kept, struct span name, struct span bytes)
{
    char part[PATH_BYTES], path[PATH_BYTES];
    int fd, result;

    if (!name_good(name))
        return -EINVAL;
    if (bytes.len > KEPT_FILE_BYTES)
        return -EFBIG;
    write_path(name, ".part", part);
    write_path(name, "", path);
    fd = create(kept, part);
    if (fd < 0)
        return fd;
    result = file_write(fd, bytes);
    if (close(fd) < 0 && result == 0)
        result = -errno;
    if (result == 0)
        result = result_of(renameat(kept->folder_fd, part, kept->folder_fd, path));
    if (result < 0)
        (void)unlinkat(kept->folder_fd, part, 0);
    return result;
}

static int read_all(int fd, size_t size, struct buffer *out)
{
    while (size > 0) {
        char *room = buffer_reserve(out, size);
        ssize_t count = room ? read(fd, room, size) : -1;

        if (!room)
            return -EFBIG;
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? -errno : -EIO;
        buffer_grew(out, (size_t)count);
        size -= (size_t)count;
    }
    return 0;
}

int kept_get(const struct kept *kept, struct span name, struct buffer *out)
{
    char path[PATH_BYTES];
    struct stat status;
    int fd, result;

    if (!name_good(name))
        return -EINVAL;
    write_path(name, "", path);
    fd = openat(kept->folder_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    result = result_of(fstat(fd, &status));
    if (result == 0 && (status.st_size < 0 || (uint64_t)status.st_size > KEPT_FILE_BYTES))
        result = -EFBIG;
    if (result == 0)
        result = read_all(fd, (size_t)status.st_size, out);
    (void)close(fd);
    return result;
}

int kept_remove(const struct kept *kept, struct span name)
{
    char path[PATH_BYTES];

    if (!name_good(name))
        return -EINVAL;
    write_path(name, "", path);
    return result_of(unlinkat(kept->folder_fd, path, 0));
}
