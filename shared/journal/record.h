/* shared/journal/record.h
 *
 * The usage record: one per exchange that was let in (its key was valid), made by the worker at
 * its end, or by the controller for an exchange whose worker died.  In the journal a record is
 * framed as u32 length of payload | u32 CRC-32 of payload | payload          (little endian)
 * and the payload is a sequence of fields: u8 tag, u8 kind (1: u64, 2: i64, 3: u16 length +
 * bytes), value, so that records of older and newer versions can be read side by side: unknown
 * tags are skipped.
 */
#ifndef SHARED_JOURNAL_RECORD_H
#define SHARED_JOURNAL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

enum outcome {
#define OUTCOME(name, help) OUTCOME_##name,
#include "shared/journal/outcomes.def"
#undef OUTCOME
    OUTCOME_COUNT
};

/* Its word, or ptr NULL for a number of a later version. */
struct span outcome_name(uint64_t outcome);

#define USAGE_UNKNOWN UINT64_MAX /* a count that nobody reported */

/* Members stand in the order of record.def.  A text that is empty is not written and is read
 * as "not there"; a number that is not in the bytes is read as 0. */
struct usage_record {
#define USAGE_TEXT(tag, member)   struct span member;
#define USAGE_NUMBER(tag, member) uint64_t member;
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
};

/* Bits of `estimated`: what the gateway counted itself, for want of the provider's word. */
enum estimated {
    ESTIMATED_input = 1,
    ESTIMATED_output = 2,
    ESTIMATED_cost = 4,   /* by the worst case: the worker died */
    ESTIMATED_clamped = 8 /* the provider's word was absurd */
};

#define RECORD_TEXT_MAX    512  /* longer texts are cut */
#define RECORD_LONG_MAX    2048 /* the same of USAGE_LONG */
#define RECORD_PAYLOAD_MAX 16384

/* Appends the framed record.  False when the buffer is full. */
bool record_write(const struct usage_record *record, struct buffer *out);

enum record_result {
    RECORD_OK,
    RECORD_MORE,
    RECORD_CORRUPT
};
/* Reads the first record of BYTES; texts are spans into BYTES.  *ret_size: bytes it took (for
 * CORRUPT: how many to skip to come to the next plausible record, at least 1).  MORE: the
 * record is not whole yet. */
enum record_result record_read(struct span bytes, struct usage_record *ret, size_t *ret_size);

/* Where after byte 0 the next whole record begins, bytes.len when there is none.  For the end
 * of a file that nobody writes any more, where MORE means "damaged". */
size_t record_resync(struct span bytes);

#endif
