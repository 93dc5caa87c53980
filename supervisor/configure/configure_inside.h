/* supervisor/configure/configure_inside.h
 *
 * What the files of this folder share: provider accounts of all sources in one list, in the
 * order in which they stand for a name.
 */
#ifndef SUPERVISOR_CONFIGURE_CONFIGURE_INSIDE_H
#define SUPERVISOR_CONFIGURE_CONFIGURE_INSIDE_H

#include "shared/snapshot/snapshot_build.h"

#include "supervisor/configure/configure.h"
#include "supervisor/configure/scopes.h"
#include "supervisor/prices/price_table.h"

#define ACCOUNTS_MAX 1024 /* rows of target health in the segment */

struct account {
    enum provider_source source;
    const struct provider_kind *kind;
    struct span name, base_url;
    struct secret credential;  /* the first, or the only one */
    struct settings_list keys; /* of struct settings_api_key: all of several, else empty */
    const struct configure_provider *stored;  /* NULL: not of the store */
    const struct configure_token *token;      /* NULL: the credential was not fetched */
    const struct settings_provider *settings; /* NULL: of another source */
    const struct span *models;                /* NULL: the kind's catalogue */
    uint32_t model_count;
    const struct catalogue *catalogue;
    uint32_t scope; /* 1 + index; 0: no limits */
};

struct account_list {
    struct account *rows;
    uint32_t count;
    const struct catalogue *catalogue;
};

/* Prices of the snapshot under construction. */
struct price_list {
    struct snapshot_builder *builder;
    struct price_table table;
    struct snapshot_price *rows;
    const struct price_sheet **made_of; /* of each row: what it was made of */
    uint32_t count, size;
    int64_t now_ms;
};

void accounts_gather(struct account_list *list, const struct settings *settings,
                     const struct configure_rows *rows);
void accounts_done(struct account_list *list);
/* The index, or UINT32_MAX. */
uint32_t account_find(const struct account_list *list, struct span name);
/* All that can be used, the first as in ACCOUNT; how many. Names may be missing. */
uint32_t account_credentials(const struct account *account,
                             struct configure_credential ret[SNAPSHOT_CREDENTIALS_MAX]);
/* Its INDEXth model; ptr NULL at the end. */
struct span account_model(const struct account *account, uint32_t index);

/* False with a sentence in *reterr. */
bool put_providers(struct snapshot_builder *builder, const struct settings *settings,
                   const struct account_list *accounts, const struct scopes *scopes,
                   struct snapshot_header_page *page, struct buffer *reterr);
/* Where each dialect of ACCOUNT is, at URL. */
void put_faces(struct snapshot_builder *builder, const struct account *account,
               const struct settings_url *url, struct snapshot_provider *provider);

void put_cache_rules(const struct settings_cache_rules *from, struct snapshot_cache_rules *to);

/* What models and their targets are looked up in. */
struct put_lists {
    struct price_list *prices;
    struct scopes *scopes;
};

void put_models(struct snapshot_builder *builder, const struct settings *settings,
                const struct account_list *accounts, const struct put_lists *lists,
                struct snapshot_header_page *page);

/* The catalogue of ROWS, or the built-in one. */
const struct catalogue *configure_catalogue(const struct configure_rows *rows);
/* Writes the page and frees the list. */
/* 1 + index of the price in force, 0 when nobody knows it. */
uint32_t prices_number(struct price_list *list, const struct account *account,
                       struct span model);
void prices_end(struct price_list *list, struct snapshot_header_page *page);

void configure_budgets_clear(struct configure_budgets *budgets);
struct configure_budget *configure_budgets_add(struct configure_budgets *budgets);

#endif
