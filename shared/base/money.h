/* shared/base/money.h
 *
 * Money: whole nanodollars, read and written as dollars with up to nine digits after the point.
 * No floating point anywhere.
 */
#ifndef SHARED_BASE_MONEY_H
#define SHARED_BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

#define NANO_PER_DOLLAR 1000000000ULL
#define MONEY_MAX       ((uint64_t)INT64_MAX) /* nanodollars: about nine billion dollars */

/* "12", "0.5", "12.000000001". False when it is none, is negative, has more digits, or is over
 * MONEY_MAX. */
bool money_read(struct span text, uint64_t *ret_nano);
/* "12", "0.5": without zeros at the end. */
void money_write(struct buffer *out, uint64_t nano);

#endif
