/* worker/translate/limit_read.h
 *
 * What a provider's answer says, in header fields, of when it takes requests again. Pure.
 * Nothing here is believed beyond the longest time of the account's health rules.
 */
#ifndef WORKER_TRANSLATE_LIMIT_READ_H
#define WORKER_TRANSLATE_LIMIT_READ_H

#include "shared/http/http_reader.h"

#include "worker/translate/dialect.h"

/* `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110 10.2.3), in
 * milliseconds from WALL_MS on; 0: it does not say, or names a time that is past. */
uint64_t limit_read_retry_ms(const struct http_head *head, int64_t wall_ms);
/* The longest reset of a limit of which nothing remains, by the fields of DIALECT, in
 * milliseconds; 0: all have room, or say nothing that can be read. */
uint64_t limit_read_spent_ms(const struct http_head *head, const struct dialect *dialect,
                             int64_t wall_ms);
/* How much of its limits is used, in thousandths, of the one of which the smallest share
 * remains; UINT32_MAX: it does not say. *RET_RESET_MS: when that one is whole again; 0: not
 * said. */
uint32_t limit_read_used(const struct http_head *head, const struct dialect *dialect,
                         int64_t wall_ms, uint64_t *ret_reset_ms);
/* "6m0s", "1.5s", "20ms", "1h2m", or plain seconds. False when it is none. */
bool limit_read_span_ms(struct span text, uint64_t *ret_ms);

#endif
