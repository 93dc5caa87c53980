/* supervisor/oauth/oauth.h
 *
 * Credentials that are fetched (RFC 6749 4.4, client credentials): which providers of the
 * settings need a token, when it is asked for, what question and answer look like.  No clock,
 * no network, no log: the controller asks, through supervisor/outbound, and publishes what
 * comes.
 *
 * A token is asked for anew ahead of its end, so that a service that is away for a while does
 * not matter; until the new one comes, the old one is used as long as it is valid.
 */
#ifndef SUPERVISOR_OAUTH_OAUTH_H
#define SUPERVISOR_OAUTH_OAUTH_H

#include "shared/base/buffer.h"
#include "shared/settings/settings.h"
#include "shared/snapshot/snapshot.h"

#include "supervisor/configure/configure.h"
#include "supervisor/outbound/outbound.h"

#define OAUTH_TOKEN_BYTES 8192
#define OAUTH_WHY_BYTES   400
#define OAUTH_REFUSED_MS  10000           /* at most one question for refusals within */
#define OAUTH_LIFE_MS     (3600 * 1000LL) /* of a token whose service does not say */

struct oauth_row {
    char name[65];                        /* of the provider */
    const struct settings_provider *from; /* of the settings that are followed */
    struct buffer url;
    /* What is asked for, as digests: at another PLACE (provider or service) a token must not be
     * shown; of another CLIENT one is used until its own comes. */
    uint8_t place[32], client[32];
    struct buffer token;      /* empty: none */
    int64_t until_ms, due_ms; /* wall */
    int64_t came_ms;          /* wall */
    uint8_t token_client[32]; /* who got the token */
    uint64_t refusals;        /* of the provider, as the segment counts them */
    uint32_t failures;        /* one after another */
    bool asking;
    char why[OAUTH_WHY_BYTES]; /* the last one failed; without a secret */
};

struct oauth_rows {
    struct oauth_row *rows;
    uint32_t count;
    const struct settings *settings;
};

/* One row for each provider that SETTINGS give `oauth`; they must live until the next call.
 * Tokens stay where they are good. */
void oauth_follow(struct oauth_rows *rows, const struct settings *settings);
/* Wipes the tokens. */
void oauth_done(struct oauth_rows *rows);
/* NULL: its credential is not fetched. */
struct oauth_row *oauth_find(const struct oauth_rows *rows, struct span provider);
/* Takes over a token of a controller that died, when it is for the same place. */
void oauth_adopt(struct oauth_rows *rows, struct span provider,
                 const struct snapshot_token *token, struct span credential);
/* Those of ROWS that are there, for configure_snapshot: an array of rows->count. */
uint32_t oauth_tokens(const struct oauth_rows *rows, struct configure_token *ret);

/* The next one to ask for, or NULL. */
struct oauth_row *oauth_due(const struct oauth_rows *rows, int64_t now_ms);
/* RET was initialised. */
void oauth_write_question(const struct oauth_rows *rows, const struct oauth_row *row,
                          struct outbound_question *ret);
/* True when the token is another one now; false with row->why. */
bool oauth_take_answer(struct oauth_row *row, const struct outbound_answer *answer,
                       int64_t now_ms, uint64_t random);
/* The provider's count of refusals (401) is COUNT now: a token that is not quite new is asked
 * for anew. */
void oauth_refused(struct oauth_row *row, uint64_t count, int64_t now_ms);
/* Lets go of a token that has ended: true when there was one. */
bool oauth_end(struct oauth_row *row, int64_t now_ms);

/* From the arrival of a token to the next question: 80 % of its life, not later than 5 minutes
 * before its end, but not before half of it. */
int64_t oauth_due_after_ms(int64_t life_ms);
/* After FAILURES in a row: 1 s, 2 s, 4 s ... 60 s, and of that between half and all. */
int64_t oauth_retry_after_ms(uint32_t failures, uint64_t random);

/* For people: "waiting for a token: HTTP 401 from host"; empty when all is well. */
void oauth_write_trouble(const struct oauth_row *row, struct buffer *out);

#endif
