#include "supervisor/prices/price_list.h"

#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#define SAMPLE_ENTRY   SPAN("sample_spec")
#define MODEL_BYTES    200
#define BOUND_MAX      1000000000
#define PER_TOKEN      6 /* dollars for one become dollars for 10^6 */
#define PER_REQUEST    3
#define SEARCH_MEMBER  SPAN("search_context_cost_per_query")
#define SEARCH_DEFAULT SPAN("search_context_size_medium")

/* Which rate a member is; what may follow its name is read by read_suffix. */
static const struct {
    struct span name;
    unsigned unit, power;
} fields[] = {
    {WORD("input_cost_per_token"), PRICE_input, PER_TOKEN},
    {WORD("output_cost_per_token"), PRICE_output, PER_TOKEN},
    {WORD("cache_read_input_token_cost"), PRICE_cache_read, PER_TOKEN},
    {WORD("cache_creation_input_token_cost_above_1hr"), PRICE_cache_write_long, PER_TOKEN},
    {WORD("cache_creation_input_token_cost"), PRICE_cache_write, PER_TOKEN},
    {WORD("output_cost_per_reasoning_token"), PRICE_reasoning, PER_TOKEN},
    {WORD("input_cost_per_audio_token"), PRICE_audio_input, PER_TOKEN},
    {WORD("output_cost_per_audio_token"), PRICE_audio_output, PER_TOKEN},
    {WORD("input_cost_per_image_token"), PRICE_image_input, PER_TOKEN},
    {WORD("output_cost_per_image_token"), PRICE_image_output, PER_TOKEN},
    {WORD("input_cost_per_request"), PRICE_request, PER_REQUEST},
};

static const struct {
    struct span suffix;
    uint32_t service;
} suffixes[] = {
    {WORD(""), PRICE_SERVICE_standard},
    {WORD("_batches"), PRICE_SERVICE_batch},
    {WORD("_flex"), PRICE_SERVICE_flex},
    {WORD("_priority"), PRICE_SERVICE_priority},
};

/* The sheets of a model while it is read, the first for every prompt. */
struct draft {
    struct price_sheet sheets[PRICE_SHEETS_MAX];
    uint32_t count;
    struct span provider;
};

/* ---- names of members -------------------------------------------------------------------- */

/* "_above_200k_tokens" at the front of *REST; *RET stays 0 without it. */
static bool read_bound(struct span *rest, uint64_t *ret)
{
    static const struct span before = WORD("_above_"), after = WORD("k_tokens");
    size_t end;

    *ret = 0;
    if (!span_starts(*rest, before))
        return true;
    end = span_find(*rest, after);
    if (end == SIZE_MAX || !span_read_u64(span_skip(span_of(rest->ptr, end), before.len), ret))
        return false;
    *rest = span_skip(*rest, end + after.len);
    return *ret > 0 && !__builtin_mul_overflow(*ret, 1000, ret) && *ret <= BOUND_MAX;
}

/* What follows the name of a rate; false when it is of no sheet that we have. */
static bool read_suffix(struct span rest, uint64_t *ret_above, uint32_t *ret_service)
{
    if (!read_bound(&rest, ret_above))
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (span_eq(rest, suffixes[i].suffix)) {
            *ret_service = suffixes[i].service;
            return true;
        }
    }
    return false;
}

/* ---- rates ------------------------------------------------------------------------------- */

static struct price_sheet *sheet_of(struct draft *draft, uint64_t above, uint32_t service)
{
    for (uint32_t i = 0; i < draft->count; i++) {
        if (draft->sheets[i].above_input == above && draft->sheets[i].service == service)
            return &draft->sheets[i];
    }
    if (draft->count == PRICE_SHEETS_MAX)
        return NULL;
    price_sheet_clear(&draft->sheets[draft->count]);
    draft->sheets[draft->count].above_input = above;
    draft->sheets[draft->count].service = service;
    return &draft->sheets[draft->count++];
}

/* A null says as much as no member at all. */
static bool read_rate(struct price_reading *reading, struct json_value value, unsigned power,
                      uint64_t *ret)
{
    uint64_t rate;

    if (value.kind == JSON_NULL)
        return true;
    if (value.kind != JSON_NUMBER)
        return price_complain(reading, "it is no number");
    if (value.raw.ptr[0] == '-')
        return price_complain(reading, "it is negative");
    if (!price_read_dollars(value.raw, power, &rate) || rate > PRICE_RATE_MAX)
        return price_complain(reading, "it is more than $10,000 for a million");
    *ret = rate;
    return true;
}

static bool read_field(struct price_reading *reading, struct draft *draft, unsigned field,
                       struct span rest, struct json_value value)
{
    struct price_sheet *sheet;
    uint64_t above;
    uint32_t service;

    if (!read_suffix(rest, &above, &service))
        return true;
    sheet = sheet_of(draft, above, service);
    if (!sheet)
        return price_complain(reading, "there are too many tiers");
    return read_rate(reading, value, fields[field].power, &sheet->rates[fields[field].unit]);
}

/* A search costs by how much it reads; which of three sizes it was, no usage says. */
static bool read_search(struct price_reading *reading, struct draft *draft,
                        struct json_value value)
{
    if (value.kind != JSON_OBJECT)
        return value.kind == JSON_NULL || price_complain(reading, "it is no object");
    value = json_member(value, SEARCH_DEFAULT);
    return value.kind == JSON_ABSENT ||
           read_rate(reading, value, PER_REQUEST, &draft->sheets[0].rates[PRICE_search]);
}

/* ---- tiered_pricing ---------------------------------------------------------------------- */

/* Where a tier begins: the first number of its range, a whole one that may be written 32000.0.
 */
static bool read_range(struct price_reading *reading, struct json_value range, uint64_t *ret)
{
    struct json_walk walk = json_walk(range);
    struct json_value first;
    struct span key;
    uint64_t nano;

    if (range.kind != JSON_ARRAY || !json_next(&walk, &key, &first) ||
        first.kind != JSON_NUMBER || !price_read_dollars(first.raw, 0, &nano) ||
        nano % 1000000000 != 0 || nano / 1000000000 > BOUND_MAX)
        return price_complain(reading, "it is no range of tokens");
    *ret = nano / 1000000000;
    return true;
}

static bool read_tier(struct price_reading *reading, struct draft *draft,
                      struct json_value value)
{
    struct json_walk walk = json_walk(value);
    struct price_sheet *sheet;
    struct json_value rate;
    struct span key;
    uint64_t above;
    bool good = true;

    if (value.kind != JSON_OBJECT)
        return price_complain(reading, "it is no object");
    if (!read_range(reading, json_member(value, SPAN("range")), &above))
        return false;
    sheet = sheet_of(draft, above, PRICE_SERVICE_standard);
    if (!sheet)
        return price_complain(reading, "there are too many tiers");
    while (good && json_next(&walk, &key, &rate)) {
        size_t mark = price_enter(reading, key);

        for (unsigned i = 0; good && i < ARRAY_LEN(fields); i++) {
            if (span_eq(key, fields[i].name))
                good = read_rate(reading, rate, fields[i].power, &sheet->rates[fields[i].unit]);
        }
        price_leave(reading, mark);
    }
    return good;
}

static bool read_tiers(struct price_reading *reading, struct draft *draft,
                       struct json_value value)
{
    struct json_walk walk = json_walk(value);
    struct json_value item;
    struct span key;
    uint32_t index = 0;
    bool good = value.kind == JSON_ARRAY || value.kind == JSON_NULL ||
                price_complain(reading, "it is no list");

    while (good && value.kind == JSON_ARRAY && json_next(&walk, &key, &item)) {
        size_t mark = price_enter_item(reading, index++);

        /* Tiers of something else than tokens have no range. */
        good = (item.kind == JSON_OBJECT &&
                json_member(item, SPAN("range")).kind == JSON_ABSENT) ||
               read_tier(reading, draft, item);
        price_leave(reading, mark);
    }
    return good;
}

/* ---- a model ----------------------------------------------------------------------------- */

static bool read_member(struct price_reading *reading, struct draft *draft, struct span key,
                        struct json_value value)
{
    if (span_eq(key, SPAN("litellm_provider"))) {
        draft->provider =
            value.kind == JSON_STRING ? json_text(value, reading->arena) : SPAN_NONE;
        return true;
    }
    if (span_eq(key, SEARCH_MEMBER))
        return read_search(reading, draft, value);
    if (span_eq(key, SPAN("tiered_pricing")))
        return read_tiers(reading, draft, value);
    for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
        if (span_starts(key, fields[i].name))
            return read_field(reading, draft, i, span_skip(key, fields[i].name.len), value);
    }
    return true;
}

/* What the first sheet says of a part is left out where it is what the whole costs, so that in
 * a tier which does not speak of it the part follows the whole. */
static void simplify(struct price_sheet *sheet)
{
    for (unsigned unit = PRICE_UNIT_COUNT; unit-- > 0;) {
        unsigned whole = price_unit_container(unit);

        while (whole < PRICE_UNIT_COUNT && sheet->rates[whole] == PRICE_NOT_GIVEN)
            whole = price_unit_container(whole);
        if (whole < PRICE_UNIT_COUNT && sheet->rates[unit] == sheet->rates[whole])
            sheet->rates[unit] = PRICE_NOT_GIVEN;
    }
}

/* A cache that is written for nothing is one that is not paid apart. True when a rate is left.
 */
static bool tidy(struct price_sheet *sheet)
{
    bool given = false;

    if (sheet->rates[PRICE_cache_write] == 0)
        sheet->rates[PRICE_cache_write] = PRICE_NOT_GIVEN;
    if (sheet->rates[PRICE_cache_write_long] == 0)
        sheet->rates[PRICE_cache_write_long] = PRICE_NOT_GIVEN;
    for (unsigned unit = 0; unit < PRICE_UNIT_COUNT; unit++)
        given = given || sheet->rates[unit] != PRICE_NOT_GIVEN;
    return given;
}

static int compare_sheets(const void *left, const void *right)
{
    const struct price_sheet *a = left, *b = right;
    int order = (a->service > b->service) - (a->service < b->service);

    return order != 0 ? order
                      : (a->above_input > b->above_input) - (a->above_input < b->above_input);
}

static bool is_free(const struct price_sheet *sheet)
{
    return sheet->rates[PRICE_input] == 0 &&
           (sheet->rates[PRICE_output] == 0 || sheet->rates[PRICE_output] == PRICE_NOT_GIVEN);
}

static bool finish(struct price_reading *reading, struct draft *draft)
{
    uint32_t index, count = 1;
    const char *fault;

    (void)tidy(&draft->sheets[0]);
    simplify(&draft->sheets[0]);
    for (uint32_t i = 1; i < draft->count; i++) {
        if (tidy(&draft->sheets[i]))
            draft->sheets[count++] = draft->sheets[i];
    }
    draft->count = count;
    qsort(draft->sheets, draft->count, sizeof(draft->sheets[0]), compare_sheets);
    fault = price_fault(draft->sheets, draft->count, &index);
    if (fault)
        return price_complain(reading, fault);
    price_complete(draft->sheets, draft->count);
    return true;
}

static void add_row(struct price_list_read *list, const struct draft *draft,
                    const struct provider_kind *kind, struct span model)
{
    struct price_sheet *sheets = ARENA_ARRAY(&list->arena, draft->count, struct price_sheet);

    memcpy(sheets, draft->sheets, draft->count * sizeof(*sheets));
    if (list->count == list->size) {
        list->size = list->size > 0 ? list->size * 2 : 1024;
        list->rows = memory_resize(list->rows, list->size * sizeof(*list->rows));
    }
    list->rows[list->count++] = (struct price_row){.origin = PRICE_ORIGIN_IMPORTED,
                                                   .provider = kind->name,
                                                   .model = arena_copy(&list->arena, model),
                                                   .price = {sheets, draft->count}};
}

static bool read_model(struct price_reading *reading, struct price_list_read *list,
                       struct span name, struct json_value value)
{
    struct json_walk walk = json_walk(value);
    struct draft draft = {.count = 1, .provider = SPAN_NONE};
    struct span model = json_inside_text(name, reading->arena), key;
    struct json_value member;
    const struct provider_kind *kind;

    if (value.kind != JSON_OBJECT)
        return price_complain(reading, "it is no object");
    price_sheet_clear(&draft.sheets[0]);
    while (json_next(&walk, &key, &member)) {
        size_t mark = price_enter(reading, key);
        bool good = read_member(reading, &draft, key, member);

        price_leave(reading, mark);
        if (!good)
            return false;
    }
    kind = draft.provider.ptr ? provider_kind_listed(draft.provider, &model) : NULL;
    if (!kind || model.len == 0 || model.len > MODEL_BYTES ||
        draft.sheets[0].rates[PRICE_input] == PRICE_NOT_GIVEN) {
        list->others++;
        return true;
    }
    if (is_free(&draft.sheets[0])) {
        list->free++;
        return true;
    }
    if (!finish(reading, &draft))
        return false;
    add_row(list, &draft, kind, model);
    return true;
}

/* ---- all of them ------------------------------------------------------------------------- */

/* The list may have a name with its prefix and without. */
static void drop_twice(struct price_list_read *list)
{
    struct price_table table;
    uint32_t kept = 0;

    price_table_init(&table, NULL);
    for (uint32_t i = 0; i < list->count; i++) {
        list->rows[i].from_ms = -(int64_t)i; /* of one name, the first comes first */
        price_table_add(&table, &list->rows[i]);
    }
    price_table_sort(&table);
    for (uint32_t i = 0; i < table.count; i++) {
        bool again = kept > 0 && span_eq(list->rows[kept - 1].model, table.rows[i].model) &&
                     span_eq(list->rows[kept - 1].provider, table.rows[i].provider);

        list->twice += again;
        if (!again)
            list->rows[kept++] = table.rows[i];
    }
    list->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        list->rows[i].from_ms = 0;
    price_table_done(&table);
}

static bool read_all(struct price_reading *reading, struct price_list_read *list,
                     struct span text)
{
    struct json_value value, entry;
    struct json_error error;
    struct json_walk walk;
    struct span key;

    if (!json_check(text, &value, &error)) {
        (void)buffer_append_format(reading->reterr, "byte %zu: %s", error.offset, error.text);
        return false;
    }
    if (value.kind != JSON_OBJECT)
        return price_complain(reading, "it is no object");
    walk = json_walk(value);
    while (json_next(&walk, &key, &entry)) {
        size_t mark = price_enter(reading, key);
        bool good = json_inside_is(key, SAMPLE_ENTRY) || read_model(reading, list, key, entry);

        price_leave(reading, mark);
        if (!good)
            return false;
    }
    drop_twice(list);
    return list->count > 0 || price_complain(reading, "it has no price of a known provider");
}

bool price_list_read(struct span text, struct price_list_read *ret, struct buffer *reterr)
{
    struct price_reading reading;
    bool good;

    *ret = (struct price_list_read){.rows = NULL};
    arena_init(&ret->arena, 65536);
    price_reading_init(&reading, &ret->arena, reterr);
    good = read_all(&reading, ret, text);
    price_reading_done(&reading);
    if (!good)
        price_list_done(ret);
    return good;
}

void price_list_done(struct price_list_read *list)
{
    arena_done(&list->arena);
    memory_free(list->rows);
    *list = (struct price_list_read){.rows = NULL};
}
