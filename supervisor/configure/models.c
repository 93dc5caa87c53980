#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"
#include "shared/text/json_write.h"

#include "supervisor/configure/choices.h"
#include "supervisor/configure/conditions.h"
#include "supervisor/configure/configure_inside.h"

#define MODEL_NAME_MAX 300
#define FALLBACKS_MAX  8

/* Rows under construction, with the names that are taken. */
struct model_list {
    struct snapshot_builder *builder;
    const struct account_list *accounts;
    struct price_list *prices;
    struct scopes *scopes;
    struct conditions conditions;
    struct snapshot_model *rows;
    uint32_t count, size;
    uint32_t *index; /* open addressing over names, UINT32_MAX: empty; twice as long as size */
    int64_t created;
    uint64_t total_ms;                        /* of models that the settings do not name */
    const struct settings_cache_rules *cache; /* the same */
};

static struct span name_of(const struct model_list *list, uint32_t row)
{
    struct snapshot_text name = list->rows[row].name;

    return span_of(list->builder->bytes.ptr + name.offset, name.len);
}

static void index_all(struct model_list *list)
{
    memory_free(list->index);
    list->index = memory_new_array((size_t)list->size * 2, sizeof(uint32_t));
    memset(list->index, 0xff, (size_t)list->size * 2 * sizeof(uint32_t));
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t slot = (uint32_t)hash_fast(name_of(list, i)) & (list->size * 2 - 1);

        while (list->index[slot] != UINT32_MAX)
            slot = (slot + 1) & (list->size * 2 - 1);
        list->index[slot] = i;
    }
}

static bool is_taken(const struct model_list *list, struct span name)
{
    uint32_t mask = list->size * 2 - 1, slot = (uint32_t)hash_fast(name) & mask;

    for (; list->index[slot] != UINT32_MAX; slot = (slot + 1) & mask) {
        if (span_eq(name_of(list, list->index[slot]), name))
            return true;
    }
    return false;
}

/* The name must not be taken. */
static void add_row(struct model_list *list, struct snapshot_model model)
{
    uint32_t slot, mask;

    if (list->builder->bytes.failed)
        return;
    if (list->count == list->size) {
        list->size *= 2;
        list->rows = memory_resize(list->rows, list->size * sizeof(*list->rows));
        index_all(list);
    }
    mask = list->size * 2 - 1;
    list->rows[list->count] = model;
    slot = (uint32_t)hash_fast(name_of(list, list->count)) & mask;
    while (list->index[slot] != UINT32_MAX)
        slot = (slot + 1) & mask;
    list->index[slot] = list->count++;
}

static struct snapshot_target make_target(struct model_list *list, uint32_t provider,
                                          struct span model)
{
    struct snapshot_builder *builder = list->builder;
    const struct account *account = &list->accounts->rows[provider];
    const struct catalogue_model *known =
        catalogue_find(account->catalogue, account->kind, model);
    struct snapshot_target target = {
        .provider = provider, .weight = 1, .yield = scopes_yield(list->scopes, model)};
    struct buffer quoted;

    buffer_init(&quoted, 16384);
    (void)json_append_quoted(&quoted, model);
    target.model = snapshot_build_text(builder, model);
    target.model_json = snapshot_build_text(builder, buffer_span(&quoted));
    buffer_done(&quoted);
    target.price = prices_number(list->prices, account, model);
    target.scope = scopes_target(list->scopes, account->name, model);
    target.context = known ? known->context : 0;
    target.output = known ? known->output : 0;
    target.capabilities = known ? known->capabilities : 0;
    return target;
}

/* What a model with this target too can promise: the least of all. Not known is 0, so it wins.
 */
static void promise(struct snapshot_model *model, const struct account *account,
                    struct span there, bool first)
{
    const struct catalogue_model *row =
        catalogue_find(account->catalogue, account->kind, there);
    struct catalogue_model known = row ? *row : (struct catalogue_model){.context = 0};

    model->context = first || known.context < model->context ? known.context : model->context;
    model->output = first || known.output < model->output ? known.output : model->output;
    model->capabilities = first ? known.capabilities : model->capabilities & known.capabilities;
}

static struct snapshot_table put_names(struct snapshot_builder *builder,
                                       struct settings_list names)
{
    struct snapshot_text texts[FALLBACKS_MAX];

    CHECK(names.count <= FALLBACKS_MAX);
    for (uint32_t i = 0; i < names.count; i++)
        texts[i] = snapshot_build_text(builder, ((const struct span *)names.rows)[i]);
    return SNAPSHOT_BUILD_ROWS(builder, texts, names.count);
}

static void put_route(struct model_list *list, const struct settings_model *from,
                      struct snapshot_model *model)
{
    model->strategy = (uint32_t)from->strategy;
    if (model->automatic && from->strategy == ROUTE_weighted) /* there are no weights */
        model->strategy = ROUTE_lowest_cost;
    for (unsigned i = 0; i < ROUTE_FALLBACK_COUNT; i++)
        model->fallbacks[i] = put_names(list->builder, from->fallbacks[i]);
}

static void put_hedge(struct model_list *list, const struct settings_model *from,
                      struct snapshot_hedge *to)
{
    if (from->hedge.line == 0)
        return;
    *to = (struct snapshot_hedge){
        .starts = scopes_starts(list->scopes, from->name),
        .after_ms = (uint32_t)from->hedge.after,
        .percentile = (uint32_t)from->hedge.percentile,
        .budget_percent = (uint32_t)from->hedge.budget,
        .same_account = from->hedge.same_account != 0,
    };
}

/* Each request goes to one that can do what it needs, so the model promises the most. */
static void promise_most(struct snapshot_model *model, const struct catalogue_model *known)
{
    model->context = known->context > model->context ? known->context : model->context;
    model->output = known->output > model->output ? known->output : model->output;
    model->capabilities |= known->capabilities;
}

static uint32_t put_choices(struct model_list *list, const struct settings_model *from,
                            struct snapshot_model *model, struct snapshot_target *targets)
{
    struct choice choices[SNAPSHOT_TARGETS_MAX];
    uint32_t count = choices_gather(list->accounts, &from->automatic, choices);

    model->automatic = 1;
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = make_target(list, choices[i].account, choices[i].model);
        promise_most(model, choices[i].known);
    }
    return count;
}

static uint32_t put_targets(struct model_list *list, const struct settings_model *from,
                            struct snapshot_model *model, struct snapshot_target *targets)
{
    const struct account_list *accounts = list->accounts;
    uint32_t count = 0;

    for (uint32_t i = 0; i < from->targets.count && count < SNAPSHOT_TARGETS_MAX; i++) {
        const struct settings_target *to = SETTINGS_ROW(from->targets, i, settings_target);
        uint32_t provider = account_find(accounts, to->provider);

        if (provider == UINT32_MAX)
            continue;
        promise(model, &accounts->rows[provider], to->model, count == 0);
        targets[count] = make_target(list, provider, to->model);
        targets[count].conditions =
            conditions_put(&list->conditions, &to->when, &model->conditions);
        targets[count].weight = (uint32_t)to->weight;
        targets[count++].priority = (uint32_t)to->priority;
    }
    return count;
}

static void add_configured(struct model_list *list, const struct settings *settings,
                           const struct settings_model *from)
{
    const struct account_list *accounts = list->accounts;
    struct snapshot_target targets[SNAPSHOT_TARGETS_MAX];
    struct snapshot_model model = {.created = list->created};
    uint32_t count = from->automatic.line > 0 ? put_choices(list, from, &model, targets)
                                              : put_targets(list, from, &model, targets);

    if (is_taken(list, from->name))
        return;
    /* Without a target (none is in the store yet) the name stays the settings' own, unlisted.
     */
    model.owner = snapshot_build_text(list->builder,
                                      from->owner.ptr ? from->owner
                                      : count > 0     ? accounts->rows[targets[0].provider].name
                                                      : SPAN_NONE);
    model.name = snapshot_build_text(list->builder, from->name);
    model.targets = SNAPSHOT_BUILD_ROWS(list->builder, targets, count);
    model.total_ms = (uint32_t)(from->total ? from->total : settings->timeouts.total);
    model.listed = from->listed != 0 && count > 0;
    model.strict = from->strict != 0;
    put_cache_rules(from->cache.line ? &from->cache.rules : &settings->cache.rules,
                    &model.cache);
    model.scope = scopes_named(list->scopes, LIMIT_SCOPE_model, from->name);
    put_route(list, from, &model);
    put_hedge(list, from, &model.hedge);
    add_row(list, model);
}

static void add_catalogue(struct model_list *list, uint32_t provider, struct span name,
                          struct span there, bool listed)
{
    const struct account *account = &list->accounts->rows[provider];
    struct snapshot_target target[1];
    struct snapshot_model model = {.created = list->created, .listed = listed};

    if (is_taken(list, name))
        return;
    target[0] = make_target(list, provider, there);
    promise(&model, account, there, true);
    model.name = snapshot_build_text(list->builder, name);
    model.owner = snapshot_build_text(list->builder, account->name);
    model.targets = SNAPSHOT_BUILD_ROWS(list->builder, target, 1);
    model.total_ms = (uint32_t)list->total_ms;
    put_cache_rules(list->cache, &model.cache);
    model.scope = scopes_named(list->scopes, LIMIT_SCOPE_model, name);
    add_row(list, model);
}

static void add_full_name(struct model_list *list, uint32_t provider, struct span there,
                          bool listed)
{
    struct buffer name _buffer_;

    buffer_init(&name, MODEL_NAME_MAX);
    (void)buffer_append(&name, list->accounts->rows[provider].name);
    (void)buffer_append_byte(&name, '/');
    if (buffer_append(&name, there))
        add_catalogue(list, provider, buffer_span(&name), there, listed);
}

static void add_full_names(struct model_list *list)
{
    for (uint32_t i = 0; i < list->accounts->count; i++) {
        struct span there;

        for (uint32_t j = 0; (there = account_model(&list->accounts->rows[i], j)).ptr; j++)
            add_full_name(list, i, there, true);
    }
}

/* Models that have a price and stand in no catalogue: asked for by their full name, they must
 * be found with it. */
static void add_priced(struct model_list *list)
{
    const struct price_table *table = &list->prices->table;

    for (uint32_t i = 0; i < table->count; i++) {
        for (uint32_t j = 0; j < list->accounts->count; j++) {
            const struct account *account = &list->accounts->rows[j];

            if (span_eq(table->rows[i].provider, account->name) ||
                span_eq(table->rows[i].provider, account->kind->name))
                add_full_name(list, j, table->rows[i].model, false);
        }
    }
}

/* PROVIDER/MODEL that no catalogue has. */
static void add_named(struct model_list *list, struct span name)
{
    size_t slash = span_find(name, SPAN("/"));
    uint32_t provider;

    if (slash == SIZE_MAX || is_taken(list, name))
        return;
    provider = account_find(list->accounts, span_of(name.ptr, slash));
    if (provider != UINT32_MAX)
        add_full_name(list, provider, span_skip(name, slash + 1), false);
}

/* Models that stand in for others. */
static void add_fallbacks(struct model_list *list, const struct settings_model *from)
{
    for (unsigned kind = 0; kind < ROUTE_FALLBACK_COUNT; kind++)
        for (uint32_t i = 0; i < from->fallbacks[kind].count; i++)
            add_named(list, ((const struct span *)from->fallbacks[kind].rows)[i]);
}

/* Models that a rule is for. */
static void add_limited(struct model_list *list)
{
    struct rule_scope scope;

    for (uint32_t i = 0; i < list->scopes->entry_count && list->scopes->targets; i++)
        if (!rule_read_scope(list->scopes->entries[i].scope, &scope) &&
            scope.kind == LIMIT_SCOPE_target && !scope.each)
            add_named(list, scope.name);
}

/* A name that a provider's catalogue has. */
struct offer {
    struct span name;
    uint32_t provider;
};

struct offer_list {
    struct offer *rows;
    size_t count, size;
};

static int compare_offers(const void *left, const void *right)
{
    const struct offer *a = left, *b = right;
    size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;
    int order = len > 0 ? memcmp(a->name.ptr, b->name.ptr, len) : 0;

    if (order == 0 && a->name.len != b->name.len)
        order = a->name.len < b->name.len ? -1 : 1;
    if (order == 0)
        order = (a->provider > b->provider) - (a->provider < b->provider);
    return order;
}

static void gather_offers(struct offer_list *offers, const struct account_list *accounts)
{
    for (uint32_t i = 0; i < accounts->count; i++) {
        struct span there;

        for (uint32_t j = 0; (there = account_model(&accounts->rows[i], j)).ptr; j++) {
            if (offers->count == offers->size) {
                offers->size = offers->size > 0 ? offers->size * 2 : 256;
                offers->rows =
                    memory_resize(offers->rows, offers->size * sizeof(*offers->rows));
            }
            offers->rows[offers->count++] = (struct offer){there, i};
        }
    }
    if (offers->count > 1)
        qsort(offers->rows, offers->count, sizeof(*offers->rows), compare_offers);
}

/* Names that exactly one provider has. */
static void add_bare_names(struct model_list *list)
{
    struct offer_list offers = {NULL, 0, 0};
    size_t end;

    gather_offers(&offers, list->accounts);
    for (size_t at = 0; at < offers.count; at = end) {
        const struct offer *first = &offers.rows[at];

        for (end = at + 1; end < offers.count; end++) {
            if (!span_eq(offers.rows[end].name, first->name))
                break;
        }
        if (offers.rows[end - 1].provider == first->provider)
            add_catalogue(list, first->provider, first->name, first->name, true);
    }
    memory_free(offers.rows);
}

void put_models(struct snapshot_builder *builder, const struct settings *settings,
                const struct account_list *accounts, const struct put_lists *lists,
                struct snapshot_header_page *page)
{
    struct model_list list = {
        .builder = builder,
        .accounts = accounts,
        .prices = lists->prices,
        .scopes = lists->scopes,
        .conditions = {.builder = builder, .scopes = lists->scopes, .now_ms = page->made_ms},
        .size = 256,
        .total_ms = settings->timeouts.total,
        .cache = &settings->cache.rules,
        .created = page->made_ms / 1000};

    list.rows = memory_new_array(list.size, sizeof(*list.rows));
    index_all(&list);
    for (uint32_t i = 0; i < settings->models.count; i++)
        add_configured(&list, settings, SETTINGS_ROW(settings->models, i, settings_model));
    add_full_names(&list);
    add_bare_names(&list);
    add_priced(&list);
    for (uint32_t i = 0; i < settings->models.count; i++)
        add_fallbacks(&list, SETTINGS_ROW(settings->models, i, settings_model));
    add_limited(&list);
    for (uint32_t i = 0; i < list.count; i++)
        page->conditions |= list.rows[i].conditions;
    conditions_end(&list.conditions, page);
    page->models = SNAPSHOT_BUILD_ROWS(builder, list.rows, list.count);
    memory_free(list.index);
    memory_free(list.rows);
}
