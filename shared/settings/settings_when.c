/* Conditions of targets, as a whole: words that are none, bounds that let nothing in. */
#include "shared/base/check.h"
#include "shared/settings/condition.h"
#include "shared/settings/settings_inside.h"

struct place {
    struct reader *reader;
    uint32_t model, target, line;
};

static void complain_here(const struct place *place, const char *member, struct span text,
                          const char *wrong)
{
    complain(place->reader, place->line, "models[%u].targets[%u].when.%s: `%.*s` %s",
             place->model, place->target, member, SPAN_ARG(text), wrong);
}

/* NULL, or what is wrong with one word of a list. */
typedef const char *word_f(struct span word);

static const char *check_owner(struct span word)
{
    size_t slash = span_find(word, SPAN("/"));

    return slash == SIZE_MAX || slash == 0 || slash + 1 == word.len ? "is not TENANT/NAME"
                                                                    : NULL;
}

static const char *check_header(struct span word)
{
    struct header_condition ignored;

    return condition_read_header(word, &ignored);
}

static const char *check_feature(struct span word)
{
    return condition_feature(word) ? NULL
                                   : "is none of tools, vision, audio, documents, json_schema, "
                                     "reasoning, stream";
}

static const char *check_day(struct span word)
{
    return condition_day(word) ? NULL : "is none of mon, tue, wed, thu, fri, sat, sun";
}

static const struct {
    const char *member;
    size_t at; /* of the list, in struct settings_when */
    word_f *check;
} lists[] = {
    {"tenant", offsetof(struct settings_when, tenants), NULL},
    {"team", offsetof(struct settings_when, teams), check_owner},
    {"user", offsetof(struct settings_when, users), check_owner},
    {"key", offsetof(struct settings_when, keys), NULL},
    {"tag", offsetof(struct settings_when, tags), NULL},
    {"header", offsetof(struct settings_when, headers), check_header},
    {"features", offsetof(struct settings_when, features), check_feature},
    {"without", offsetof(struct settings_when, without), check_feature},
    {"days", offsetof(struct settings_when, days), check_day},
};

static void check_list(const struct place *place, const struct settings_when *when,
                       unsigned index)
{
    const struct settings_list *list = (const void *)((const char *)when + lists[index].at);

    if (list->rows && list->count == 0)
        complain(place->reader, place->line,
                 "models[%u].targets[%u].when.%s: is empty, so it would never hold",
                 place->model, place->target, lists[index].member);
    for (uint32_t i = 0; i < list->count && lists[index].check; i++) {
        struct span word = ((const struct span *)list->rows)[i];
        const char *wrong = word.ptr ? lists[index].check(word) : NULL;

        if (wrong)
            complain_here(place, lists[index].member, word, wrong);
    }
}

static void check_bounds(const struct place *place, const struct settings_when *when)
{
    uint32_t from, until;
    const char *wrong =
        when->hours.ptr ? condition_read_hours(when->hours, &from, &until) : NULL;

    if (wrong)
        complain_here(place, "hours", when->hours, wrong);
    if (when->input_max > 0 && when->input_min > when->input_max)
        complain(place->reader, place->line,
                 "models[%u].targets[%u].when.input_max: is lower than `input_min`",
                 place->model, place->target);
}

static void check_when(const struct place *place, const struct settings_when *when)
{
    for (unsigned i = 0; i < ARRAY_LEN(lists); i++)
        check_list(place, when, i);
    check_bounds(place, when);
}

static bool same_name(struct span text, struct span other)
{
    struct header_condition a, b;

    return !condition_read_header(text, &a) && !condition_read_header(other, &b) &&
           span_eq_nocase(a.name, b.name);
}

/* Each name costs a look at every request's head. */
struct header_names {
    struct span texts[CONDITION_HEADERS_MAX];
    unsigned count;
};

static void count_headers(const struct place *place, const struct settings_when *when,
                          struct header_names *names)
{
    for (uint32_t i = 0; i < when->headers.count; i++) {
        struct span text = ((const struct span *)when->headers.rows)[i];
        unsigned j = 0;

        while (j < names->count && !same_name(text, names->texts[j]))
            j++;
        if (!text.ptr || j < names->count)
            continue;
        if (names->count == CONDITION_HEADERS_MAX)
            complain_here(place, "header", text,
                          "is one more than the 16 names that are looked at");
        else
            names->texts[names->count++] = text;
    }
}

void check_conditions(struct reader *reader)
{
    const struct settings_list models = reader->settings->models;
    struct header_names names = {.count = 0};

    for (uint32_t i = 0; i < models.count; i++) {
        const struct settings_list targets = SETTINGS_ROW(models, i, settings_model)->targets;

        for (uint32_t j = 0; j < targets.count; j++) {
            const struct settings_when *when = &SETTINGS_ROW(targets, j, settings_target)->when;
            struct place place = {reader, i, j, when->line};

            check_when(&place, when);
            count_headers(&place, when, &names);
        }
    }
}
