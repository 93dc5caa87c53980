#include "shared/base/log.h"
#include "shared/snapshot/snapshot_inside.h"

struct extent {
    const char *base;
    size_t size;
};

static bool text_fits(const struct extent *e, struct snapshot_text text)
{
    uint64_t end = (uint64_t)text.offset + text.len;

    if (text.offset == 0)
        return text.len == 0;
    return text.offset >= sizeof(struct snapshot_header_page) && end < e->size &&
           e->base[end] == '\0';
}

static bool table_fits(const struct extent *e, struct snapshot_table table, size_t row_size)
{
    if (table.count == 0)
        return true;
    return table.offset >= sizeof(struct snapshot_header_page) && table.offset % 8 == 0 &&
           table.offset <= e->size && table.count <= (e->size - table.offset) / row_size;
}

static const void *row(const struct extent *e, struct snapshot_table table, size_t row_size,
                       uint32_t index)
{
    return e->base + table.offset + row_size * index;
}

#define ROW(e, table, index, type) \
    ((const struct type *)row((e), (table), sizeof(struct type), (index)))

typedef bool row_valid_f(const struct extent *e, const void *row,
                         const struct snapshot_header_page *page);

static bool scope_fits(const struct snapshot_header_page *page, uint32_t scope)
{
    return scope <= page->scopes.count;
}

static bool listener_valid(const struct extent *e, const void *at,
                           const struct snapshot_header_page *page)
{
    const struct snapshot_listener *listener = at;

    (void)page;
    if (!text_fits(e, listener->address) || !text_fits(e, listener->client_ca_file) ||
        listener->certificates.count > SNAPSHOT_CERTIFICATES_MAX ||
        !table_fits(e, listener->certificates, sizeof(struct snapshot_certificate)))
        return false;
    for (uint32_t i = 0; i < listener->certificates.count; i++) {
        const struct snapshot_certificate *certificate =
            ROW(e, listener->certificates, i, snapshot_certificate);

        if (!text_fits(e, certificate->certificate_file) ||
            !text_fits(e, certificate->key_file))
            return false;
    }
    return true;
}

static bool credentials_valid(const struct extent *e, struct snapshot_table table)
{
    if (table.count > SNAPSHOT_CREDENTIALS_MAX ||
        !table_fits(e, table, sizeof(struct snapshot_credential)))
        return false;
    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_credential *credential = ROW(e, table, i, snapshot_credential);

        if (!text_fits(e, credential->value) || !text_fits(e, credential->name) ||
            credential->row >= SNAPSHOT_CREDENTIAL_ROWS || credential->weight == 0)
            return false;
    }
    return true;
}

static bool provider_valid(const struct extent *e, const void *at,
                           const struct snapshot_header_page *page)
{
    const struct snapshot_provider *p = at;

    if (!scope_fits(page, p->scope) || !text_fits(e, p->name) || !text_fits(e, p->kind) ||
        !text_fits(e, p->host) || !text_fits(e, p->authority) || !text_fits(e, p->base_path) ||
        !text_fits(e, p->credential) || !credentials_valid(e, p->credentials) ||
        !text_fits(e, p->ca_file) || !text_fits(e, p->proxy_host) ||
        !text_fits(e, p->api_version) || p->dialect >= DIALECT_COUNT ||
        !table_fits(e, p->headers, sizeof(struct snapshot_header)))
        return false;
    for (unsigned i = 0; i < DIALECT_COUNT; i++) {
        if (!text_fits(e, p->faces[i].path) || p->faces[i].signer >= SIGNER_COUNT)
            return false;
    }
    for (uint32_t i = 0; i < p->headers.count; i++) {
        const struct snapshot_header *header = ROW(e, p->headers, i, snapshot_header);

        if (!text_fits(e, header->name) || !text_fits(e, header->value))
            return false;
    }
    return true;
}

static bool names_fit(const struct extent *e, struct snapshot_table names)
{
    if (!table_fits(e, names, sizeof(struct snapshot_text)))
        return false;
    for (uint32_t i = 0; i < names.count; i++) {
        if (!text_fits(e, *ROW(e, names, i, snapshot_text)))
            return false;
    }
    return true;
}

static bool condition_valid(const struct extent *e, const void *at,
                            const struct snapshot_header_page *page)
{
    const struct snapshot_condition *condition = at;

    return condition->kind < CONDITION_COUNT && text_fits(e, condition->text) &&
           (condition->kind != CONDITION_header ||
            condition->header < page->route_headers.count) &&
           (condition->kind == CONDITION_time) == (condition->shifts.count > 0) &&
           table_fits(e, condition->shifts, sizeof(struct snapshot_shift));
}

/* The last one has none after it that it could be an alternative to. */
static bool conditions_valid(const struct extent *e, struct snapshot_table conditions)
{
    const struct snapshot_header_page *page = (const void *)e->base;

    if (!table_fits(e, conditions, sizeof(struct snapshot_condition)))
        return false;
    for (uint32_t i = 0; i < conditions.count; i++) {
        if (!condition_valid(e, ROW(e, conditions, i, snapshot_condition), page))
            return false;
    }
    return conditions.count == 0 ||
           !ROW(e, conditions, conditions.count - 1, snapshot_condition)->alternative;
}

static bool model_valid(const struct extent *e, const void *at,
                        const struct snapshot_header_page *page)
{
    const struct snapshot_model *model = at;

    if (!scope_fits(page, model->scope) || !text_fits(e, model->name) ||
        !text_fits(e, model->owner) ||
        !table_fits(e, model->targets, sizeof(struct snapshot_target)) ||
        model->targets.count > SNAPSHOT_TARGETS_MAX ||
        model->strategy >= ROUTE_STRATEGY_COUNT || model->hedge.starts > SNAPSHOT_STARTS)
        return false;
    for (unsigned i = 0; i < ROUTE_FALLBACK_COUNT; i++) {
        if (!names_fit(e, model->fallbacks[i]))
            return false;
    }
    for (uint32_t i = 0; i < model->targets.count; i++) {
        const struct snapshot_target *target = ROW(e, model->targets, i, snapshot_target);

        if (target->provider >= page->providers.count || !text_fits(e, target->model) ||
            !text_fits(e, target->model_json) || target->price > page->prices.count ||
            target->yield > SNAPSHOT_YIELDS || !scope_fits(page, target->scope) ||
            !conditions_valid(e, target->conditions))
            return false;
    }
    return true;
}

static bool key_valid(const struct extent *e, const void *at,
                      const struct snapshot_header_page *page)
{
    const struct snapshot_key *key = at;

    for (unsigned i = 0; i < sizeof(key->scopes) / sizeof(key->scopes[0]); i++)
        if (!scope_fits(page, key->scopes[i]))
            return false;
    if (key->weight > SNAPSHOT_WEIGHT_MAX || key->priority > PRIORITY_COUNT)
        return false;
    if (!text_fits(e, key->name) || !table_fits(e, key->models, sizeof(struct snapshot_text)))
        return false;
    for (uint32_t i = 0; i < key->models.count; i++) {
        if (!text_fits(e, *ROW(e, key->models, i, snapshot_text)))
            return false;
    }
    return true;
}

static bool limit_valid(const struct extent *e, const void *at,
                        const struct snapshot_header_page *page)
{
    const struct snapshot_limit *limit = at;

    (void)page;
    return limit->bucket < SNAPSHOT_BUCKETS && limit->unit < LIMIT_UNIT_COUNT &&
           limit->algorithm < LIMIT_ALGORITHM_COUNT && limit->mode < LIMIT_MODE_COUNT &&
           (limit->window_ms > 0) == (limit->unit != LIMIT_UNIT_concurrent) &&
           limit->queue <= SNAPSHOT_QUEUES && text_fits(e, limit->name);
}

static bool budget_valid(const struct extent *e, const void *at,
                         const struct snapshot_header_page *page)
{
    const struct snapshot_budget *budget = at;

    (void)page;
    return budget->buckets[0] < SNAPSHOT_BUCKETS && budget->buckets[1] < SNAPSHOT_BUCKETS &&
           budget->amount_nano <= INT64_MAX && budget->mode < LIMIT_MODE_COUNT &&
           text_fits(e, budget->name);
}

static bool tag_valid(const struct extent *e, const void *at,
                      const struct snapshot_header_page *page)
{
    const struct snapshot_tag *tag = at;

    return tag->scope < page->scopes.count && text_fits(e, tag->name);
}

static bool price_valid(const struct extent *e, const void *at,
                        const struct snapshot_header_page *page)
{
    const struct snapshot_price *price = at;

    (void)page;
    return text_fits(e, price->version) && price->sheets.count > 0 &&
           price->sheets.count <= PRICE_SHEETS_MAX &&
           table_fits(e, price->sheets, sizeof(struct price_sheet));
}

static bool net_valid(const struct extent *e, const void *at,
                      const struct snapshot_header_page *page)
{
    const struct net *net = at;

    (void)e;
    (void)page;
    return net->bits <= (net->v6 ? 128 : 32);
}

static bool rows_valid(const struct extent *e, struct snapshot_table table, size_t row_size,
                       row_valid_f *row_valid)
{
    const struct snapshot_header_page *page = (const void *)e->base;

    if (!table_fits(e, table, row_size))
        return false;
    for (uint32_t i = 0; i < table.count; i++) {
        if (!row_valid(e, row(e, table, row_size, i), page))
            return false;
    }
    return true;
}

static bool scope_valid(const struct extent *e, const void *at,
                        const struct snapshot_header_page *page)
{
    const struct snapshot_scope *scope = at;

    (void)page;
    return scope->kind < LIMIT_SCOPE_COUNT && text_fits(e, scope->subject) &&
           scope->limits.count <= LIMITS_PER_SCOPE &&
           scope->budgets.count <= BUDGETS_PER_SCOPE &&
           rows_valid(e, scope->limits, sizeof(struct snapshot_limit), limit_valid) &&
           rows_valid(e, scope->budgets, sizeof(struct snapshot_budget), budget_valid);
}

/* A power of two, every entry a row, and one empty entry so that a search ends. */
static bool index_valid(const struct extent *e, struct snapshot_table index, uint32_t rows)
{
    bool has_empty = false;

    if (index.count == 0)
        return rows == 0;
    if ((index.count & (index.count - 1)) != 0 || !table_fits(e, index, sizeof(uint32_t)))
        return false;
    for (uint32_t i = 0; i < index.count; i++) {
        uint32_t entry = *(const uint32_t *)row(e, index, sizeof(uint32_t), i);

        if (entry == SNAPSHOT_NONE)
            has_empty = true;
        else if (entry >= rows)
            return false;
    }
    return has_empty;
}

static const char *wrong_table(const struct extent *e, const struct snapshot_header_page *page)
{
    if (page->listeners.count > SNAPSHOT_LISTENERS_MAX ||
        !rows_valid(e, page->listeners, sizeof(struct snapshot_listener), listener_valid))
        return "listeners";
    if (!rows_valid(e, page->providers, sizeof(struct snapshot_provider), provider_valid))
        return "providers";
    if (page->route_headers.count > CONDITION_HEADERS_MAX || !names_fit(e, page->route_headers))
        return "headers";
    if (!rows_valid(e, page->models, sizeof(struct snapshot_model), model_valid))
        return "models";
    if (!rows_valid(e, page->keys, sizeof(struct snapshot_key), key_valid))
        return "keys";
    if (!rows_valid(e, page->scopes, sizeof(struct snapshot_scope), scope_valid) ||
        !rows_valid(e, page->tags, sizeof(struct snapshot_tag), tag_valid) ||
        !index_valid(e, page->tag_index, page->tags.count))
        return "limits";
    if (!rows_valid(e, page->prices, sizeof(struct snapshot_price), price_valid))
        return "prices";
    if (!index_valid(e, page->key_index, page->keys.count))
        return "index of keys";
    if (!index_valid(e, page->model_index, page->models.count))
        return "index of models";
    if (!text_fits(e, page->access_log) || !text_fits(e, page->host_name) ||
        !text_fits(e, page->state_dir) || page->log_level > LOG_ERROR ||
        page->log_form > LOG_TEXT || !text_fits(e, page->media.ca_file) ||
        !text_fits(e, page->cache.redis) || !text_fits(e, page->cache.secret) ||
        !rows_valid(e, page->media.allow, sizeof(struct net), net_valid))
        return "settings";
    return NULL;
}

bool snapshot_valid(const void *base, size_t size, struct buffer *reterr)
{
    const struct snapshot_header_page *page = base;
    struct extent e = {base, size};
    const char *wrong;

    if (page->magic != SNAPSHOT_MAGIC) {
        (void)buffer_append(reterr, SPAN("this is not a snapshot"));
        return false;
    }
    if (page->version != SNAPSHOT_VERSION || page->header_size != sizeof(*page)) {
        (void)buffer_append_format(
            reterr, "the snapshot is of version %u (page %u bytes), this program of %u (%zu)",
            page->version, page->header_size, SNAPSHOT_VERSION, sizeof(*page));
        return false;
    }
    if (page->size != size) {
        (void)buffer_append_format(reterr, "the snapshot says %llu bytes and has %zu",
                                   (unsigned long long)page->size, size);
        return false;
    }
    wrong = wrong_table(&e, page);
    if (wrong)
        (void)buffer_append_format(reterr, "the snapshot's %s are damaged", wrong);
    return !wrong;
}
