#include <stddef.h>

#include "shared/base/check.h"
#include "shared/settings/settings_inside.h"

/* Never defined: only their types are asked for. */
#define GROUP(group, type, title) extern struct type shape_of_##group;
#include "shared/settings/settings.def"

static const char required_mark[] = "";

#define REQUIRED required_mark

const struct setting_row setting_rows[] = {
#define SETTING(group_, name_, type_, member_, low_, high_, preset_, when_, help_) \
    {.name = #name_,                                                               \
     .preset = (preset_),                                                          \
     .help = (help_),                                                              \
     .low = (low_),                                                                \
     .high = (high_),                                                              \
     .at = offsetof(typeof(shape_of_##group_), member_),                           \
     .group = GROUP_##group_,                                                      \
     .type = SETTING_##type_,                                                      \
     .when = WHEN_##when_},
#include "shared/settings/settings.def"
};

const unsigned setting_row_count = ARRAY_LEN(setting_rows);

const struct group_row setting_groups[SETTING_GROUPS] = {
#define GROUP(group, type, title_) {#group, (title_), sizeof(struct type)},
#include "shared/settings/settings.def"
};

const char *const setting_levels[] = {"debug", "info", "warning", "error", NULL};
const char *const setting_formats[] = {"auto", "json", "text", NULL};
/* In the order of enum signer, after 0: the kind's own. */
const char *const setting_signers[] = {"default", "none",      "bearer",
                                       "api-key", "x-api-key", NULL};

bool setting_required(const struct setting_row *row)
{
    return row->preset == required_mark;
}

enum setting_group setting_below(const struct setting_row *row)
{
    unsigned group = 0;

    CHECK(row->type == SETTING_SECTION || row->type == SETTING_LIST);
    while (group < SETTING_GROUPS && strcmp(setting_groups[group].name, row->preset) != 0)
        group++;
    CHECK(group < SETTING_GROUPS);
    return (enum setting_group)group;
}

#define TEXT(literal)                     \
    {                                     \
        ("" literal), sizeof(literal) - 1 \
    }

static const struct provider_kind kinds[] = {
#define PROVIDER(name, variable, base_url, auth, quirks, mock, help) \
    {TEXT(name), TEXT(variable), TEXT(base_url), AUTH_##auth, (quirks), (mock), TEXT(help)},
#include "shared/settings/providers.def"
#undef PROVIDER
};

static const struct {
    struct span kind, model;
} catalogue[] = {

#define CATALOGUE(kind, model) {TEXT(kind), TEXT(model)},
#include "shared/settings/catalogue.def"
#undef CATALOGUE
};

const struct provider_kind *provider_kind_at(unsigned index)
{
    return index < ARRAY_LEN(kinds) ? &kinds[index] : NULL;
}

const struct provider_kind *provider_kind_find(struct span name)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        if (span_eq(kinds[i].name, name))
            return &kinds[i];
    }
    return NULL;
}

struct span provider_kind_model(const struct provider_kind *kind, unsigned index)
{
    for (unsigned i = 0; i < ARRAY_LEN(catalogue); i++) {
        if (span_eq(catalogue[i].kind, kind->name) && index-- == 0)
            return catalogue[i].model;
    }
    return SPAN_NONE;
}
