/* aigwctl usage: totals, sums by dimensions, rows; as a table, JSON or CSV. */
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"

#include "cli/body.h"

#define PATH_BYTES 4096

static const struct column totals_columns[] = {
    {"requests", "requests", COLUMN_TEXT},
    {"failed", "failed", COLUMN_TEXT},
    {"input tokens", "input_tokens", COLUMN_TEXT},
    {"output tokens", "output_tokens", COLUMN_TEXT},
};

static const struct column usage_columns[] = {
    {"STARTED", "started_ms", COLUMN_TIME},
    {"REQUEST", "request_id", COLUMN_TEXT},
    {"KEY", "key_id", COLUMN_TEXT},
    {"MODEL", "asked_model", COLUMN_TEXT},
    {"PROVIDER", "provider", COLUMN_TEXT},
    {"STATUS", "status", COLUMN_TEXT},
    {"OUTCOME", "outcome", COLUMN_TEXT},
    {"FAULT", "fault", COLUMN_TEXT},
    {"IN", "input_tokens", COLUMN_TEXT},
    {"OUT", "output_tokens", COLUMN_TEXT},
    {"TIME", "duration_us", COLUMN_MICROSECONDS},
};

static int show_totals(struct invocation *invocation)
{
    struct span limit = invocation->options[OPTION_LIMIT];
    struct link_answer answer;
    struct buffer out, path;
    uint64_t number = 20;
    int code;

    if (limit.ptr && (!span_read_u64(limit, &number) || number > 1000))
        return tell_error(invocation, EXIT_USAGE, SPAN("--limit is a number up to 1000"));
    buffer_init(&path, 64);
    (void)buffer_append(&path, SPAN("/usage?limit="));
    (void)buffer_append_u64(&path, number);
    code = link_ask(invocation, "GET", buffer_span(&path), SPAN_NONE, &answer);
    buffer_done(&path);
    buffer_init(&out, PAGE_BYTES);
    if (code == EXIT_OK && !link_printed(invocation, &answer)) {
        table_write_record(answer.tree, totals_columns, ARRAY_LEN(totals_columns), &out);
        (void)buffer_append_byte(&out, '\n');
        table_write(cJSON_GetObjectItemCaseSensitive(answer.tree, "last"), usage_columns,
                    ARRAY_LEN(usage_columns), &out);
        print_out(buffer_span(&out));
    }
    buffer_done(&out);
    link_answer_done(&answer);
    return code;
}

/* ---- sums and rows -------------------------------------------------------------------------
 */

#define TABLE_FEWEST 10 /* columns behind those that were asked for */

static const struct column sum_columns[TABLE_FEWEST] = {
    {"REQUESTS", "requests", COLUMN_TEXT},
    {"FAILED", "failed", COLUMN_TEXT},
    {"IN", "input_tokens", COLUMN_TEXT},
    {"CACHED", "cached_tokens", COLUMN_TEXT},
    {"OUT", "output_tokens", COLUMN_TEXT},
    {"COST", "cost_nano", COLUMN_MONEY},
    {"COST UNKNOWN", "cost_nano_unknown", COLUMN_TEXT},
    {"ESTIMATED", "estimated", COLUMN_TEXT},
    {"CACHE HITS", "cache_hits", COLUMN_TEXT},
    {"SAVED", "saved_nano", COLUMN_MONEY},
};

enum form {
    FORM_TABLE,
    FORM_JSON,
    FORM_CSV
};

static bool read_form(const struct invocation *invocation, enum form *ret)
{
    struct span form = invocation->options[OPTION_FORMAT];

    *ret = invocation->json || span_eq(form, SPAN("json")) ? FORM_JSON
           : span_eq(form, SPAN("csv"))                    ? FORM_CSV
                                                           : FORM_TABLE;
    return !form.ptr || *ret != FORM_TABLE || span_eq(form, SPAN("table"));
}

static void add_parameter(struct buffer *path, const char *name, struct span value)
{
    if (!value.ptr)
        return;
    (void)buffer_append_format(path, "&%s=", name);
    (void)encode_percent(value, path);
}

static void add_filters(struct buffer *path, struct span filters)
{
    struct span filter, name;

    while (filters.ptr && span_cut(&filters, ',', &filter)) {
        (void)span_cut(&filter, '=', &name);
        (void)buffer_append_byte(path, '&');
        (void)encode_percent(name, path);
        (void)buffer_append_byte(path, '=');
        (void)encode_percent(filter.ptr ? filter : SPAN(""), path);
    }
}

/* Only what the table shows, unless it is sorted by something that may be another. */
static void add_columns(struct buffer *path, struct span order)
{
    if (order.ptr)
        return;
    (void)buffer_append(path, SPAN("&columns="));
    for (unsigned i = 0; i < TABLE_FEWEST; i++)
        (void)buffer_append_format(path, "%s%s", i ? "," : "", sum_columns[i].member);
}

static void write_path(const struct invocation *invocation, enum form form, struct buffer *path)
{
    static const struct {
        enum option option;
        const char *name;
    } parameters[] = {{OPTION_BY, "group_by"},   {OPTION_BUCKET, "bucket"},
                      {OPTION_FROM, "from"},     {OPTION_TO, "to"},
                      {OPTION_PERIOD, "period"}, {OPTION_ORDER, "order"},
                      {OPTION_LIMIT, "limit"}};

    (void)buffer_append(path, form == FORM_CSV ? SPAN("/usage?format=csv")
                                               : SPAN("/usage?format=json"));
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
        add_parameter(path, parameters[i].name, invocation->options[parameters[i].option]);
    if (invocation->options[OPTION_ROWS].ptr)
        (void)buffer_append(path, SPAN("&rows=true"));
    else if (form == FORM_TABLE)
        add_columns(path, invocation->options[OPTION_ORDER]);
    add_filters(path, invocation->options[OPTION_FILTER]);
}

/* Beside an id the name of what has it. */
static unsigned add_name(const char *member, struct column *column)
{
    static const struct {
        const char *id;
        struct column column;
    } names[] = {{"tenant", {"TENANT", "tenant_name", COLUMN_TEXT}},
                 {"team", {"TEAM", "team_name", COLUMN_TEXT}},
                 {"user_id", {"USER", "user_name", COLUMN_TEXT}},
                 {"key_id", {"KEY", "key_name", COLUMN_TEXT}}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(member, names[i].id) != 0)
            continue;
        *column = names[i].column;
        return 1;
    }
    return 0;
}

/* What was grouped by stands in each row before "requests". */
static unsigned table_columns(const cJSON *row, struct column columns[32])
{
    unsigned count = 0;

    for (const cJSON *item = row ? row->child : NULL;
         item && strcmp(item->string, "requests") != 0 && count < 16; item = item->next) {
        bool time = strcmp(item->string, "begin_ms") == 0;

        columns[count++] = (struct column){time ? "TIME" : item->string, item->string,
                                           time ? COLUMN_DAY : COLUMN_TEXT};
        count += add_name(item->string, &columns[count]);
    }
    for (unsigned i = 0; i < TABLE_FEWEST; i++)
        columns[count++] = sum_columns[i];
    return count;
}

static void show_table(const struct invocation *invocation, const cJSON *rows)
{
    struct column columns[32];
    struct buffer _buffer_ out;

    buffer_init(&out, PAGE_BYTES);
    if (invocation->options[OPTION_ROWS].ptr)
        table_write(rows, usage_columns, ARRAY_LEN(usage_columns), &out);
    else
        table_write(rows, columns, table_columns(rows ? rows->child : NULL, columns), &out);
    print_out(buffer_span(&out));
}

/* One row on a line. */
static void show_lines(const cJSON *rows)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, rows)
    {
        char *line = cJSON_PrintUnformatted(row);

        print_out(span_of_text(line));
        print_out(SPAN("\n"));
        cJSON_free(line);
    }
}

/* Pages of CSV have their line of names once. */
static void show_csv(struct span text, bool first)
{
    struct span names;

    if (!first)
        (void)span_cut(&text, '\n', &names);
    print_out(text);
}

static void show_page(const struct invocation *invocation, const struct link_answer *answer,
                      enum form form, bool first)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(answer->tree, "rows");

    if (invocation->quiet)
        return;
    switch (form) {
    case FORM_TABLE: show_table(invocation, rows); break;
    case FORM_CSV: show_csv(buffer_span(&answer->body), first); break;
    case FORM_JSON:
        if (invocation->options[OPTION_ROWS].ptr) {
            show_lines(rows);
            break;
        }
        print_out(buffer_span(&answer->body));
        print_out(SPAN("\n"));
        break;
    }
}

/* Page after page, so that neither side holds all of it; a limit that is given is one page. */
static int show_pages(struct invocation *invocation, enum form form)
{
    bool all = !invocation->options[OPTION_LIMIT].ptr &&
               (form == FORM_CSV || invocation->options[OPTION_ROWS].ptr);
    struct buffer _buffer_ path, next;
    struct link_answer answer;
    bool first = true, more;
    int code;

    buffer_init(&path, PATH_BYTES);
    buffer_init(&next, PATH_BYTES);
    do {
        buffer_clear(&path);
        write_path(invocation, form, &path);
        if (next.len > 0)
            (void)buffer_append_byte(&path, '&');
        (void)buffer_append(&path, buffer_span(&next));
        code = path.failed
                   ? tell_error(invocation, EXIT_USAGE, SPAN("the options are too long"))
                   : link_ask(invocation, "GET", buffer_span(&path), SPAN_NONE, &answer);
        if (path.failed)
            return code;
        if (code == EXIT_OK)
            show_page(invocation, &answer, form, first);
        buffer_clear(&next);
        (void)buffer_append(&next, buffer_span(&answer.next));
        more = code == EXIT_OK && next.len > 0;
        first = false;
        link_answer_done(&answer);
    } while (all && more);
    if (more && !all && !invocation->options[OPTION_LIMIT].ptr && form == FORM_TABLE)
        (void)fprintf(stderr, "aigwctl: there are more; --format csv has all of them\n");
    return code;
}

int usage_show(struct invocation *invocation)
{
    static const enum option asks[] = {OPTION_BY,    OPTION_BUCKET, OPTION_FROM,
                                       OPTION_TO,    OPTION_PERIOD, OPTION_FILTER,
                                       OPTION_ORDER, OPTION_ROWS,   OPTION_FORMAT};
    enum form form;

    if (!read_form(invocation, &form))
        return tell_error(invocation, EXIT_USAGE, SPAN("--format is table, json or csv"));
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        if (invocation->options[asks[i]].ptr)
            return show_pages(invocation, form);
    }
    return show_totals(invocation);
}
