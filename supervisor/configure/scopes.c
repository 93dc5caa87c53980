#include "supervisor/configure/scopes.h"

#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "supervisor/configure/configure_inside.h"

/* ---- rules ----------------------------------------------------------------------------------
 */

static void add_entry(struct scopes *scopes, struct scope_entry entry)
{
    entry.hash = hash_fast(entry.scope);
    scopes->targets = scopes->targets || span_starts(entry.scope, SPAN("target:"));
    scopes->entries[scopes->entry_count++] = entry;
}

static void add_rate(struct scopes *scopes, const struct rate_text *text, bool stored)
{
    struct scope_rate *rate = &scopes->rates[scopes->rate_count];
    struct rule_fault fault;

    if (!rate_rule_read(text, &rate->rule, &fault)) /* both places refuse such a one */
        return;
    rate->name = text->name;
    add_entry(scopes, (struct scope_entry){.scope = text->scope,
                                           .index = scopes->rate_count++,
                                           .stored = stored});
}

/* NULL: the database of zones lost it since the rule was written; then UTC. */
static const struct zone *zone_of(struct configure_lasting *lasting, struct span name)
{
    struct configure_zones *zones = &lasting->zones;
    struct span wanted = name.ptr ? name : SPAN("UTC");

    for (uint32_t i = 0; i < zones->count; i++) {
        if (span_eq(span_of_text(zones->rows[i].name), wanted))
            return zones->rows[i].zone;
    }
    if (zones->count == CONFIGURE_ZONES_MAX || wanted.len > ZONE_NAME_MAX)
        return NULL;
    zones->rows[zones->count].zone = zone_open(wanted);
    if (!zones->rows[zones->count].zone)
        return NULL;
    memcpy(zones->rows[zones->count].name, wanted.ptr, wanted.len);
    zones->rows[zones->count].name[wanted.len] = '\0';
    return zones->rows[zones->count++].zone;
}

const struct zone *scopes_zone(struct scopes *scopes, struct span name)
{
    const struct zone *zone = zone_of(scopes->lasting, name);

    if (!zone) {
        (void)buffer_append_format(scopes->why, "the time zone %.*s is no longer known",
                                   SPAN_ARG(name));
        scopes->failed = true;
    }
    return zone;
}

static bool put_periods(struct scopes *scopes, struct scope_budget *budget, int64_t now_ms)
{
    const struct zone *zone = scopes_zone(scopes, budget->text->zone);

    if (!zone)
        return false;
    budget->now = budget->next = period_at(budget->rule.period, zone, now_ms);
    if (budget->rule.period == BUDGET_PERIOD_rolling)
        budget->now.begin_ms = -(int64_t)budget->rule.window_ms;
    if (budget->now.end_ms < INT64_MAX)
        budget->next = period_at(budget->rule.period, zone, budget->now.end_ms);
    return true;
}

static void add_budget(struct scopes *scopes, const struct budget_text *text, bool stored,
                       int64_t now_ms)
{
    struct scope_budget *budget = &scopes->budgets[scopes->budget_count];
    struct rule_fault fault;

    if (!budget_rule_read(text, &budget->rule, &fault))
        return;
    budget->text = text;
    if (!put_periods(scopes, budget, now_ms))
        return;
    add_entry(scopes, (struct scope_entry){.scope = text->scope,
                                           .index = scopes->budget_count++,
                                           .is_budget = true,
                                           .stored = stored});
}

/* Equal scopes stand together, those of the settings first. */
static int compare_entries(const void *left, const void *right)
{
    const struct scope_entry *a = left, *b = right;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->stored != b->stored)
        return a->stored ? 1 : -1;
    return (a->index > b->index) - (a->index < b->index);
}

static void read_rules(struct scopes *scopes, const struct settings *settings,
                       const struct configure_rows *rows, int64_t now_ms)
{
    size_t rates = (size_t)settings->rate_limits.count + rows->limit_count;
    size_t budgets = (size_t)settings->budgets.count + rows->budget_count;

    scopes->rates = ARENA_ARRAY(&scopes->arena, rates + 1, struct scope_rate);
    scopes->budgets = ARENA_ARRAY(&scopes->arena, budgets + 1, struct scope_budget);
    scopes->entries = ARENA_ARRAY(&scopes->arena, rates + budgets + 1, struct scope_entry);
    for (uint32_t i = 0; i < settings->rate_limits.count; i++)
        add_rate(scopes, &SETTINGS_ROW(settings->rate_limits, i, settings_rate_limit)->text,
                 false);
    for (uint32_t i = 0; i < rows->limit_count; i++)
        add_rate(scopes, &rows->limits[i], true);
    for (uint32_t i = 0; i < settings->budgets.count; i++)
        add_budget(scopes, &SETTINGS_ROW(settings->budgets, i, settings_budget)->text, false,
                   now_ms);
    for (uint32_t i = 0; i < rows->budget_count; i++)
        add_budget(scopes, &rows->budgets[i], true, now_ms);
    qsort(scopes->entries, scopes->entry_count, sizeof(scopes->entries[0]), compare_entries);
}

/* ---- tenants, teams, users ------------------------------------------------------------------
 */

static int compare_owners(const void *left, const void *right)
{
    const struct scope_owner *a = left, *b = right;

    if (a->from->kind != b->from->kind)
        return a->from->kind < b->from->kind ? -1 : 1;
    return (a->from->id > b->from->id) - (a->from->id < b->from->id);
}

static const struct scope_owner *owner_find(const struct scopes *scopes, enum limit_scope kind,
                                            uint64_t id)
{
    struct configure_owner wanted = {.kind = kind, .id = id};
    struct scope_owner key = {.from = &wanted};

    if (id == 0 || scopes->owner_count == 0)
        return NULL;
    return bsearch(&key, scopes->owners, scopes->owner_count, sizeof(key), compare_owners);
}

uint64_t owner_named(const struct configure_owner *owners, uint32_t count,
                     enum limit_scope kind, struct span name)
{
    uint64_t tenant = 0;

    if (kind != LIMIT_SCOPE_tenant) {
        size_t slash = span_find(name, SPAN("/"));

        if (slash == SIZE_MAX)
            return 0;
        tenant = owner_named(owners, count, LIMIT_SCOPE_tenant, span_of(name.ptr, slash));
        name = span_skip(name, slash + 1);
        if (tenant == 0)
            return 0;
    }
    for (uint32_t i = 0; i < count; i++)
        if (owners[i].kind == kind && span_eq(owners[i].name, name) &&
            (kind == LIMIT_SCOPE_tenant || owners[i].tenant == tenant))
            return owners[i].id;
    return 0;
}

uint64_t scopes_owner(const struct scopes *scopes, enum limit_scope kind, struct span name)
{
    return owner_named(scopes->rows_of, scopes->owner_count, kind, name);
}

/* "tenant:acme", "team:acme/blue" */
static struct span scope_text(struct scopes *scopes, enum limit_scope kind, struct span tenant,
                              struct span name)
{
    struct span word = limit_scope_name(kind), copy;
    struct buffer text;

    buffer_init(&text, 1024);
    (void)buffer_append_format(&text, "%.*s:%.*s%s%.*s", SPAN_ARG(word), SPAN_ARG(tenant),
                               tenant.len > 0 ? "/" : "", SPAN_ARG(name));
    copy = arena_copy(&scopes->arena, buffer_span(&text));
    buffer_done(&text);
    return copy;
}

static void make_owner(struct scopes *scopes, struct scope_owner *owner)
{
    const struct configure_owner *from = owner->from;
    const struct scope_owner *tenant = NULL;
    char subject[24];
    struct buffer number = {.limit_bytes = sizeof(subject)};
    struct span name;

    if (from->kind != LIMIT_SCOPE_tenant)
        tenant = owner_find(scopes, LIMIT_SCOPE_tenant, from->tenant);
    name = scope_text(scopes, from->kind, tenant ? tenant->from->name : SPAN_NONE, from->name);
    (void)buffer_append_u64(&number, from->id);
    owner->scope = scopes_make(scopes, from->kind, buffer_span(&number), &name, 1);
    buffer_done(&number);
}

static void read_owners(struct scopes *scopes, const struct configure_rows *rows)
{
    scopes->owners = ARENA_ARRAY(&scopes->arena, rows->owner_count + 1, struct scope_owner);
    scopes->owner_count = rows->owner_count;
    scopes->rows_of = rows->owners;
    for (uint32_t i = 0; i < rows->owner_count; i++)
        scopes->owners[i].from = &rows->owners[i];
    qsort(scopes->owners, scopes->owner_count, sizeof(scopes->owners[0]), compare_owners);
}

static void make_owners(struct scopes *scopes)
{
    for (uint32_t i = 0; i < scopes->owner_count; i++)
        make_owner(scopes, &scopes->owners[i]);
}

/* ---- the others -----------------------------------------------------------------------------
 */

uint32_t scopes_named(struct scopes *scopes, enum limit_scope kind, struct span name)
{
    struct span text;

    if (scopes->entry_count == 0)
        return 0;
    text = scope_text(scopes, kind, SPAN_NONE, name);
    return scopes_make(scopes, kind, name, &text, 1);
}

static struct span subject_of(const struct scopes *scopes, const struct snapshot_scope *row)
{
    return span_of(scopes->builder->bytes.ptr + row->subject.offset, row->subject.len);
}

/* A scope that is made twice would have its budgets twice. */
static uint32_t target_made(const struct scopes *scopes, struct span subject)
{
    for (uint32_t i = scopes->row_count; i > 0; i--) {
        const struct snapshot_scope *row = &scopes->rows[i - 1];

        if (row->kind == LIMIT_SCOPE_target && span_eq(subject_of(scopes, row), subject))
            return i;
    }
    return 0;
}

uint32_t scopes_target(struct scopes *scopes, struct span provider, struct span model)
{
    struct buffer subject _buffer_;
    uint32_t made;

    buffer_init(&subject, RULE_SUBJECT_MAX);
    if (!scopes->targets || !buffer_append(&subject, provider) ||
        !buffer_append_byte(&subject, '/') || !buffer_append(&subject, model))
        return 0;
    made = target_made(scopes, buffer_span(&subject));
    return made > 0 ? made : scopes_named(scopes, LIMIT_SCOPE_target, buffer_span(&subject));
}

static uint32_t owner_scope(const struct scopes *scopes, enum limit_scope kind, uint64_t id)
{
    const struct scope_owner *owner = owner_find(scopes, kind, id);

    return owner ? owner->scope : 0;
}

void scopes_of_key(struct scopes *scopes, const struct configure_key *key, uint32_t ret[4])
{
    struct span id = span_of(key->id, KEY_ID_SIZE), names[2];

    memset(ret, 0, 4 * sizeof(ret[0]));
    if (scopes->entry_count == 0)
        return;
    ret[LIMIT_SCOPE_tenant] = owner_scope(scopes, LIMIT_SCOPE_tenant, key->tenant);
    ret[LIMIT_SCOPE_team] = owner_scope(scopes, LIMIT_SCOPE_team, key->team);
    ret[LIMIT_SCOPE_user] = owner_scope(scopes, LIMIT_SCOPE_user, key->user);
    names[0] = scope_text(scopes, LIMIT_SCOPE_key, SPAN_NONE, id);
    names[1] = scope_text(scopes, LIMIT_SCOPE_key, SPAN_NONE, key->name);
    ret[LIMIT_SCOPE_key] =
        scopes_make(scopes, LIMIT_SCOPE_key, id, names, span_eq(id, key->name) ? 1 : 2);
}

/* Up to three lists; ptr NULL: all models. */
struct allowed {
    const struct span *names[3];
    uint32_t counts[3];
};

static bool has_name(const struct allowed *allowed, unsigned list, struct span name)
{
    for (uint32_t i = 0; i < allowed->counts[list]; i++) {
        if (span_eq(allowed->names[list][i], name))
            return true;
    }
    return !allowed->names[list];
}

static void add_list(struct allowed *allowed, unsigned list, const struct scope_owner *owner)
{
    if (!owner)
        return;
    allowed->names[list] = owner->from->models;
    allowed->counts[list] = owner->from->model_count;
}

void scopes_models(const struct scopes *scopes, const struct configure_key *key,
                   struct snapshot_key *ret)
{
    struct allowed allowed = {{key->models, NULL, NULL}, {key->model_count, 0, 0}};
    struct snapshot_text *names;
    unsigned first = 0;
    uint32_t count = 0;

    add_list(&allowed, 1, owner_find(scopes, LIMIT_SCOPE_team, key->team));
    add_list(&allowed, 2, owner_find(scopes, LIMIT_SCOPE_tenant, key->tenant));
    while (first < 3 && !allowed.names[first])
        first++;
    ret->models_any = first == 3;
    if (ret->models_any)
        return;
    names = memory_new_array((size_t)allowed.counts[first] + 1, sizeof(*names));
    for (uint32_t i = 0; i < allowed.counts[first]; i++) {
        struct span name = allowed.names[first][i];

        if (has_name(&allowed, 1, name) && has_name(&allowed, 2, name))
            names[count++] = snapshot_build_text(scopes->builder, name);
    }
    ret->models = SNAPSHOT_BUILD_ROWS(scopes->builder, names, count);
    memory_free(names);
}

uint32_t scopes_yield(const struct scopes *scopes, struct span served_model)
{
    struct segment *segment = scopes->lasting->segment;
    uint32_t row;

    if (!segment)
        return 0;
    row = segment_claim_yield(
        segment, limit_identity(LIMIT_SCOPE_model, served_model, SPAN("yield"), 0));
    return row == UINT32_MAX ? 0 : row + 1;
}

uint32_t scopes_starts(const struct scopes *scopes, struct span model)
{
    struct segment *segment = scopes->lasting->segment;
    uint32_t row;

    if (!segment)
        return 0;
    row = segment_claim_starts(segment,
                               limit_identity(LIMIT_SCOPE_model, model, SPAN("starts"), 0));
    return row == UINT32_MAX ? 0 : row + 1;
}

/* ---- tags: those that a rule names ----------------------------------------------------------
 */

static struct span tag_of(const struct scope_entry *entry)
{
    struct rule_scope scope;

    if (rule_read_scope(entry->scope, &scope) || scope.kind != LIMIT_SCOPE_tag || scope.each)
        return SPAN_NONE;
    return scope.name;
}

static void put_tags(struct scopes *scopes, struct snapshot_header_page *page)
{
    struct snapshot_tag *tags =
        ARENA_ARRAY(&scopes->arena, scopes->entry_count + 1, struct snapshot_tag);
    uint32_t count = 0;

    for (uint32_t i = 0; i < scopes->entry_count; i++) {
        const struct scope_entry *entry = &scopes->entries[i];
        struct span tag = tag_of(entry);
        uint32_t scope;

        /* Equal ones stand together, but for two hashes that are one. */
        if (!tag.ptr || (i > 0 && span_eq(entry[-1].scope, entry->scope)))
            continue;
        scope = scopes_named(scopes, LIMIT_SCOPE_tag, tag);
        if (scope > 0)
            tags[count++] = (struct snapshot_tag){
                .name = snapshot_build_text(scopes->builder, tag), .scope = scope - 1};
    }
    page->tags = SNAPSHOT_BUILD_ROWS(scopes->builder, tags, count);
}

/* ---- all ------------------------------------------------------------------------------------
 */

void scopes_begin(struct scopes *scopes, const struct settings *settings,
                  const struct configure_rows *rows, int64_t now_ms)
{
    arena_init(&scopes->arena, 4096);
    configure_budgets_clear(&scopes->lasting->budgets);
    read_owners(scopes, rows);
    if (!scopes->lasting->segment) /* nothing can be counted */
        return;
    read_rules(scopes, settings, rows, now_ms);
    if (scopes->entry_count > 0)
        make_owners(scopes);
}

bool scopes_end(struct scopes *scopes, struct snapshot_header_page *page)
{
    put_tags(scopes, page);
    page->scopes = SNAPSHOT_BUILD_ROWS(scopes->builder, scopes->rows, scopes->row_count);
    return !scopes->failed;
}

void scopes_done(struct scopes *scopes)
{
    memory_free(scopes->rows);
    arena_done(&scopes->arena);
}
