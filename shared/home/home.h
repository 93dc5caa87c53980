/* shared/home/home.h
 *
 * Where what a provider keeps lives: the account (and credential) that made a response or took
 * a conversation, by the id that clients come back with. A table of the segment, so one worker
 * finds what another noted; a reload and the death of any process leave it, a new segment has
 * none. Any process, no locks, nothing here fails; what is not found is as if never noted.
 *
 * A row is two words, of which the first is the mark XOR the second: a row that two wrote at
 * once, or one that died between, has no mark that somebody asks for. SEGMENT_HOMES rows in
 * sets of HOME_WAYS: the oldest of a set is overwritten.
 */
#ifndef SHARED_HOME_HOME_H
#define SHARED_HOME_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/segment/segment.h"

#define HOME_WAYS           4 /* one cache line */
#define HOME_ANY_CREDENTIAL UINT32_MAX

struct home_place {
    uint32_t account;    /* home_account of its name */
    uint32_t credential; /* row of the segment, or HOME_ANY_CREDENTIAL */
};

/* Of ID as TENANT knows it: what belongs to another tenant has another mark. Never 0. */
uint64_t home_mark(uint64_t tenant, struct span id);
/* Of an account's name. Never 0. */
uint32_t home_account(struct span name);

/* NOW_MS monotonic. */
void home_note(struct segment *segment, uint64_t mark, struct home_place place,
               uint64_t now_ms);
bool home_find(struct segment *segment, uint64_t mark, struct home_place *ret);

#endif
