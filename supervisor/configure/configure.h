/* supervisor/configure/configure.h
 *
 * Settings and rows of the store become what runs: a sealed snapshot for the workers and a plan
 * for the parent.  Runs in the controller.  configure_plan resolves host names of listeners and
 * may block: at start and at reload only; configure_snapshot never blocks.
 *
 * Names: a provider of the settings stands before one of the store (an entry of kind store only
 * adds to the store's), that before one of the environment; a model of the settings before
 * `provider/model`, that before a bare name (which exactly one provider must have).
 */
#ifndef SUPERVISOR_CONFIGURE_CONFIGURE_H
#define SUPERVISOR_CONFIGURE_CONFIGURE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/secret.h"
#include "shared/base/span.h"
#include "shared/heritage/heritage.h"
#include "shared/settings/settings.h"
#include "shared/snapshot/snapshot.h"

#include "supervisor/prices/price_table.h"

/* A key as the store has it. */
struct configure_key {
    char id[KEY_ID_SIZE];
    uint32_t flags;            /* enum key_flag */
    uint8_t secret_hash[32];   /* SHA-256 of the secret part */
    uint8_t previous_hash[32]; /* zero: none */
    int64_t previous_until_ms; /* 0: none */
    int64_t expires_ms;        /* 0: never */
    uint64_t tenant, team, user;
    struct span name;
    const struct span *models; /* allowed names; NULL: all */
    uint32_t model_count;
};

/* A provider account of the store. */
struct configure_provider {
    struct span name, kind, base_url; /* base_url empty: the kind's */
    struct secret credential;         /* decrypted */
    const struct span *models;        /* NULL: the kind's catalogue */
    uint32_t model_count;
};

/* A credential that was fetched, of a provider whose settings have `oauth`. */
struct configure_token {
    struct span provider;
    struct secret value;
    struct snapshot_token origin;
};

/* All rows; what they point at must live until the call ends. */
struct configure_rows {
    const struct configure_key *keys;
    const struct configure_provider *providers;
    const struct configure_token *tokens;
    const struct price_row *prices;    /* in any order */
    const struct catalogue *catalogue; /* NULL: the built-in one */
    uint32_t key_count, provider_count, token_count, price_count;
};

enum provider_source {
    PROVIDER_SETTINGS,
    PROVIDER_STORE,
    PROVIDER_ENVIRONMENT,
    PROVIDER_BUILT_IN
};

/* Remembers, for the life of the controller, which row of target health a provider's name has;
 * zeroed at birth. */
struct configure_health {
    struct {
        uint64_t hash;
        char name[64];
    } rows[1024];

    uint32_t count;
};

/* The snapshot: a sealed descriptor, or a negative errno with one sentence in *reterr. */
int configure_snapshot(const struct settings *settings, const struct configure_rows *rows,
                       struct configure_health *health, uint64_t generation,
                       struct buffer *reterr);

/* What the parent must know.  PREVIOUS is what runs (NULL at start).  False with one line per
 * error in *reterr ("FILE:LINE: ..."): an address that does not resolve. */
bool configure_plan(const struct settings *settings, const char *file,
                    const struct settings *previous, struct plan *ret, struct buffer *reterr);

/* The next provider from *AT on that the settings expect in the store and that is not there;
 * ptr NULL at the end.  Models that lead to it alone answer 503. */
struct span configure_missing(const struct settings *settings,
                              const struct configure_rows *rows, uint32_t *at);

/* For GET /providers: where the provider of that name comes from. */
enum provider_source configure_source(const struct settings *settings,
                                      const struct configure_rows *rows, struct span name);

#endif
