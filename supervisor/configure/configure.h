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
#include "shared/limit/period.h"
#include "shared/limit/rule.h"
#include "shared/segment/segment.h"
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

/* A credential of an account of the store. */
struct configure_credential {
    struct span name;
    struct secret value; /* decrypted; not there: it could not be unsealed */
    uint32_t weight;
    int64_t created_ms;
};

/* A provider account of the store. */
struct configure_provider {
    struct span name, kind, base_url;  /* base_url empty: the kind's */
    struct configure_credential *keys; /* the first that can be used stands for all of them */
    uint32_t key_count;
    const struct span *models; /* NULL: the kind's catalogue */
    uint32_t model_count;
};

/* A credential that was fetched, of a provider whose settings have `oauth`. */
struct configure_token {
    struct span provider;
    struct secret value;
    struct snapshot_token origin;
};

/* A tenant, team or user of the store. */
struct configure_owner {
    enum limit_scope kind;
    uint64_t id, tenant; /* ids of the store */
    struct span name;
    const struct span *models; /* allowed names, of a tenant or team; NULL: all */
    uint32_t model_count;
};

/* All rows; what they point at must live until the call ends. */
struct configure_rows {
    const struct configure_key *keys;
    const struct configure_provider *providers;
    const struct configure_token *tokens;
    const struct price_row *prices;    /* in any order */
    const struct catalogue *catalogue; /* NULL: the built-in one */
    const struct configure_owner *owners;
    const struct rate_text *limits;
    const struct budget_text *budgets;
    uint32_t key_count, provider_count, token_count, owner_count, limit_count, budget_count;
    uint32_t price_count;
};

enum provider_source {
    PROVIDER_SETTINGS,
    PROVIDER_STORE,
    PROVIDER_ENVIRONMENT,
    PROVIDER_BUILT_IN
};

/* Remembers, for the life of the controller, which row of target health a provider's name has;
 * zeroed at birth. An empty name: the row is free. */
struct configure_health {
    struct {
        uint64_t hash;
        char name[64];
    } rows[1024];

    uint32_t count;
};

/* A budget that counts for somebody, in one of its periods. */
struct configure_budget {
    enum limit_scope kind;
    struct span subject, name;
    uint64_t identity;
    struct budget_rule rule;
    struct period period;
    uint32_t bucket; /* in the segment */
    bool runs;       /* false: the period to come */
    bool stored;     /* a rule of the store, not of the settings */
};

/* All of them, as the newest snapshot has them. */
struct configure_budgets {
    struct configure_budget *rows;
    uint32_t count, room;
    int64_t ends_ms; /* the next end of a period: a snapshot is made anew then */
    struct arena arena;
};

#define CONFIGURE_ZONES_MAX 256

/* Zones that were asked for: each is read once. */
struct configure_zones {
    struct {
        char name[ZONE_NAME_MAX + 1];
        struct zone *zone;
    } rows[CONFIGURE_ZONES_MAX];

    uint32_t count;
};

/* What lives longer than a snapshot; zeroed at birth. */
struct configure_lasting {
    struct configure_health health;
    struct segment *segment; /* has the counters; NULL: a snapshot has no limits */
    uint64_t oldest;         /* counters that no snapshot since named may be taken */
    /* Whether an enforced budget lets nothing in, since nobody knows what was spent of it;
     * NULL: none is. */
    bool (*blocked)(void *who, uint64_t identity);
    void *who;
    struct configure_zones zones;
    struct configure_budgets budgets;
};

/* The names and rows of SNAPSHOT, which a controller before this one made: what the segment
 * says of an account stays with its name. */
void configure_adopt_health(struct configure_health *health, const struct snapshot *snapshot);
void configure_lasting_done(struct configure_lasting *lasting);

/* The snapshot: a sealed descriptor, or a negative errno with one sentence in *reterr. */
int configure_snapshot(const struct settings *settings, const struct configure_rows *rows,
                       struct configure_lasting *lasting, uint64_t generation,
                       struct buffer *reterr);

/* All prices but the catalogue's, and it; it points at SETTINGS and ROWS. price_table_done. */
void configure_prices(const struct settings *settings, const struct configure_rows *rows,
                      struct price_table *ret);

/* The catalogue that SETTINGS name, or NULL for the built-in one; False with a line in *reterr.
 * Blocks. */
bool configure_read_catalogue(const struct settings *settings, const char *file,
                              struct catalogue **ret, struct buffer *reterr);

/* What the parent must know.  PREVIOUS is what runs (NULL at start).  False with one line per
 * error in *reterr ("FILE:LINE: ..."): an address that does not resolve. */
bool configure_plan(const struct settings *settings, const char *file,
                    const struct settings *previous, struct plan *ret, struct buffer *reterr);

/* The next provider from *AT on that the settings expect in the store and that is not there;
 * ptr NULL at the end.  Models that lead to it alone answer 503. */
struct span configure_missing(const struct settings *settings,
                              const struct configure_rows *rows, uint32_t *at);

/* Tenants, teams, users and keys that conditions of targets name and nobody has, into OUT
 * ("tenant:acme, key:ci"); how many. */
uint32_t configure_unknown(const struct settings *settings, const struct configure_rows *rows,
                           struct buffer *out);

/* For GET /providers: where the provider of that name comes from. */
enum provider_source configure_source(const struct settings *settings,
                                      const struct configure_rows *rows, struct span name);

#endif
