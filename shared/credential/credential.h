/* shared/credential/credential.h
 *
 * Which of a provider account's credentials a request is sent with. What was learnt of each is
 * a row of the segment (struct credential_state), so that it is in force in all workers. Time
 * and chance are parameters; any process, no locks; nothing here fails.
 *
 * A credential that is refused is out for a time that doubles with each refusal; after it one
 * request at a time tries it, while the others go with those that are known to be good.
 */
#ifndef SHARED_CREDENTIAL_CREDENTIAL_H
#define SHARED_CREDENTIAL_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

#define CREDENTIAL_NONE           UINT32_MAX
#define CREDENTIAL_REFUSED_MS     5000   /* after the first refusal; doubles .. */
#define CREDENTIAL_REFUSED_MAX_MS 300000 /* .. up to this */
#define CREDENTIAL_CREDIT_MS      30000  /* the same when there is no credit */
#define CREDENTIAL_CREDIT_MAX_MS  600000
#define CREDENTIAL_TRIAL_MS       10000 /* a trial without end is another's then */
#define CREDENTIAL_LIMITED_MS     1000  /* when the provider names no time */
#define CREDENTIAL_LIMITED_MAX_MS 600000
#define CREDENTIAL_DENIALS        3 /* answers 403 in a row that count as a refusal */

enum credential_outcome {
    CREDENTIAL_GOOD,
    CREDENTIAL_REFUSED,   /* 401 */
    CREDENTIAL_DENIED,    /* 403: perhaps this model alone is not allowed */
    CREDENTIAL_PENNILESS, /* 402 */
    CREDENTIAL_LIMITED    /* 429 */
};

/* The credentials of one account. */
struct credential_choice {
    struct credential_state *states;        /* of the segment */
    const struct snapshot_credential *rows; /* COUNT, at most SNAPSHOT_CREDENTIALS_MAX */
    uint32_t count;
    uint32_t barred; /* bit I: not row I */
    uint64_t now_ms, random;
};

/* By chance and weight among those that are not out, or the one whose trial is due: who gets
 * that must note what became of it. CREDENTIAL_NONE: all are barred or out. */
uint32_t credential_choose(const struct credential_choice *choice);
/* Whether credential_choose would find one; takes no trial. */
bool credential_left(const struct credential_choice *choice);
/* The one that is back first, of those that are not barred; RET_MS: when, 0: it is not out. */
uint32_t credential_soonest(const struct credential_choice *choice, uint64_t *ret_ms);
/* What became of a request with it. RETRY_AFTER_MS: 0 if not told. True: it was out for
 * refusals and is good again. */
bool credential_note(struct credential_state *state, enum credential_outcome outcome,
                     uint64_t now_ms, uint64_t retry_after_ms);

enum credential_condition {
    CREDENTIAL_IS_GOOD,
    CREDENTIAL_IS_LIMITED,
    CREDENTIAL_IS_REFUSED,
    CREDENTIAL_CONDITIONS
};

/* RET_UNTIL_MS: monotonic; 0: it is not out. */
enum credential_condition credential_condition(const struct credential_state *state,
                                               uint64_t now_ms, uint64_t *ret_until_ms);
const char *credential_condition_name(enum credential_condition condition);

#endif
