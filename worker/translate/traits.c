#include "worker/translate/traits.h"

#include "shared/base/check.h"

static const struct model_traits rows[] = {
#define MODEL(prefix_, dialect_, max_output_, budget_min_, budget_max_, traits_) \
    {.prefix = WORD(prefix_),                                                    \
     .dialect = DIALECT_##dialect_,                                              \
     .max_output = max_output_,                                                  \
     .budget_min = budget_min_,                                                  \
     .budget_max = budget_max_,                                                  \
     .traits = traits_},
#include "worker/translate/models.def"
};

/* The vendor's part of names such as "anthropic/claude-...", "models/gemini-...". */
static struct span last_part(struct span name)
{
    for (size_t i = name.len; i > 0; i--)
        if (name.ptr[i - 1] == '/')
            return span_skip(name, i);
    return name;
}

/* Most prefixes of a vendor's models differ in their last byte. */
static bool begins_with(struct span model, struct span prefix)
{
    return prefix.len == 0 || (model.len >= prefix.len &&
                               model.ptr[prefix.len - 1] == prefix.ptr[prefix.len - 1] &&
                               span_starts(model, prefix));
}

const struct model_traits *model_traits(struct span name, enum dialect_id dialect)
{
    const struct model_traits *best = NULL;
    struct span model = last_part(name);

    if (dialect == DIALECT_responses)
        dialect = DIALECT_openai; /* the same models */
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct model_traits *row = &rows[i];

        if (row->dialect == dialect && (!best || row->prefix.len > best->prefix.len) &&
            begins_with(model, row->prefix))
            best = row;
    }
    CHECK(best); /* each dialect has a row with an empty prefix */
    return best;
}
