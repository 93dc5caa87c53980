/* shared/kept/kept.h
 *
 * Small files that any worker finds again: STATE_DIR/responses/XX/NAME, XX two hex digits of
 * the name's CRC. A name is written once, by whichever worker made it, and is either there as a
 * whole or not at all (a file NAME.part is renamed). What was put survives the death of its
 * worker, not that of the machine: nothing is synced. Workers put, get and remove; the
 * controller sweeps what is too old or too much. All calls block for as long as the disk does.
 *
 * Errors are negative errno; -ENOENT is the usual answer for what is not there, -EINVAL for a
 * name that could be no file of ours.
 */
#ifndef SHARED_KEPT_KEPT_H
#define SHARED_KEPT_KEPT_H

#include "shared/base/buffer.h"

#define KEPT_NAME_BYTES 96
#define KEPT_FILE_BYTES (16U << 20)

struct kept {
    int folder_fd;
};

struct kept_limits {
    int64_t lifetime_seconds; /* above 0 */
    uint64_t bytes;           /* of all files: the oldest go first */
};

struct kept_swept {
    uint64_t removed, left, left_bytes;
};

/* Makes the folder when it is missing. */
int kept_open(struct kept *kept, struct span state_dir);
void kept_close(struct kept *kept);

/* -EEXIST: the name is being written already; -EFBIG: BYTES are more than KEPT_FILE_BYTES. */
int kept_put(const struct kept *kept, struct span name, struct span bytes);
/* Appends the file to OUT, whose limit should be KEPT_FILE_BYTES: -EFBIG beyond. */
int kept_get(const struct kept *kept, struct span name, struct buffer *out);
int kept_remove(const struct kept *kept, struct span name);

/* Constant memory, two walks at most. Ages are told apart in steps of a 64th of the lifetime:
 * within the last step that goes by the limit of bytes, the order is any. */
int kept_sweep(const struct kept *kept, int64_t now_seconds, const struct kept_limits *limits,
               struct kept_swept *ret);

#endif
