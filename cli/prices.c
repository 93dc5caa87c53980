/* aigwctl prices ... */
#include <errno.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/price/price.h"

#include "cli/body.h"

#define LIST_BYTES (32U << 20)

static const struct column columns[] = {
    {"PROVIDER", "provider", COLUMN_TEXT},
    {"MODEL", "model", COLUMN_TEXT},
    {"ORIGIN", "origin", COLUMN_TEXT},
    {"IN FORCE", "in_force", COLUMN_TEXT},
    {"FROM", "from_ms", COLUMN_TIME},
    {"INPUT", "input", COLUMN_TEXT},
    {"OUTPUT", "output", COLUMN_TEXT},
    {"CACHE READ", "cache_read", COLUMN_TEXT},
    {"CACHE WRITE", "cache_write", COLUMN_TEXT},
    {"TIERS", "tier_count", COLUMN_TEXT},
    {"SOURCE", "source", COLUMN_TEXT},
};

static const struct column unknown_columns[] = {
    {"PROVIDER", "provider", COLUMN_TEXT},
    {"MODEL", "model", COLUMN_TEXT},
    {"ASKED FOR AS", "asked_for_as", COLUMN_TEXT},
};

static const struct column import_columns[] = {
    {"models", "models", COLUMN_TEXT},
    {"models before", "models_before", COLUMN_TEXT},
    {"of other providers", "others", COLUMN_TEXT},
    {"without a price", "without_price", COLUMN_TEXT},
    {"sha256", "sha256", COLUMN_TEXT},
};

/* Rates and the number of tiers as members of the row, for the table. */
static void flatten(cJSON *row)
{
    cJSON *rates = cJSON_GetObjectItemCaseSensitive(row, "rates"), *rate;

    cJSON_ArrayForEach(rate, rates)
    {
        (void)cJSON_AddItemReferenceToObject(row, rate->string, rate);
    }
    (void)cJSON_AddNumberToObject(
        row, "tier_count", cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "tiers")));
}

static int show_prices(struct invocation *invocation, const char *method, struct span path,
                       struct span body)
{
    struct link_answer answer;
    struct buffer out;
    cJSON *rows, *row;
    int code = link_ask(invocation, method, path, body, &answer);

    buffer_init(&out, PAGE_BYTES);
    if (code == EXIT_OK && !link_printed(invocation, &answer)) {
        rows = cJSON_GetObjectItemCaseSensitive(answer.tree, "prices");
        if (!rows)
            flatten(answer.tree);
        cJSON_ArrayForEach(row, rows)
        {
            flatten(row);
        }
        if (rows)
            table_write(rows, columns, ARRAY_LEN(columns), &out);
        else
            table_write_record(answer.tree, columns, ARRAY_LEN(columns), &out);
        print_out(buffer_span(&out));
    }
    link_answer_done(&answer);
    buffer_done(&out);
    return code;
}

/* /prices and the arguments of the command, at most MOST of them. */
static void price_path(const struct invocation *invocation, int most, struct buffer *path)
{
    buffer_init(path, BODY_BYTES);
    (void)buffer_append(path, SPAN("/prices"));
    for (int i = 0; i < invocation->argument_count && i < most; i++) {
        (void)buffer_append_byte(path, '/');
        append_segment(path, invocation->arguments[i]);
    }
}

int prices_list(struct invocation *invocation)
{
    struct buffer path;
    int code;

    price_path(invocation, 1, &path);
    code = show_prices(invocation, "GET", buffer_span(&path), SPAN_NONE);
    buffer_done(&path);
    return code;
}

int prices_get(struct invocation *invocation)
{
    struct buffer path;
    int code;

    price_path(invocation, 2, &path);
    code = show_prices(invocation, "GET", buffer_span(&path), SPAN_NONE);
    buffer_done(&path);
    return code;
}

int prices_unknown(struct invocation *invocation)
{
    return ask_and_show(invocation, "GET", SPAN("/prices/unknown"), SPAN_NONE, "unknown",
                        unknown_columns, ARRAY_LEN(unknown_columns));
}

/* ---- set --------------------------------------------------------------------------------- */

/* One sheet of RATES while it is read. */
struct group {
    struct span service, above;
    struct span names[PRICE_UNIT_COUNT], values[PRICE_UNIT_COUNT];
    unsigned count;
};

/* "input=2.5", "above=200000" or the name of a service. */
static bool read_word(struct span word, struct group *group)
{
    struct span value = span_trim(word), name;
    uint64_t nano;

    if (!span_cut(&value, '=', &name) || name.len == 0)
        return false;
    if (!value.ptr) {
        group->service = name;
        return true;
    }
    if (span_eq(name, SPAN("above"))) {
        group->above = value;
        return span_read_u64(value, &nano);
    }
    if (group->count == PRICE_UNIT_COUNT || !price_read_dollars(value, 0, &nano))
        return false;
    group->names[group->count] = name;
    group->values[group->count++] = value;
    return true;
}

static bool read_group(struct span text, struct group *ret)
{
    struct span word;

    *ret = (struct group){.service = SPAN_NONE, .above = SPAN_NONE};
    while (span_cut(&text, ',', &word)) {
        if (!read_word(word, ret))
            return false;
    }
    return true;
}

static void write_group(struct json_writer *writer, const struct group *group)
{
    json_write_key(writer, SPAN("rates"));
    json_write_object(writer);
    for (unsigned i = 0; i < group->count; i++) {
        json_write_key(writer, group->names[i]);
        json_write_raw(writer, group->values[i]);
    }
    json_write_object_end(writer);
    if (group->service.ptr)
        json_write_member_text(writer, SPAN("service"), group->service);
    if (group->above.ptr) {
        json_write_key(writer, SPAN("above_input"));
        json_write_raw(writer, group->above);
    }
}

/* The first group is for every prompt, the others are tiers. */
static bool write_rates(struct json_writer *writer, struct span text)
{
    struct group group;
    struct span part;

    if (!span_cut(&text, ';', &part) || !read_group(part, &group) || group.service.ptr ||
        group.above.ptr)
        return false;
    write_group(writer, &group);
    json_write_key(writer, SPAN("tiers"));
    json_write_array(writer);
    while (span_cut(&text, ';', &part)) {
        if (!read_group(part, &group))
            return false;
        json_write_object(writer);
        write_group(writer, &group);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
    return true;
}

int prices_set(struct invocation *invocation)
{
    struct json_writer writer;
    struct buffer path, body;
    int code;

    price_path(invocation, 2, &path);
    buffer_init(&body, BODY_BYTES);
    json_write_init(&writer, &body);
    json_write_object(&writer);
    body_option(&writer, invocation, OPTION_DATE, SPAN("from"));
    body_option(&writer, invocation, OPTION_SOURCE, SPAN("source"));
    if (write_rates(&writer, invocation->arguments[2])) {
        json_write_object_end(&writer);
        code = show_prices(invocation, "PUT", buffer_span(&path), buffer_span(&body));
    } else {
        code = tell_error(invocation, EXIT_USAGE,
                          SPAN("RATES are like input=2.5,output=15;batch,input=1.25"));
    }
    buffer_done(&body);
    buffer_done(&path);
    return code;
}

/* ---- remove, import ---------------------------------------------------------------------- */

int prices_remove(struct invocation *invocation)
{
    struct span date = invocation->options[OPTION_DATE];
    struct buffer path;
    int64_t from_ms;
    int code;

    if (date.ptr && !clock_read_date_ms(date, &from_ms))
        return tell_error(invocation, EXIT_USAGE, SPAN("--date is a date like 2026-12-01"));
    price_path(invocation, 2, &path);
    if (date.ptr)
        (void)buffer_append_format(&path, "?from_ms=%lld", (long long)from_ms);
    code = link_remove(invocation, buffer_span(&path));
    buffer_done(&path);
    return code;
}

static struct span base_name(struct span path)
{
    for (size_t i = path.len; i > 0; i--) {
        if (path.ptr[i - 1] == '/')
            return span_skip(path, i);
    }
    return path;
}

static int send_list(struct invocation *invocation, struct span text)
{
    struct span sha256 = invocation->options[OPTION_SHA256];
    struct buffer path;
    int code;

    buffer_init(&path, BODY_BYTES);
    (void)buffer_append(&path, SPAN("/prices/import?name="));
    append_segment(&path, base_name(invocation->arguments[0]));
    if (sha256.ptr) {
        (void)buffer_append(&path, SPAN("&sha256="));
        append_segment(&path, sha256);
    }
    code = ask_and_show(invocation, "POST", buffer_span(&path), text, NULL, import_columns,
                        ARRAY_LEN(import_columns));
    buffer_done(&path);
    return code;
}

int prices_import(struct invocation *invocation)
{
    struct buffer name, text;
    char error[512];
    int result, code;

    buffer_init(&name, BODY_BYTES);
    buffer_init(&text, LIST_BYTES);
    (void)buffer_append(&name, invocation->arguments[0]);
    (void)buffer_append_byte(&name, '\0');
    result = file_read(name.ptr, &text);
    if (result < 0) {
        (void)snprintf(error, sizeof(error), "cannot read %.300s: %s", name.ptr,
                       log_error_text(result));
        code = tell_error(invocation, EXIT_FAILED, span_of_text(error));
    } else {
        code = send_list(invocation, buffer_span(&text));
    }
    buffer_done(&text);
    buffer_done(&name);
    return code;
}
