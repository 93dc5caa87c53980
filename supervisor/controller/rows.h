/* supervisor/controller/rows.h
 *
 * Keys, provider accounts and prices as the store has them, in memory; and the copy of them on
 * disk, STATE_DIR/snapshot.sealed, with which a start goes on when the database is away:
 * AES-256-GCM under the vault's key, nonce, tag, cipher of a JSON text.
 */
#ifndef SUPERVISOR_CONTROLLER_ROWS_H
#define SUPERVISOR_CONTROLLER_ROWS_H

#include "shared/base/arena.h"
#include "shared/json_tree/json_tree.h"
#include "shared/text/json_write.h"

#include "supervisor/configure/configure.h"
#include "supervisor/keys/vault.h"
#include "supervisor/prices/price_rows.h"
#include "supervisor/store/store.h"

#define ROWS_MAX (1U << 20)

struct rows {
    struct arena arena;
    struct configure_key *keys;
    struct configure_provider *providers;
    struct price_row *prices;
    struct configure_owner *owners;
    struct rate_text *limits;
    struct budget_text *budgets;
    struct span *drains; /* names of accounts */
    uint32_t key_count, provider_count, owner_count, limit_count, budget_count;
    uint32_t price_count, price_room;
    uint32_t key_room, provider_room, owner_room, limit_room, budget_room;
    uint32_t drain_count, drain_room;
    uint32_t last_keyed;         /* the provider that the last credential was of */
    struct configure_rows table; /* what configure takes; points at the above */
};

/* Blocks.  0 and the rows, or a negative errno of the store. */
int rows_load(struct store *store, const struct vault *vault, struct rows **ret);
void rows_free(struct rows *rows); /* NULL is fine; wipes credentials */

/* Writes the copy (a new file that takes the old one's place).  0 or a negative errno. */
int rows_keep(const struct rows *rows, const struct vault *vault, struct span state_dir);
/* Reads the copy.  0, -ENOENT, or why it cannot be used. */
int rows_read_kept(const struct vault *vault, struct span state_dir, struct rows **ret);

/* For both files of this room. */
struct rows *rows_new(void);
struct configure_key *rows_add_key(struct rows *rows);
struct configure_provider *rows_add_provider(struct rows *rows);
/* A copy of FROM for PROVIDER of ROWS; what is too many is left out. */
void rows_add_credential(struct rows *rows, struct configure_provider *provider,
                         const struct configure_credential *from);
/* A copy of ROW with the price of JSON; one that cannot be read is told and left out. */
void rows_add_price(struct rows *rows, const struct price_row *row, struct span json);
/* Their texts must be in the arena. */
void rows_add_owner(struct rows *rows, const struct configure_owner *owner);
void rows_add_limit(struct rows *rows, const struct rate_text *limit);
void rows_add_budget(struct rows *rows, const struct budget_text *budget);
void rows_add_drain(struct rows *rows, struct span name); /* copies it */
/* rules.c: owners, limits and budgets of the store. */
int rows_load_rules(struct store *store, struct rows *rows);
/* kept_rules.c: owners, limits and budgets in the copy. */
void kept_write_rules(const struct rows *rows, struct json_writer *writer);
void kept_read_rules(struct rows *rows, const cJSON *tree);
/* JSON array text as names in the arena; NULL and *RET_COUNT 0 when it is not there. */
const struct span *rows_names(struct rows *rows, struct span json, uint32_t *ret_count);
void rows_finish(struct rows *rows);

#endif
