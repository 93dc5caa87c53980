/* shared/base/file.h
 *
 * Files, whole. Blocking: for the supervisor, the command line and what is kept in small files.
 */
#ifndef SHARED_BASE_FILE_H
#define SHARED_BASE_FILE_H

#include "shared/base/buffer.h"
#include "shared/base/span.h"

/* All BYTES to FD, however many calls it takes; 0 or a negative errno. */
int file_write(int fd, struct span bytes);

/* Appends what file NAME has; 0, a negative errno, or -EFBIG when OUT may not grow so far. OUT
 * has what was read until then. */
int file_read(const char *name, struct buffer *out);

#endif
