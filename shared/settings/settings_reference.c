#include "shared/base/check.h"
#include "shared/settings/settings_inside.h"

#define SAY(out, literal) ((void)buffer_append((out), SPAN(literal)))

/* ---- the sample
 * ------------------------------------------------------------------------------
 */

static void append_preset(struct buffer *out, const struct setting_row *row)
{
    struct span preset = span_of_text(row->preset);
    size_t at = span_find(preset, SPAN("{state_dir}"));

    if (at == SIZE_MAX) {
        (void)buffer_append(out, preset);
        return;
    }
    (void)buffer_append(out, span_of(preset.ptr, at));
    SAY(out, "state");
    (void)buffer_append(out, span_skip(preset, at + 11));
}

static bool has_preset(const struct setting_row *row)
{
    return row->type != SETTING_LIST && row->type != SETTING_SECTION && row->preset &&
           !setting_required(row);
}

static void sample_section(struct buffer *out, const struct setting_row *section)
{
    (void)buffer_append_format(out, "\n# %s\n#%s:\n", section->help, section->name);
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];

        if (row->group != setting_below(section))
            continue;
        (void)buffer_append_format(out, "#  %s: ", row->name);
        if (has_preset(row))
            append_preset(out, row);
        (void)buffer_append_format(out, "    # %s\n", row->help);
    }
}

static void sample_value(struct buffer *out, const struct setting_row *row)
{
    (void)buffer_append_format(out, "\n# %s\n#%s: ", row->help, row->name);
    if (has_preset(row))
        append_preset(out, row);
    SAY(out, "\n");
}

static void sample_providers(struct buffer *out)
{
    const struct provider_kind *kind = provider_kind_at(0);

    SAY(out, "\n# Provider accounts. Those whose key stands in the environment are there by "
             "themselves:\n");
    for (unsigned i = 0; provider_kind_at(i); i++) {
        if (provider_kind_at(i)->variable.len > 0)
            (void)buffer_append_format(out, "#   %.*s\n",
                                       SPAN_ARG(provider_kind_at(i)->variable));
    }
    (void)buffer_append_format(out,
                               "#providers:\n#  - name: main\n#    kind: %.*s\n"
                               "#    base_url: %.*s\n#    api_key: \"${%.*s}\"\n",
                               SPAN_ARG(kind->name), SPAN_ARG(kind->base_url),
                               SPAN_ARG(kind->variable));
    SAY(out, "\n# Names that clients ask for; each leads to targets, tried in this order.\n");
    (void)buffer_append_format(out,
                               "#models:\n#  - name: fast\n#    targets:\n"
                               "#      - {provider: main, model: %.*s}\n",
                               SPAN_ARG(provider_sample_model()));
}

void settings_print_sample(struct buffer *out)
{
    SAY(out,
        "# Settings of aigw. This file works as it is: the built-in provider `mock` answers,\n"
        "# and so does every provider whose key stands in the environment.\n"
        "# All settings: docs/settings.md.   Check: aigw --check --config FILE\n"
        "\nlisten: 127.0.0.1:8080\n"
        "#listen:\n#  - 127.0.0.1:8080\n"
        "#  - address: 0.0.0.0:8443\n"
        "#    tls: {certificate: server.pem, key: server.key}\n"
        "\n# Folder of the database, the journals and the admin token\nstate_dir: state\n"
        "\n# The admin API and /metrics\nadmin:\n  listen: 127.0.0.1:8081\n");
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];

        if (row->group != GROUP_top || row->type == SETTING_LIST ||
            strcmp(row->name, "state_dir") == 0 || strcmp(row->name, "admin") == 0)
            continue;
        if (row->type == SETTING_SECTION)
            sample_section(out, row);
        else
            sample_value(out, row);
    }
    sample_providers(out);
}

/* ---- docs/settings.md
 * ------------------------------------------------------------------------
 */

static const char *const type_names[SETTING_TYPES] = {
    [SETTING_ACCESS] = "text",
    [SETTING_ADDRESS] = "address",
    [SETTING_COUNT] = "number",
    [SETTING_DATE] = "date",
    [SETTING_DURATION] = "time",
    [SETTING_FORMAT] = "word",
    [SETTING_HEADERS] = "mapping",
    [SETTING_KIND] = "word",
    [SETTING_LEVEL] = "word",
    [SETTING_LIST] = "list",
    [SETTING_MODEL] = "text",
    [SETTING_NAME] = "name",
    [SETTING_NAMES] = "list of texts",
    [SETTING_PATH] = "path",
    [SETTING_PRICE] = "dollars",
    [SETTING_PROBE] = "word",
    [SETTING_PROXY] = "URL",
    [SETTING_REDIS] = "URL",
    [SETTING_SECRET] = "secret",
    [SETTING_SECTION] = "mapping",
    [SETTING_SERVICE] = "word",
    [SETTING_SIGNER] = "word",
    [SETTING_SIZE] = "size",
    [SETTING_STORE] = "URL",
    [SETTING_STRATEGY] = "word",
    [SETTING_PRIORITY] = "word",
    [SETTING_SWITCH] = "true, false",
    [SETTING_TEXT] = "text",
    [SETTING_URL] = "URL",
    [SETTING_URL_PATH] = "path of a URL",
    [SETTING_WORKERS] = "auto, number",
    [SETTING_ALGORITHM] = "word",
    [SETTING_AMOUNT] = "amount",
    [SETTING_MODE] = "word",
    [SETTING_MONEY] = "dollars",
    [SETTING_PERIOD] = "word",
    [SETTING_RATE] = "amount/window",
    [SETTING_SCOPE] = "kind:name",
    [SETTING_SOFT] = "percentage, dollars",
    [SETTING_ZONE] = "time zone",
};

static void append_bounds(struct buffer *out, const struct setting_row *row)
{
    if (row->type == SETTING_SIZE || row->type == SETTING_DURATION) {
        void (*append)(struct buffer *, uint64_t) =
            row->type == SETTING_SIZE ? append_size : append_duration;

        append(out, row->low);
        SAY(out, " to ");
        append(out, row->high);
    } else if (row->type == SETTING_COUNT || row->type == SETTING_WORKERS ||
               row->type == SETTING_LIST) {
        (void)buffer_append_format(out, "%llu to %llu", (unsigned long long)row->low,
                                   (unsigned long long)row->high);
    }
}

static void reference_row(struct buffer *out, const struct setting_row *row)
{
    (void)buffer_append_format(out, "| `%s` | %s | ", row->name, type_names[row->type]);
    append_bounds(out, row);
    SAY(out, " | ");
    if (setting_required(row) || (row->type == SETTING_LIST && row->low > 0 && row->group != 0))
        SAY(out, "needed");
    else if (has_preset(row))
        (void)buffer_append_format(out, "`%s`", row->preset);
    (void)buffer_append_format(out, " | %s | %s |\n",
                               row->when == WHEN_LIVE ? "live" : "new workers", row->help);
}

static void reference_group(struct buffer *out, unsigned group)
{
    if (group != GROUP_top)
        (void)buffer_append_format(out, "\n## %s\n\n", setting_groups[group].title);
    SAY(out, "| name | type | bounds | default | change | what it is |\n"
             "|---|---|---|---|---|---|\n");
    for (unsigned i = 0; i < setting_row_count; i++) {
        if (setting_rows[i].group == group)
            reference_row(out, &setting_rows[i]);
    }
}

static void reference_kinds(struct buffer *out)
{
    SAY(out,
        "\n## Kinds of providers\n\n"
        "A provider whose variable is set is there by itself, named like its kind, unless\n"
        "the file has one of that name (or `environment: false`).\n\n"
        "| kind | variable | base URL | what it is |\n|---|---|---|---|\n");
    for (unsigned i = 0; provider_kind_at(i); i++) {
        const struct provider_kind *kind = provider_kind_at(i);

        (void)buffer_append_format(out, "| `%.*s` | %.*s | %.*s | %.*s |\n",
                                   SPAN_ARG(kind->name), SPAN_ARG(kind->variable),
                                   SPAN_ARG(kind->base_url), SPAN_ARG(kind->help));
    }
}

void settings_print_reference(struct buffer *out)
{
    SAY(out,
        "# Settings\n\n"
        "Made by `aigw --print-settings-reference` from shared/settings/settings.def.\n\n"
        "One YAML file, without anchors, aliases and tags. Everything wrong in it is told at\n"
        "once, each as `FILE:LINE: what`; a wrong file at a reload changes nothing.\n\n"
        "* `${VARIABLE}` in a text stands for the environment's value; a variable that is\n"
        "  not set is an error; a plain `${` is written `$${`.\n"
        "* A secret may be `file:PATH`: the file's content without the newline at its end.\n"
        "* Times have a unit: `500ms`, `2s`, `10m`, `1h`, `1d`. Sizes may have one: `64KiB`,\n"
        "  `32MiB`, `1MB`.\n"
        "* Amounts may have a factor of thousand, million or milliard: `100k`, `2M`, `1G`.\n"
        "* Paths are relative to the folder that aigw was started in.\n"
        "* `live`: in force for the next request after a reload (SIGHUP). `new workers`: the\n"
        "  reload starts new workers; the old ones finish what they have.\n\n");
    for (unsigned group = 0; group < SETTING_GROUPS; group++)
        reference_group(out, group);
    reference_kinds(out);
}
