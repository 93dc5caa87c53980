/* Conditions of targets become terms of the snapshot: names their ids, zones their next
 * changes. */
#include "supervisor/configure/conditions.h"

#include "shared/base/check.h"
#include "shared/settings/condition.h"

#define TERMS_MAX   256 /* 8 lists of at most 32 names, and two more */
#define SHIFTS_MAX  16
#define SHIFT_DAYS  400 /* changes of the clock are known that far ahead */
#define DAY_SECONDS 86400

_Static_assert(7 * 32 + 16 + 4 <= TERMS_MAX, "as many as settings.def allows");

struct terms {
    struct conditions *conditions;
    struct snapshot_condition rows[TERMS_MAX];
    uint32_t count, kinds;
};

static void add(struct terms *terms, enum condition kind, struct snapshot_condition term)
{
    CHECK(terms->count < TERMS_MAX);
    term.kind = (uint8_t)kind;
    terms->kinds |= 1u << kind;
    terms->rows[terms->count++] = term;
}

static struct span name_at(const struct settings_list *names, uint32_t index)
{
    return ((const struct span *)names->rows)[index];
}

/* Any of NAMES; one that is nobody's never holds. */
static void add_owners(struct terms *terms, enum condition kind, enum limit_scope scope,
                       const struct settings_list *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        uint64_t id = scopes_owner(terms->conditions->scopes, scope, name_at(names, i));

        add(terms, kind,
            (struct snapshot_condition){.low = id ? id : UINT64_MAX,
                                        .alternative = i + 1 < names->count});
    }
}

static void add_texts(struct terms *terms, enum condition kind,
                      const struct settings_list *names)
{
    for (uint32_t i = 0; i < names->count; i++)
        add(terms, kind,
            (struct snapshot_condition){
                .text = snapshot_build_text(terms->conditions->builder, name_at(names, i)),
                .alternative = i + 1 < names->count});
}

static uint32_t header_index(struct conditions *conditions, struct span name)
{
    uint32_t i = 0;

    while (i < conditions->header_count && !span_eq_nocase(conditions->headers[i], name))
        i++;
    CHECK(i < CONDITION_HEADERS_MAX); /* the settings were checked */
    if (i == conditions->header_count)
        conditions->headers[conditions->header_count++] = name;
    return i;
}

static void add_headers(struct terms *terms, const struct settings_list *texts)
{
    for (uint32_t i = 0; i < texts->count; i++) {
        struct header_condition header;

        CHECK(!condition_read_header(name_at(texts, i), &header));
        add(terms, CONDITION_header,
            (struct snapshot_condition){
                .header = header_index(terms->conditions, header.name),
                .prefix = header.prefix,
                .text = snapshot_build_text(terms->conditions->builder, header.value)});
    }
}

static void add_features(struct terms *terms, enum condition kind,
                         const struct settings_list *names)
{
    uint32_t bits = 0;

    for (uint32_t i = 0; i < names->count; i++)
        bits |= condition_feature(name_at(names, i));
    if (bits)
        add(terms, kind, (struct snapshot_condition){.low = bits});
}

static void add_input(struct terms *terms, const struct settings_when *when)
{
    if (when->input_min > 0 || when->input_max > 0)
        add(terms, CONDITION_input,
            (struct snapshot_condition){.low = when->input_min,
                                        .high =
                                            when->input_max ? when->input_max : UINT64_MAX});
}

/* ---- time -----------------------------------------------------------------------------------
 */

/* The second in (BEFORE, AFTER] from which on the zone has the offset of AFTER. */
static int64_t change_in(const struct zone *zone, int64_t before, int64_t after)
{
    int32_t offset = zone_offset(zone, after);

    while (after - before > 1) {
        int64_t middle = before + (after - before) / 2;

        if (zone_offset(zone, middle) == offset)
            after = middle;
        else
            before = middle;
    }
    return after;
}

static struct snapshot_table put_shifts(struct snapshot_builder *builder,
                                        const struct zone *zone, int64_t now_ms)
{
    struct snapshot_shift shifts[SHIFTS_MAX] = {{.from_ms = INT64_MIN}};
    int64_t day = now_ms / 1000 - DAY_SECONDS;
    uint32_t count = 1;

    shifts[0].offset_seconds = zone_offset(zone, day);
    for (unsigned i = 0; i < SHIFT_DAYS && count < SHIFTS_MAX; i++, day += DAY_SECONDS) {
        int32_t offset = zone_offset(zone, day + DAY_SECONDS);

        if (offset != zone_offset(zone, day))
            shifts[count++] = (struct snapshot_shift){
                .from_ms = change_in(zone, day, day + DAY_SECONDS) * 1000,
                .offset_seconds = offset};
    }
    return SNAPSHOT_BUILD_ROWS(builder, shifts, count);
}

static void add_time(struct terms *terms, const struct settings_when *when)
{
    struct conditions *conditions = terms->conditions;
    struct snapshot_condition term = {.days = CONDITION_EVERY_DAY};
    uint32_t from = 0, until = CONDITION_MINUTES;
    const struct zone *zone;

    if (!when->hours.ptr && when->days.count == 0)
        return;
    zone = scopes_zone(conditions->scopes, when->zone);
    if (!zone) /* the snapshot fails, with a sentence */
        return;
    if (when->hours.ptr)
        CHECK(!condition_read_hours(when->hours, &from, &until));
    term.low = from;
    term.high = until;
    if (when->days.count > 0)
        term.days = 0;
    for (uint32_t i = 0; i < when->days.count; i++)
        term.days |= condition_day(name_at(&when->days, i));
    term.shifts = put_shifts(conditions->builder, zone, conditions->now_ms);
    add(terms, CONDITION_time, term);
}

struct snapshot_table conditions_put(struct conditions *conditions,
                                     const struct settings_when *when, uint32_t *kinds)
{
    struct terms terms = {.conditions = conditions};

    if (when->line == 0)
        return (struct snapshot_table){0, 0};
    add_features(&terms, CONDITION_features, &when->features);
    add_features(&terms, CONDITION_without, &when->without);
    add_input(&terms, when);
    add_owners(&terms, CONDITION_tenant, LIMIT_SCOPE_tenant, &when->tenants);
    add_owners(&terms, CONDITION_team, LIMIT_SCOPE_team, &when->teams);
    add_owners(&terms, CONDITION_user, LIMIT_SCOPE_user, &when->users);
    add_texts(&terms, CONDITION_key, &when->keys);
    add_texts(&terms, CONDITION_tag, &when->tags);
    add_headers(&terms, &when->headers);
    add_time(&terms, when);
    *kinds |= terms.kinds;
    return SNAPSHOT_BUILD_ROWS(conditions->builder, terms.rows, terms.count);
}

void conditions_end(struct conditions *conditions, struct snapshot_header_page *page)
{
    struct snapshot_text texts[CONDITION_HEADERS_MAX];

    for (uint32_t i = 0; i < conditions->header_count; i++)
        texts[i] = snapshot_build_text(conditions->builder, conditions->headers[i]);
    page->route_headers =
        SNAPSHOT_BUILD_ROWS(conditions->builder, texts, conditions->header_count);
}

/* ---- names that nobody has ------------------------------------------------------------------
 */

static bool has_key(const struct configure_rows *rows, struct span text)
{
    for (uint32_t i = 0; i < rows->key_count; i++)
        if (span_eq(rows->keys[i].name, text) ||
            span_eq(span_of(rows->keys[i].id, KEY_ID_SIZE), text))
            return true;
    return false;
}

static bool has_owner(const struct configure_rows *rows, enum limit_scope kind,
                      struct span text)
{
    return owner_named(rows->owners, rows->owner_count, kind, text) != 0;
}

static const struct {
    const char *word;
    size_t at; /* of the list, in struct settings_when */
    enum limit_scope kind;
} owned[] = {
    {"tenant", offsetof(struct settings_when, tenants), LIMIT_SCOPE_tenant},
    {"team", offsetof(struct settings_when, teams), LIMIT_SCOPE_team},
    {"user", offsetof(struct settings_when, users), LIMIT_SCOPE_user},
    {"key", offsetof(struct settings_when, keys), LIMIT_SCOPE_key},
};

static uint32_t tell_list(const struct configure_rows *rows, const struct settings_list *names,
                          unsigned index, struct buffer *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < names->count; i++) {
        struct span name = name_at(names, i);
        enum limit_scope kind = owned[index].kind;

        if (kind == LIMIT_SCOPE_key ? has_key(rows, name) : has_owner(rows, kind, name))
            continue;
        (void)buffer_append_format(out, "%s%s:%.*s", out->len > 0 ? ", " : "",
                                   owned[index].word, SPAN_ARG(name));
        count++;
    }
    return count;
}

uint32_t configure_unknown(const struct settings *settings, const struct configure_rows *rows,
                           struct buffer *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < settings->models.count; i++) {
        const struct settings_list targets =
            SETTINGS_ROW(settings->models, i, settings_model)->targets;

        for (uint32_t j = 0; j < targets.count; j++) {
            const struct settings_when *when = &SETTINGS_ROW(targets, j, settings_target)->when;

            for (unsigned k = 0; k < ARRAY_LEN(owned); k++)
                count +=
                    tell_list(rows, (const void *)((const char *)when + owned[k].at), k, out);
        }
    }
    return count;
}
