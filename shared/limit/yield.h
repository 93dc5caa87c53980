/* shared/limit/yield.h
 *
 * How long the answers of a model were, over all workers: what is reserved for the next one.
 */
#ifndef SHARED_LIMIT_YIELD_H
#define SHARED_LIMIT_YIELD_H

#include "shared/segment/segment.h"

#define YIELD_LEAST 200 /* answers before it says anything */

void yield_add(struct yield *yield, uint64_t output_tokens);
/* No more than this many tokens had 99 of 100 answers; UINT64_MAX: too few were seen, or longer
 * ones than are told apart. */
uint64_t yield_bound(struct yield *yield);

#endif
