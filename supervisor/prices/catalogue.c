#include "supervisor/prices/catalogue.h"

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#define NAME_MAX_BYTES  200
#define TEXT_MAX_BYTES  1000
#define TOKENS_MAX      1000000000
#define ALIASES_MAX     32
#define BUILT_IN_ERRORS 1000

/* share/models.json */
static const char built_in_text[] =
#include "models.inc"
    ;

/* ---- names ------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct catalogue *catalogue, const struct provider_kind *kind,
                        struct span name)
{
    return (uint32_t)(hash_fast(kind->name) * 31 + hash_fast(name)) &
           (catalogue->index_size - 1);
}

static bool has_name(const struct catalogue_model *model, struct span name)
{
    if (span_eq(model->name, name))
        return true;
    for (uint32_t i = 0; i < model->alias_count; i++) {
        if (span_eq(model->aliases[i], name))
            return true;
    }
    return false;
}

const struct catalogue_model *catalogue_find(const struct catalogue *catalogue,
                                             const struct provider_kind *kind, struct span name)
{
    uint32_t mask = catalogue->index_size - 1;

    for (uint32_t slot = slot_of(catalogue, kind, name); catalogue->index[slot] != UINT32_MAX;
         slot = (slot + 1) & mask) {
        const struct catalogue_model *model = &catalogue->models[catalogue->index[slot]];

        if (model->kind == kind && has_name(model, name))
            return model;
    }
    return NULL;
}

static bool add_name(struct catalogue *catalogue, uint32_t row, struct span name)
{
    const struct provider_kind *kind = catalogue->models[row].kind;
    uint32_t slot = slot_of(catalogue, kind, name);

    if (catalogue_find(catalogue, kind, name))
        return false;
    while (catalogue->index[slot] != UINT32_MAX)
        slot = (slot + 1) & (catalogue->index_size - 1);
    catalogue->index[slot] = row;
    return true;
}

/* A name enters the index after it was looked for, so that a model does not find itself. */
static bool index_model(struct price_reading *reading, struct catalogue *catalogue,
                        uint32_t row)
{
    struct catalogue_model *model = &catalogue->models[row];
    bool good = add_name(catalogue, row, model->name);

    for (uint32_t i = 0; good && i < model->alias_count; i++)
        good = add_name(catalogue, row, model->aliases[i]);
    return good || price_complain(reading, "its name or alias is another model's too");
}

static bool index_all(struct price_reading *reading, struct catalogue *catalogue)
{
    uint32_t names = catalogue->count;
    bool good = true;

    for (uint32_t i = 0; i < catalogue->count; i++)
        names += catalogue->models[i].alias_count;
    catalogue->index_size = 16;
    while (catalogue->index_size < names * 2)
        catalogue->index_size *= 2;
    catalogue->index = memory_new_array(catalogue->index_size, sizeof(uint32_t));
    memset(catalogue->index, 0xff, catalogue->index_size * sizeof(uint32_t));
    for (uint32_t i = 0; good && i < catalogue->count; i++) {
        size_t mark = price_enter(reading, SPAN("models"));

        (void)price_enter_item(reading, i);
        good = index_model(reading, catalogue, i);
        price_leave(reading, mark);
    }
    return good;
}

/* ---- one model --------------------------------------------------------------------------- */

/* As it is read: rates and tiers wait for each other. */
struct draft {
    struct catalogue_model model;
    struct json_value rates, tiers, later;
};

static bool read_kind(struct price_reading *reading, void *who, struct json_value value)
{
    struct draft *draft = who;
    struct span name;

    if (!price_read_text(reading, value, NAME_MAX_BYTES, &name))
        return false;
    draft->model.kind = provider_kind_find(name);
    return draft->model.kind || price_complain(reading, "there is no such kind of provider");
}

static bool read_name(struct price_reading *reading, void *who, struct json_value value)
{
    return price_read_text(reading, value, NAME_MAX_BYTES, &((struct draft *)who)->model.name);
}

static bool read_aliases(struct price_reading *reading, void *who, struct json_value value)
{
    struct catalogue_model *model = &((struct draft *)who)->model;
    struct span *aliases = ARENA_ARRAY(reading->arena, ALIASES_MAX, struct span), key;
    struct json_walk walk = json_walk(value);
    struct json_value item;
    bool good = value.kind == JSON_ARRAY || price_complain(reading, "it is no list");

    model->aliases = aliases;
    while (good && json_next(&walk, &key, &item)) {
        size_t mark = price_enter_item(reading, model->alias_count);

        if (model->alias_count == ALIASES_MAX)
            good = price_complain(reading, "there are too many");
        else
            good =
                price_read_text(reading, item, NAME_MAX_BYTES, &aliases[model->alias_count++]);
        price_leave(reading, mark);
    }
    return good;
}

static bool read_listed(struct price_reading *reading, void *who, struct json_value value)
{
    ((struct draft *)who)->model.unlisted = value.kind == JSON_FALSE;
    return value.kind == JSON_FALSE || value.kind == JSON_TRUE ||
           price_complain(reading, "it is neither true nor false");
}

static bool read_tokens(struct price_reading *reading, struct json_value value, uint32_t *ret)
{
    uint64_t tokens;

    if (!price_read_number(reading, value, TOKENS_MAX, &tokens))
        return false;
    *ret = (uint32_t)tokens;
    return tokens > 0 || price_complain(reading, "it is 0: leave out what is not known");
}

static bool read_context(struct price_reading *reading, void *who, struct json_value value)
{
    return read_tokens(reading, value, &((struct draft *)who)->model.context);
}

static bool read_output(struct price_reading *reading, void *who, struct json_value value)
{
    return read_tokens(reading, value, &((struct draft *)who)->model.output);
}

static bool read_capability(struct price_reading *reading, struct json_value value,
                            uint32_t *capabilities)
{
    unsigned number = 0;

    while (number < CAPABILITY_COUNT &&
           !json_text_eq(value, capability_name((enum capability_number)number)))
        number++;
    if (number == CAPABILITY_COUNT)
        return price_complain(reading, "there is no such capability");
    if (*capabilities & (1U << number))
        return price_complain(reading, "it stands twice");
    *capabilities |= 1U << number;
    return true;
}

static bool read_capabilities(struct price_reading *reading, void *who, struct json_value value)
{
    struct json_walk walk = json_walk(value);
    struct json_value item;
    struct span key;
    uint32_t index = 0;
    bool good = value.kind == JSON_ARRAY || price_complain(reading, "it is no list");

    while (good && json_next(&walk, &key, &item)) {
        size_t mark = price_enter_item(reading, index++);

        good = item.kind == JSON_STRING
                   ? read_capability(reading, item, &((struct draft *)who)->model.capabilities)
                   : price_complain(reading, "it is no text");
        price_leave(reading, mark);
    }
    return good;
}

static bool keep_rates(struct price_reading *reading, void *who, struct json_value value)
{
    (void)reading;
    ((struct draft *)who)->rates = value;
    return true;
}

static bool keep_tiers(struct price_reading *reading, void *who, struct json_value value)
{
    (void)reading;
    ((struct draft *)who)->tiers = value;
    return true;
}

static bool keep_later(struct price_reading *reading, void *who, struct json_value value)
{
    ((struct draft *)who)->later = value;
    return value.kind == JSON_ARRAY || price_complain(reading, "it is no list");
}

static bool read_source(struct price_reading *reading, void *who, struct json_value value)
{
    return price_read_text(reading, value, TEXT_MAX_BYTES,
                           &((struct draft *)who)->model.source);
}

static bool read_date(struct price_reading *reading, void *who, struct json_value value)
{
    return price_read_text(reading, value, NAME_MAX_BYTES, &((struct draft *)who)->model.date);
}

static const struct price_member model_members[] = {
    {"kind", read_kind},     {"name", read_name},       {"aliases", read_aliases},
    {"listed", read_listed}, {"context", read_context}, {"output", read_output},
    {"rates", keep_rates},   {"tiers", keep_tiers},     {"capabilities", read_capabilities},
    {"source", read_source}, {"date", read_date},       {"later", keep_later},
};

/* ---- prices that are announced ------------------------------------------------------------
 */

struct announced {
    struct catalogue_price *price;
    struct json_value rates, tiers;
};

static bool read_from(struct price_reading *reading, void *who, struct json_value value)
{
    struct span text;

    return price_read_text(reading, value, NAME_MAX_BYTES, &text) &&
           (clock_read_date_ms(text, &((struct announced *)who)->price->from_ms) ||
            price_complain(reading, "it is no date like 2026-12-01"));
}

static bool keep_announced_rates(struct price_reading *reading, void *who,
                                 struct json_value value)
{
    (void)reading;
    ((struct announced *)who)->rates = value;
    return true;
}

static bool keep_announced_tiers(struct price_reading *reading, void *who,
                                 struct json_value value)
{
    (void)reading;
    ((struct announced *)who)->tiers = value;
    return true;
}

static const struct price_member announced_members[] = {
    {"from", read_from}, {"rates", keep_announced_rates}, {"tiers", keep_announced_tiers}};

static bool read_announced(struct price_reading *reading, struct json_value value,
                           int64_t after_ms, struct catalogue_price *ret)
{
    struct announced announced = {
        .price = ret, .rates.kind = JSON_ABSENT, .tiers.kind = JSON_ABSENT};

    if (!price_read_members(reading, value, announced_members, ARRAY_LEN(announced_members),
                            &announced))
        return false;
    if (ret->from_ms <= after_ms)
        return price_complain(reading, "it is not after the price before");
    if (announced.rates.kind == JSON_ABSENT)
        return price_complain(reading, "it has no rates");
    return price_read_sheets(reading, announced.rates, announced.tiers, &ret->price);
}

static bool read_later(struct price_reading *reading, struct json_value value,
                       struct catalogue_model *model)
{
    struct catalogue_price *later =
        ARENA_ARRAY(reading->arena, CATALOGUE_LATER_MAX, struct catalogue_price);
    struct json_walk walk = json_walk(value);
    struct json_value item;
    struct span key;
    int64_t after_ms = 0;
    bool good = true;

    model->later = later;
    while (good && json_next(&walk, &key, &item)) {
        size_t mark = price_enter(reading, SPAN("later"));
        uint32_t index = model->later_count;

        (void)price_enter_item(reading, index);
        if (index == CATALOGUE_LATER_MAX) {
            good = price_complain(reading, "there are too many");
        } else {
            good = read_announced(reading, item, after_ms, &later[index]);
            after_ms = later[model->later_count++].from_ms;
        }
        price_leave(reading, mark);
    }
    return good;
}

static bool finish_model(struct price_reading *reading, struct draft *draft)
{
    struct catalogue_model *model = &draft->model;

    if (!model->kind || !model->name.ptr)
        return price_complain(reading, "it has no kind or no name");
    if (draft->rates.kind == JSON_ABSENT)
        return (draft->tiers.kind == JSON_ABSENT && draft->later.kind == JSON_ABSENT) ||
               price_complain(reading, "it has tiers or later prices but no rates");
    if (!model->source.ptr || !model->date.ptr)
        return price_complain(reading, "its rates have no source or no date");
    return price_read_sheets(reading, draft->rates, draft->tiers, &model->price) &&
           (draft->later.kind == JSON_ABSENT || read_later(reading, draft->later, model));
}

/* ---- all of them ------------------------------------------------------------------------- */

struct whole {
    struct catalogue *catalogue;
    bool has_models;
};

static bool read_version(struct price_reading *reading, void *who, struct json_value value)
{
    return price_read_text(reading, value, NAME_MAX_BYTES,
                           &((struct whole *)who)->catalogue->version);
}

static void add_model(struct catalogue *catalogue, const struct catalogue_model *model)
{
    uint32_t count = catalogue->count;

    if (count == 0 || (count >= 64 && (count & (count - 1)) == 0))
        catalogue->models =
            memory_resize(catalogue->models, (count ? (size_t)count * 2 : 64) * sizeof(*model));
    catalogue->models[catalogue->count++] = *model;
}

static bool read_models(struct price_reading *reading, void *who, struct json_value value)
{
    struct whole *whole = who;
    struct json_walk walk = json_walk(value);
    struct json_value item;
    struct span key;
    bool good = value.kind == JSON_ARRAY || price_complain(reading, "it is no list");

    whole->has_models = true;
    while (good && json_next(&walk, &key, &item)) {
        size_t mark = price_enter_item(reading, whole->catalogue->count);
        struct draft draft = {
            .rates.kind = JSON_ABSENT, .tiers.kind = JSON_ABSENT, .later.kind = JSON_ABSENT};

        if (whole->catalogue->count == CATALOGUE_MODELS_MAX)
            good = price_complain(reading, "there are too many");
        else
            good = price_read_members(reading, item, model_members, ARRAY_LEN(model_members),
                                      &draft) &&
                   finish_model(reading, &draft);
        if (good)
            add_model(whole->catalogue, &draft.model);
        price_leave(reading, mark);
    }
    return good;
}

static const struct price_member file_members[] = {{"version", read_version},
                                                   {"models", read_models}};

static bool read_file(struct price_reading *reading, struct catalogue *catalogue,
                      struct span text)
{
    struct whole whole = {.catalogue = catalogue};
    struct json_value value;
    struct json_error error;

    if (!json_check(text, &value, &error)) {
        (void)buffer_append_format(reading->reterr, "byte %zu: %s", error.offset, error.text);
        return false;
    }
    if (!price_read_members(reading, value, file_members, ARRAY_LEN(file_members), &whole))
        return false;
    if (!catalogue->version.ptr || !whole.has_models)
        return price_complain(reading, "it has no version or no models");
    return index_all(reading, catalogue);
}

struct catalogue *catalogue_parse(struct span text, struct buffer *reterr)
{
    struct catalogue *catalogue = MEMORY_NEW(struct catalogue);
    struct price_reading reading;
    bool good;

    arena_init(&catalogue->arena, 65536);
    price_reading_init(&reading, &catalogue->arena, reterr);
    good = read_file(&reading, catalogue, text);
    price_reading_done(&reading);
    if (good)
        return catalogue;
    catalogue_free(catalogue);
    return NULL;
}

struct catalogue *catalogue_read(const char *file, struct buffer *reterr)
{
    struct buffer text _buffer_;
    int result;

    buffer_init(&text, CATALOGUE_FILE_MAX);
    (void)buffer_append_format(reterr, "%s: ", file);
    result = file_read(file, &text);
    if (result < 0) {
        (void)buffer_append(reterr, span_of_text(log_error_text(result)));
        return NULL;
    }
    return catalogue_parse(buffer_span(&text), reterr);
}

void catalogue_free(struct catalogue *catalogue)
{
    if (!catalogue)
        return;
    memory_free(catalogue->models);
    memory_free(catalogue->index);
    arena_done(&catalogue->arena);
    memory_free(catalogue);
}

const struct catalogue *catalogue_built_in(void)
{
    static const struct catalogue *built_in;
    struct buffer error _buffer_;

    buffer_init(&error, BUILT_IN_ERRORS);
    if (built_in)
        return built_in;
    built_in = catalogue_parse(span_of(built_in_text, sizeof(built_in_text) - 1), &error);
    if (!built_in)
        log_event(LOG_ERROR, "the built-in catalogue is broken",
                  LOG_TEXT_FIELD("where", buffer_span(&error)));
    CHECK(built_in);
    return built_in;
}

struct catalogue_price catalogue_price_at(const struct catalogue_model *model, int64_t now_ms)
{
    struct catalogue_price price = {.price = model->price};

    for (uint32_t i = 0; i < model->later_count && model->later[i].from_ms <= now_ms; i++)
        price = model->later[i];
    return price;
}

const struct catalogue_model *catalogue_model_at(const struct catalogue *catalogue,
                                                 const struct provider_kind *kind,
                                                 unsigned index)
{
    for (uint32_t i = 0; i < catalogue->count; i++) {
        if (catalogue->models[i].kind == kind && !catalogue->models[i].unlisted && index-- == 0)
            return &catalogue->models[i];
    }
    return NULL;
}
