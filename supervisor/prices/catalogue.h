/* supervisor/prices/catalogue.h
 *
 * The models that are known: what they hold, can do and cost, per kind of provider. A JSON file
 * (share/models.json), which is in the binary; another one may stand for it. Read strictly: an
 * unknown or double member, a model twice, a rate that cannot be is an error with its path.
 * What nobody tells is absent there, and 0 here.
 *
 *   {"version": "..", "models": [{"kind", "name", "aliases", "listed", "context", "output",
 *     "capabilities", "rates", "tiers", "later", "source", "date"}]}
 *
 * "later" are prices that are announced: [{"from": "2026-12-01", "rates", "tiers"}], in the
 * order of their dates.
 *
 * An alias is another name of the model at the provider; a model that is not listed has a price
 * and its facts, but is offered to nobody by itself. Controller only.
 */
#ifndef SUPERVISOR_PRICES_CATALOGUE_H
#define SUPERVISOR_PRICES_CATALOGUE_H

#include "shared/settings/settings.h"

#include "supervisor/prices/price_json.h"

#define CATALOGUE_FILE_MAX   (16 << 20)
#define CATALOGUE_MODELS_MAX 65536
#define CATALOGUE_LATER_MAX  8

struct catalogue_price {
    int64_t from_ms; /* wall */
    struct price_sheets price;
};

struct catalogue_model {
    const struct provider_kind *kind;
    struct span name;
    const struct span *aliases;
    uint32_t alias_count;
    uint32_t context, output; /* tokens: of the window, of an answer at most */
    uint32_t capabilities;    /* enum capability */
    bool unlisted;
    struct price_sheets price;
    const struct catalogue_price *later;
    uint32_t later_count;
    struct span source, date; /* of the figures */
};

struct catalogue {
    struct arena arena;
    struct span version;
    struct catalogue_model *models;
    uint32_t count;
    uint32_t *index; /* open addressing over kinds and names, UINT32_MAX: empty */
    uint32_t index_size;
};

/* The one in the binary; never NULL, never freed. */
const struct catalogue *catalogue_built_in(void);
/* NULL with one line in *reterr. */
struct catalogue *catalogue_parse(struct span text, struct buffer *reterr);
/* The same of a file; its name begins the line. */
struct catalogue *catalogue_read(const char *file, struct buffer *reterr);
void catalogue_free(struct catalogue *catalogue); /* NULL is fine */

/* The model of KIND with that name or alias, or NULL. */
const struct catalogue_model *catalogue_find(const struct catalogue *catalogue,
                                             const struct provider_kind *kind,
                                             struct span name);
/* What MODEL costs at NOW_MS and since when (0: always). */
struct catalogue_price catalogue_price_at(const struct catalogue_model *model, int64_t now_ms);
/* The INDEXth that KIND offers, NULL at the end. */
const struct catalogue_model *catalogue_model_at(const struct catalogue *catalogue,
                                                 const struct provider_kind *kind,
                                                 unsigned index);

#endif
