/* aigwctl tenants, teams, users, limits, budgets */
#include "shared/base/check.h"

#include "cli/body.h"

static const struct column group_columns[] = {
    {"NAME", "name", COLUMN_TEXT},
    {"ID", "id", COLUMN_TEXT},
    {"MODELS", "models", COLUMN_ALL_LIST},
    {"CREATED", "created_ms", COLUMN_TIME},
};

static const struct column user_columns[] = {
    {"NAME", "name", COLUMN_TEXT},          {"ID", "id", COLUMN_TEXT},
    {"TEAM", "team", COLUMN_TEXT},          {"EMAIL", "email", COLUMN_TEXT},
    {"CREATED", "created_ms", COLUMN_TIME},
};

static const struct column limit_columns[] = {
    {"ID", "id", COLUMN_TEXT},
    {"ORIGIN", "origin", COLUMN_TEXT},
    {"SCOPE", "scope", COLUMN_TEXT},
    {"NAME", "name", COLUMN_TEXT},
    {"REQUESTS", "requests", COLUMN_TEXT},
    {"INPUT", "input_tokens", COLUMN_TEXT},
    {"OUTPUT", "output_tokens", COLUMN_TEXT},
    {"TOTAL", "total_tokens", COLUMN_TEXT},
    {"CONCURRENT", "concurrent", COLUMN_TEXT},
    {"ALGORITHM", "algorithm", COLUMN_TEXT},
    {"BURST", "burst", COLUMN_TEXT},
    {"MODE", "mode", COLUMN_TEXT},
};

static const struct column limit_counter_columns[] = {
    {"SCOPE", "scope", COLUMN_TEXT},     {"LIMIT", "name", COLUMN_TEXT},
    {"USED", "used", COLUMN_TEXT},       {"OF", "amount_here", COLUMN_TEXT},
    {"WAITING", "waiting", COLUMN_TEXT}, {"REFUSED", "refused", COLUMN_TEXT},
    {"MODE", "mode", COLUMN_TEXT},
};

static const struct column budget_columns[] = {
    {"ID", "id", COLUMN_TEXT},         {"ORIGIN", "origin", COLUMN_TEXT},
    {"SCOPE", "scope", COLUMN_TEXT},   {"NAME", "name", COLUMN_TEXT},
    {"AMOUNT", "amount", COLUMN_TEXT}, {"PERIOD", "period", COLUMN_TEXT},
    {"WINDOW", "window", COLUMN_TEXT}, {"ZONE", "zone", COLUMN_TEXT},
    {"SOFT", "soft", COLUMN_TEXT},     {"MODE", "mode", COLUMN_TEXT},
    {"STRICT", "strict", COLUMN_TEXT}, {"CUT", "cut", COLUMN_TEXT},
};

static const struct column budget_counter_columns[] = {
    {"SCOPE", "scope", COLUMN_TEXT},       {"BUDGET", "name", COLUMN_TEXT},
    {"SPENT", "spent", COLUMN_TEXT},       {"RESERVED", "reserved", COLUMN_TEXT},
    {"LEFT", "left", COLUMN_TEXT},         {"ENDS", "ends_ms", COLUMN_TIME},
    {"SOFT", "soft_reached", COLUMN_TEXT}, {"REFUSED", "refused", COLUMN_TEXT},
    {"MODE", "mode", COLUMN_TEXT},
};

/* What a noun needs: where it is, and how its rows are shown. */
struct noun {
    const char *name;
    const struct column *columns, *counters;
    unsigned count, counter_count;
};

#define NOUN(name, columns)                         \
    {                                               \
#        name, columns, NULL, ARRAY_LEN(columns), 0 \
    }

static const struct noun tenants = NOUN(tenants, group_columns);
static const struct noun teams = NOUN(teams, group_columns);
static const struct noun users = NOUN(users, user_columns);
static const struct noun limits = {"limits", limit_columns, limit_counter_columns,
                                   ARRAY_LEN(limit_columns), ARRAY_LEN(limit_counter_columns)};
static const struct noun budgets = {"budgets", budget_columns, budget_counter_columns,
                                    ARRAY_LEN(budget_columns),
                                    ARRAY_LEN(budget_counter_columns)};

static const struct {
    enum option option;
    const char *member;
} texts[] = {
    {OPTION_NAME, "name"},
    {OPTION_TEAM, "team"},
    {OPTION_EMAIL, "email"},
    {OPTION_SCOPE, "scope"},
    {OPTION_REQUESTS, "requests"},
    {OPTION_INPUT_TOKENS, "input_tokens"},
    {OPTION_OUTPUT_TOKENS, "output_tokens"},
    {OPTION_TOTAL_TOKENS, "total_tokens"},
    {OPTION_CONCURRENT, "concurrent"},
    {OPTION_ALGORITHM, "algorithm"},
    {OPTION_BURST, "burst"},
    {OPTION_MODE, "mode"},
    {OPTION_AMOUNT, "amount"},
    {OPTION_PERIOD, "period"},
    {OPTION_WINDOW, "window"},
    {OPTION_ZONE, "zone"},
    {OPTION_SOFT, "soft"},
};

static int write_switch(struct json_writer *writer, const struct invocation *invocation,
                        enum option option, struct span member)
{
    struct span word = invocation->options[option];

    if (!word.ptr)
        return EXIT_OK;
    if (!span_eq(word, SPAN("yes")) && !span_eq(word, SPAN("no")))
        return tell_error(invocation, EXIT_USAGE, SPAN("--strict and --cut are yes or no"));
    json_write_member_bool(writer, member, span_eq(word, SPAN("yes")));
    return EXIT_OK;
}

/* NAME: of what is made, when it is an argument. */
static int write_body(struct json_writer *writer, const struct invocation *invocation,
                      struct span name)
{
    struct span unset = invocation->options[OPTION_UNSET], piece;
    int code;

    json_write_object(writer);
    if (name.ptr)
        json_write_member_text(writer, SPAN("name"), name);
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
        body_option(writer, invocation, texts[i].option, span_of_text(texts[i].member));
    body_list(writer, SPAN("models"), invocation->options[OPTION_MODELS]);
    code = write_switch(writer, invocation, OPTION_STRICT, SPAN("strict"));
    if (code == EXIT_OK)
        code = write_switch(writer, invocation, OPTION_CUT, SPAN("cut"));
    while (unset.ptr && span_cut(&unset, ',', &piece)) {
        json_write_key(writer, span_trim(piece));
        json_write_null(writer);
    }
    json_write_object_end(writer);
    return code;
}

static void write_path(const struct noun *noun, struct span name, struct buffer *path)
{
    buffer_init(path, BODY_BYTES);
    (void)buffer_append_format(path, "/%s", noun->name);
    if (!name.ptr)
        return;
    (void)buffer_append_byte(path, '/');
    append_segment(path, name);
}

static int send_row(struct invocation *invocation, const struct noun *noun, const char *method,
                    struct span name)
{
    bool makes = strcmp(method, "POST") == 0;
    struct buffer body, path;
    struct json_writer writer;
    int code;

    write_path(noun, makes ? SPAN_NONE : name, &path);
    buffer_init(&body, BODY_BYTES);
    json_write_init(&writer, &body);
    code = write_body(&writer, invocation, makes ? name : SPAN_NONE);
    if (code == EXIT_OK)
        code = ask_and_show(invocation, method, buffer_span(&path), buffer_span(&body), NULL,
                            noun->columns, noun->count);
    buffer_done(&body);
    buffer_done(&path);
    return code;
}

static int get_row(struct invocation *invocation, const struct noun *noun)
{
    struct buffer path;
    int code;

    write_path(noun, invocation->arguments[0], &path);
    code = ask_and_show(invocation, "GET", buffer_span(&path), SPAN_NONE, NULL, noun->columns,
                        noun->count);
    buffer_done(&path);
    return code;
}

static int remove_row(struct invocation *invocation, const struct noun *noun)
{
    struct buffer path;
    int code;

    write_path(noun, invocation->arguments[0], &path);
    code = link_remove(invocation, buffer_span(&path));
    buffer_done(&path);
    return code;
}

/* The rules, and below them their counters. */
static int list_rows(struct invocation *invocation, const struct noun *noun)
{
    struct link_answer answer;
    struct buffer out, path;
    int code;

    write_path(noun, SPAN_NONE, &path);
    code = link_ask(invocation, "GET", buffer_span(&path), SPAN_NONE, &answer);
    buffer_init(&out, PAGE_BYTES);
    if (code == EXIT_OK && !link_printed(invocation, &answer)) {
        table_write(cJSON_GetObjectItemCaseSensitive(answer.tree, noun->name), noun->columns,
                    noun->count, &out);
        if (noun->counters) {
            (void)buffer_append_byte(&out, '\n');
            table_write(cJSON_GetObjectItemCaseSensitive(answer.tree, "counters"),
                        noun->counters, noun->counter_count, &out);
        }
        print_out(buffer_span(&out));
    }
    buffer_done(&out);
    buffer_done(&path);
    link_answer_done(&answer);
    return code;
}

#define COMMANDS(noun, name)                                                   \
    int noun##_list(struct invocation *invocation)                             \
    {                                                                          \
        return list_rows(invocation, &noun);                                   \
    }                                                                          \
    int noun##_create(struct invocation *invocation)                           \
    {                                                                          \
        return send_row(invocation, &noun, "POST", name);                      \
    }                                                                          \
    int noun##_get(struct invocation *invocation)                              \
    {                                                                          \
        return get_row(invocation, &noun);                                     \
    }                                                                          \
    int noun##_edit(struct invocation *invocation)                             \
    {                                                                          \
        return send_row(invocation, &noun, "PATCH", invocation->arguments[0]); \
    }                                                                          \
    int noun##_remove(struct invocation *invocation)                           \
    {                                                                          \
        return remove_row(invocation, &noun);                                  \
    }

COMMANDS(tenants, invocation->arguments[0])
COMMANDS(teams, invocation->arguments[0])
COMMANDS(users, invocation->arguments[0])
COMMANDS(limits, SPAN_NONE)
COMMANDS(budgets, SPAN_NONE)
