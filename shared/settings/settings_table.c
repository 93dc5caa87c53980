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
const char *const setting_signers[] = {
    "default",
#define SIGNER(name, word, header, before, help) word,
#include "shared/settings/signers.def"
#undef SIGNER
    NULL,
};

const char *const setting_services[] = {
#define PRICE_SERVICE(name, help) #name,
#include "shared/price/prices.def"
    NULL,
};

/* In the order of enum settings_probe_when. */
const char *const setting_probes[] = {"default", "down", "always", "never", NULL};

/* In the order of enum priority, after 0: not given. */
const char *const setting_priorities[] = {
    "default",
#define PRIORITY(name, help) #name,
#include "shared/settings/priorities.def"
#undef PRIORITY
    NULL,
};

const char *const setting_strategies[] = {
#define STRATEGY(name, help) #name,
#include "shared/settings/strategies.def"
#undef STRATEGY
    NULL,
};

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

static const struct provider_kind kinds[] = {
#define PROVIDER(name_, variable_, base_url_, dialect_, signer_, quirks_, mock_, help_) \
    {.name = WORD(name_),                                                               \
     .variable = WORD(variable_),                                                       \
     .base_url = WORD(base_url_),                                                       \
     .dialect = DIALECT_##dialect_,                                                     \
     .signer = SIGNER_##signer_,                                                        \
     .quirks = (quirks_),                                                               \
     .mock = (mock_),                                                                   \
     .help = WORD(help_)},
#include "shared/settings/providers.def"
};

enum face_use {
    FACE_REST,
    FACE_CHAT
};

/* What they speak besides their first dialect. */
static const struct provider_face faces[] = {
#define FACE(kind, dialect, path, signer, use) \
    {WORD(kind), DIALECT_##dialect, SIGNER_##signer, WORD(path), FACE_##use == FACE_CHAT},
#include "shared/settings/providers.def"
};

static const struct provider_tokens token_services[] = {
#define TOKENS(kind, form, url, scope, signer) \
    {WORD(kind), WORD(url), WORD(scope), TOKEN_FORM_##form, SIGNER_##signer},
#include "shared/settings/providers.def"
};

static const struct {
    struct span kind, path, dated;
} bare_paths[] = {

#define BARE(kind, path, dated) {WORD(kind), WORD(path), WORD(dated)},
#include "shared/settings/providers.def"
};

static const struct span sample_models[] = {
#define SAMPLE(kind, model) WORD(model),
#include "shared/settings/providers.def"
};

static const struct {
    struct span kind, provider, prefix;
} listed[] = {

#define LISTED(kind, provider, prefix) {WORD(kind), WORD(provider), WORD(prefix)},
#include "shared/settings/providers.def"
};

static const struct signer_row signers[SIGNER_COUNT] = {
#define SIGNER(name, word, header, before, help) {word, WORD(header), WORD(before), help},
#include "shared/settings/signers.def"
#undef SIGNER
};

static const struct span dialect_names[DIALECT_COUNT] = {
#define DIALECT(name) WORD(#name),
#include "shared/base/dialects.def"
#undef DIALECT
};

static const struct span capability_names[CAPABILITY_COUNT] = {
#define CAPABILITY(name, help) WORD(#name),
#include "shared/settings/capabilities.def"
#undef CAPABILITY
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

const struct provider_kind *provider_kind_listed(struct span provider, struct span *model)
{
    for (unsigned i = 0; i < ARRAY_LEN(listed); i++) {
        if (!span_eq(listed[i].provider, provider))
            continue;
        if (span_starts(*model, listed[i].prefix))
            *model = span_skip(*model, listed[i].prefix.len);
        return provider_kind_find(listed[i].kind);
    }
    return NULL;
}

struct span provider_sample_model(void)
{
    return sample_models[0];
}

struct span capability_name(enum capability_number number)
{
    return capability_names[number];
}

bool provider_kind_face(const struct provider_kind *kind, unsigned index,
                        struct provider_face *ret)
{
    if (index == 0) {
        *ret = (struct provider_face){.kind = kind->name,
                                      .dialect = kind->dialect,
                                      .signer = kind->signer,
                                      .chats = true};
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(faces); i++) {
        if (span_eq(faces[i].kind, kind->name) && --index == 0) {
            *ret = faces[i];
            return true;
        }
    }
    return false;
}

struct span provider_kind_path(const struct provider_kind *kind, bool dated)
{
    for (unsigned i = 0; i < ARRAY_LEN(bare_paths); i++) {
        if (span_eq(bare_paths[i].kind, kind->name))
            return dated ? bare_paths[i].dated : bare_paths[i].path;
    }
    return SPAN("");
}

const struct provider_tokens *provider_kind_tokens(struct span kind)
{
    static const struct provider_tokens most = {
        .kind = WORD(""),
        .url = WORD(""),
        .scope = WORD(""),
        .form = TOKEN_FORM_BODY,
        .signer = SIGNER_BEARER,
    };

    for (unsigned i = 0; i < ARRAY_LEN(token_services); i++) {
        if (span_eq(token_services[i].kind, kind))
            return &token_services[i];
    }
    return &most;
}

const struct signer_row *signer_row(enum signer signer)
{
    CHECK((unsigned)signer < SIGNER_COUNT);
    return &signers[signer];
}

enum dialect_id dialect_named(struct span name)
{
    unsigned id = 0;

    while (id < DIALECT_COUNT && !span_eq(dialect_names[id], name))
        id++;
    return (enum dialect_id)id;
}

struct span dialect_name(enum dialect_id dialect)
{
    CHECK((unsigned)dialect < DIALECT_COUNT);
    return dialect_names[dialect];
}
