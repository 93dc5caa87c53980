/* supervisor/prices/price_list.h
 *
 * Reads price lists in the format of LiteLLM's model_prices_and_context_window.json: dollars
 * for one token, a member for each kind of token, size of prompt and service
 * ("input_cost_per_token_ above_200k_tokens_batches"), or `tiered_pricing`. Taken are the
 * models of the kinds of providers that we know (LISTED rows of providers.def) which are sold
 * by the token; members for which prices.def has no row are passed over.
 *
 * What is no JSON, has another shape, or has a rate that is negative or above $10,000 for a
 * million is refused whole, with the path. Of a model without a price for input, or one that
 * costs nothing at all (which the list also says of what it does not know), there is no row.
 */
#ifndef SUPERVISOR_PRICES_PRICE_LIST_H
#define SUPERVISOR_PRICES_PRICE_LIST_H

#include "supervisor/prices/price_table.h"

#define PRICE_LIST_MAX (32U << 20) /* bytes */

struct price_list_read {
    struct arena arena;
    struct price_row *rows; /* origin imported, from_ms 0, without a version */
    uint32_t count, size;
    uint32_t others; /* models of other providers, or not sold by the token */
    uint32_t free;   /* models that cost nothing, which are not taken */
    uint32_t twice;  /* names that stand twice; the first is taken */
};

/* True and *RET (price_list_done), or false with one line in *reterr and nothing in *RET. */
bool price_list_read(struct span text, struct price_list_read *ret, struct buffer *reterr);
void price_list_done(struct price_list_read *list);

#endif
