/* shared/route/starts.h
 *
 * How soon the answers of a model begin, over all workers, and how many second attempts that
 * buys. Atomics of the segment: a lost update costs a figure its sharpness, nothing else.
 */
#ifndef SHARED_ROUTE_STARTS_H
#define SHARED_ROUTE_STARTS_H

#include "shared/segment/segment.h"

#define STARTS_LEAST 20   /* answers before they say what is usual */
#define STARTS_FADE  1024 /* answers, then all counts are halved: old ones fade */
#define STARTS_BURST 10   /* hedges that a quiet time may save up */
#define STARTS_TAIL  16   /* buckets above the median (4 times as long) that are outliers */

/* An answer began after US, or was given up without a beginning after as long. */
void starts_note(struct start_times *starts, enum start_form form, uint64_t us);
/* In this time PERCENT of 100 answers began, outliers left out: where so many are slow that the
 * percentile is one of them, it would say that slowness is usual. 0: too few are known. */
uint64_t starts_usual_us(const struct start_times *starts, enum start_form form,
                         uint32_t percent);

/* A request of the model: PERCENT of a hedge more. */
void starts_earn(struct start_times *starts, uint32_t percent);
/* Pays one hedge. False: there is not enough. */
bool starts_pay(struct start_times *starts);
/* It was not made. */
void starts_give_back(struct start_times *starts);

#endif
