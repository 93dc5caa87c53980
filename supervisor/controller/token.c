#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/encode.h"
#include "shared/base/memory.h"

#include "supervisor/controller/inside.h"

#define TOKEN_SIZE      43 /* 256 bits in base62 */
#define TOKEN_BYTES_MAX 512

static int make_token(const char *name, char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t count;

    if (fd < 0)
        return -errno;
    random_base62(text, TOKEN_SIZE);
    text[TOKEN_SIZE] = '\n';
    count = write(fd, text, TOKEN_SIZE + 1);
    (void)close(fd);
    return count == TOKEN_SIZE + 1 ? TOKEN_SIZE + 1 : -EIO;
}

static int read_token(const char *name, char *text)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t count;

    if (fd < 0)
        return -errno;
    count = read(fd, text, TOKEN_BYTES_MAX);
    (void)close(fd);
    return count < 0 ? -EIO : (int)count;
}

int token_open(struct span state_dir, struct span *ret)
{
    char name[4096];
    char *text = memory_new(TOKEN_BYTES_MAX + 1); /* lives as long as the process */
    int count;

    (void)snprintf(name, sizeof(name), "%.*s/admin.token", SPAN_ARG(state_dir));
    count = read_token(name, text);
    if (count == -ENOENT)
        count = make_token(name, text);
    if (count < 0) {
        memory_free(text);
        return count;
    }
    *ret = span_of(text, (size_t)count);
    while (ret->len > 0 && strchr(" \r\n\t", ret->ptr[ret->len - 1]))
        ret->len--;
    return 0;
}
