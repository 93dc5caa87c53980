/* What models say about their targets and fallbacks, as a whole. */
#include "shared/base/check.h"
#include "shared/settings/settings_inside.h"

#define MODELS_MOST 4096

static const char *const kinds[ROUTE_FALLBACK_COUNT] = {
    [ROUTE_FALLBACK_general] = "fallbacks",
    [ROUTE_FALLBACK_context] = "context_fallbacks",
    [ROUTE_FALLBACK_content] = "content_fallbacks",
};

static const struct settings_model *model_at(const struct settings *settings, uint32_t index)
{
    return SETTINGS_ROW(settings->models, index, settings_model);
}

/* Its index, or UINT32_MAX. */
static uint32_t model_named(const struct settings *settings, struct span name)
{
    for (uint32_t i = 0; i < settings->models.count; i++) {
        const struct settings_model *model = model_at(settings, i);

        if (model->name.ptr && span_eq(model->name, name))
            return i;
    }
    return UINT32_MAX;
}

/* "provider/model" of a provider that is there. */
static bool is_full_name(const struct settings *settings, struct span name)
{
    size_t slash = span_find(name, SPAN("/"));
    struct span provider = span_of(name.ptr, slash == SIZE_MAX ? 0 : slash);

    return provider.len > 0 && slash + 1 < name.len &&
           (provider_named(settings, provider) || made_by_itself(settings, provider));
}

static void check_names(struct reader *reader, uint32_t index, enum route_fallback kind)
{
    const struct settings_model *model = model_at(reader->settings, index);
    const struct settings_list *names = &model->fallbacks[kind];

    for (uint32_t i = 0; i < names->count; i++) {
        struct span name = ((const struct span *)names->rows)[i];

        if (model_named(reader->settings, name) == UINT32_MAX &&
            !is_full_name(reader->settings, name))
            complain(reader, model->line,
                     "models[%u].%s[%u]: there is no model `%.*s`; PROVIDER/MODEL names one of "
                     "a provider",
                     index, kinds[kind], i, SPAN_ARG(name));
    }
}

/* ---- loops ------------------------------------------------------------------------------- */

enum visit {
    VISIT_NEW,
    VISIT_OPEN, /* on the way here */
    VISIT_DONE
};

static void visit(struct reader *reader, enum route_fallback kind, uint32_t index,
                  uint8_t *visits, unsigned depth)
{
    const struct settings_model *model = model_at(reader->settings, index);

    visits[index] = VISIT_OPEN;
    for (uint32_t i = 0; i < model->fallbacks[kind].count && depth < SETTINGS_CHAIN_MAX; i++) {
        struct span name = ((const struct span *)model->fallbacks[kind].rows)[i];
        uint32_t next = model_named(reader->settings, name);

        if (next != UINT32_MAX && visits[next] == VISIT_OPEN)
            complain(reader, model->line, "models[%u].%s[%u]: `%.*s` leads back to itself",
                     index, kinds[kind], i, SPAN_ARG(name));
        else if (next != UINT32_MAX && visits[next] == VISIT_NEW)
            visit(reader, kind, next, visits, depth + 1);
    }
    if (depth >= SETTINGS_CHAIN_MAX)
        complain(reader, model->line, "models[%u].%s: more than %u fallbacks of fallbacks",
                 index, kinds[kind], SETTINGS_CHAIN_MAX);
    visits[index] = VISIT_DONE;
}

static void check_loops(struct reader *reader, enum route_fallback kind)
{
    uint8_t visits[MODELS_MOST] = {VISIT_NEW};

    for (uint32_t i = 0; i < reader->settings->models.count && i < MODELS_MOST; i++)
        if (visits[i] == VISIT_NEW)
            visit(reader, kind, i, visits, 0);
}

/* ---- weights ----------------------------------------------------------------------------- */

static bool has_weight_beside(const struct settings_model *model,
                              const struct settings_target *target)
{
    for (uint32_t i = 0; i < model->targets.count; i++) {
        const struct settings_target *other = SETTINGS_ROW(model->targets, i, settings_target);

        if (other->priority == target->priority && other->weight > 0)
            return true;
    }
    return false;
}

/* It would never come first, and nothing says that this is meant. */
static void check_weights(struct reader *reader, uint32_t index)
{
    const struct settings_model *model = model_at(reader->settings, index);

    for (uint32_t i = 0; i < model->targets.count; i++) {
        const struct settings_target *target = SETTINGS_ROW(model->targets, i, settings_target);

        if (target->weight == 0 && has_weight_beside(model, target))
            complain(reader, target->line,
                     "models[%u].targets[%u].weight: 0 beside targets with a weight; give it "
                     "one, or a higher `priority`",
                     index, i);
    }
}

/* ---- auto -------------------------------------------------------------------------------- */

static uint32_t capability_bit(struct span name)
{
    static const struct span names[] = {
#define CAPABILITY(name, help) WORD(#name),
#include "shared/settings/capabilities.def"
#undef CAPABILITY
    };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(names[i], name))
            return 1u << i & ~(uint32_t)CAPABILITY_embeddings;
    return 0;
}

static void check_needs(struct reader *reader, uint32_t index,
                        struct settings_model_auto *automatic)
{
    const struct settings_list *names = &automatic->needs_names;

    for (uint32_t i = 0; i < names->count; i++) {
        struct span name = ((const struct span *)names->rows)[i];
        uint32_t bit = capability_bit(name);

        automatic->needs |= bit;
        if (bit == 0)
            complain(reader, automatic->line,
                     "models[%u].auto.needs[%u]: `%.*s` is none of tools, vision, audio, "
                     "documents, reasoning, json_schema",
                     index, i, SPAN_ARG(name));
    }
}

static void check_auto(struct reader *reader, uint32_t index)
{
    struct settings_model *model =
        &((struct settings_model *)reader->settings->models.rows)[index];
    struct settings_model_auto *automatic = &model->automatic;

    /* A list that was complained of reads as none. */
    if (automatic->line == 0 && model->targets.count == 0 && reader->complaint_count == 0)
        complain(reader, model->line, "models[%u]: `targets` is missing, and so is `auto`",
                 index);
    if (automatic->line > 0 && model->targets.count > 0)
        complain(reader, automatic->line, "models[%u].auto: stands beside `targets`", index);
    for (uint32_t i = 0; i < automatic->providers.count; i++) {
        struct span name = ((const struct span *)automatic->providers.rows)[i];

        if (!provider_named(reader->settings, name) && !made_by_itself(reader->settings, name))
            complain(reader, automatic->line,
                     "models[%u].auto.providers[%u]: there is no provider `%.*s`", index, i,
                     SPAN_ARG(name));
    }
    check_needs(reader, index, automatic);
}

void check_routes(struct reader *reader)
{
    for (uint32_t i = 0; i < reader->settings->models.count; i++) {
        check_auto(reader, i);
        check_weights(reader, i);
        for (unsigned kind = 0; kind < ROUTE_FALLBACK_COUNT; kind++)
            check_names(reader, i, (enum route_fallback)kind);
    }
    for (unsigned kind = 0; kind < ROUTE_FALLBACK_COUNT; kind++)
        check_loops(reader, (enum route_fallback)kind);
}
