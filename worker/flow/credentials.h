/* worker/flow/credentials.h
 *
 * Which credential of its account an attempt is sent with, and what is learnt of it
 * (shared/credential/credential.h). A request never shows a provider a credential again that
 * was refused to it. A token that was refused is waited for, when there is nobody else to ask:
 * the controller fetches another one and publishes it with a new snapshot.
 */
#ifndef WORKER_FLOW_CREDENTIALS_H
#define WORKER_FLOW_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/fault.h"
#include "shared/base/span.h"

#define CREDENTIALS_SPENT_MAX 16
#define TOKEN_WAIT_MS         2000 /* for a new one, from the first refusal on */
#define TOKEN_LOOK_MS         20

struct exchange;
struct json_writer;

/* Of one attempt. */
struct credential_used {
    struct span value; /* in the exchange's snapshot or arena; ptr NULL: there is none */
    struct span name;  /* for people; ptr NULL: an account with one alone */
    uint32_t row;      /* in the segment */
    uint32_t index;    /* of the account; CREDENTIAL_NONE: none, or fetched anew */
    bool noted;        /* what became of it is known */
};

/* Of one exchange. */
struct credentials {
    uint32_t spent[CREDENTIALS_SPENT_MAX]; /* rows that were refused */
    uint32_t spent_count;
    uint32_t token_provider;      /* index; of FRESH */
    struct credential_used fresh; /* a token of a newer snapshot; value.ptr NULL: none */
    bool waited;                  /* for one: once is enough */
};

/* For the current attempt: x->current->credential. */
void credentials_choose(struct exchange *x);
/* The current attempt goes out. */
void credentials_count(const struct exchange *x);
/* The attempt ended, or will, with FAULT; the first note counts; FAULT_NONE: the provider took
 * its credential. */
void credentials_note(struct exchange *x, enum fault fault);
/* After FAULT: the same target can be asked at once with another credential. */
bool credentials_left(const struct exchange *x, enum fault fault);
/* All that the account of target INDEX has were refused to this request. */
bool credentials_spent(const struct exchange *x, unsigned index);
/* After FAULT: a new token may come soon. */
bool credentials_may_renew(const struct exchange *x, enum fault fault);
/* Whether it is there now; the next attempt takes it. */
bool credentials_renewed(struct exchange *x);
/* Its name as a member, where the account has several. */
void credentials_tell(const struct exchange *x, struct json_writer *json);

#endif
