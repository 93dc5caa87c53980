#include "cli/table.h"

#include "shared/base/check.h"
#include "shared/base/clock.h"

#define CELL_BYTES  512
#define COLUMNS_MAX 32

static size_t shown_width(struct span text)
{
    size_t width = 0;

    for (size_t i = 0; i < text.len; i++)
        width += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return width;
}

static void write_time(int64_t wall_ms, struct buffer *out)
{
    char text[CLOCK_TEXT_SIZE];

    clock_write_rfc3339(wall_ms, text);
    (void)buffer_append(out, span_of(text, 19));
    (void)buffer_append_byte(out, 'Z');
}

static void write_duration(double ms, struct buffer *out)
{
    if (ms < 1000)
        (void)buffer_append_format(out, "%.4gms", ms);
    else if (ms < 120000)
        (void)buffer_append_format(out, "%.1fs", ms / 1000);
    else if (ms < 7200000)
        (void)buffer_append_format(out, "%.0fm", ms / 60000);
    else
        (void)buffer_append_format(out, "%.1fh", ms / 3600000);
}

static void write_list(const cJSON *list, struct buffer *out)
{
    const cJSON *item;
    bool first = true;

    cJSON_ArrayForEach(item, list)
    {
        if (!first)
            (void)buffer_append_byte(out, ',');
        first = false;
        table_write_value(item, COLUMN_TEXT, out);
    }
    if (first)
        (void)buffer_append_byte(out, '-');
}

static void write_pairs(const cJSON *list, const char *left, char between, const char *right,
                        struct buffer *out)
{
    const cJSON *item;
    bool first = true;

    cJSON_ArrayForEach(item, list)
    {
        if (!first)
            (void)buffer_append_byte(out, ',');
        first = false;
        (void)buffer_append(out, json_tree_text(item, left));
        (void)buffer_append_byte(out, between);
        (void)buffer_append(out, json_tree_text(item, right));
    }
    if (first)
        (void)buffer_append_byte(out, '-');
}

static void write_money(double nano, struct buffer *out)
{
    uint64_t whole = (uint64_t)nano / 1000000000, rest = (uint64_t)nano % 1000000000;
    size_t len;

    (void)buffer_append_format(out, "$%llu.%09llu", (unsigned long long)whole,
                               (unsigned long long)rest);
    for (len = out->len;
         out->ptr && len > 3 && out->ptr[len - 1] == '0' && out->ptr[len - 3] != '.'; len--)
        ;
    out->len = len;
}

static void write_day(int64_t wall_ms, struct buffer *out)
{
    char text[CLOCK_TEXT_SIZE];

    clock_write_rfc3339(wall_ms, text);
    (void)buffer_append(out, span_of(text, wall_ms % 86400000 ? 16 : 10));
}

/* Control bytes of names would move a terminal's cursor. */
static void write_plain(const cJSON *value, struct buffer *out)
{
    if (cJSON_IsString(value)) {
        for (const char *at = value->valuestring; *at; at++)
            (void)buffer_append_byte(out, (unsigned char)*at < 0x20 || *at == 0x7f ? ' ' : *at);
        if (!value->valuestring[0])
            (void)buffer_append_byte(out, '-');
    } else if (cJSON_IsNumber(value)) {
        (void)buffer_append_format(out, "%.15g", value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        (void)buffer_append(out, cJSON_IsTrue(value) ? SPAN("yes") : SPAN("no"));
    } else {
        (void)buffer_append_byte(out, '-');
    }
}

void table_write_value(const cJSON *value, enum column_kind kind, struct buffer *out)
{
    if (!value || cJSON_IsNull(value)) {
        (void)buffer_append(out, kind == COLUMN_ALL_LIST ? SPAN("all") : SPAN("-"));
        return;
    }
    switch (kind) {
    case COLUMN_TEXT: write_plain(value, out); break;
    case COLUMN_TRUTH:
        (void)buffer_append(out, cJSON_IsTrue(value) || value->valuedouble != 0 ? SPAN("yes")
                                                                                : SPAN("no"));
        break;
    case COLUMN_ID: write_plain(value->valuedouble != 0 ? value : NULL, out); break;
    case COLUMN_TIME: write_time((int64_t)value->valuedouble, out); break;
    case COLUMN_DURATION: write_duration(value->valuedouble, out); break;
    case COLUMN_MICROSECONDS: write_duration(value->valuedouble / 1000, out); break;
    case COLUMN_LIST:
    case COLUMN_ALL_LIST: write_list(value, out); break;
    case COLUMN_TARGETS: write_pairs(value, "provider", '/', "model", out); break;
    case COLUMN_STATES: write_pairs(value, "name", ':', "state", out); break;
    case COLUMN_MONEY: write_money(value->valuedouble, out); break;
    case COLUMN_DAY: write_day((int64_t)value->valuedouble, out); break;
    }
}

static struct span cell_text(const cJSON *object, const struct column *column,
                             struct buffer *scratch)
{
    buffer_clear(scratch);
    table_write_value(cJSON_GetObjectItemCaseSensitive(object, column->member), column->kind,
                      scratch);
    return buffer_span(scratch);
}

static void write_cell(struct span text, size_t width, bool last, struct buffer *out)
{
    (void)buffer_append(out, text);
    for (size_t at = shown_width(text); !last && at < width + 2; at++)
        (void)buffer_append_byte(out, ' ');
    if (last)
        (void)buffer_append_byte(out, '\n');
}

void table_write(const cJSON *array, const struct column *columns, unsigned count,
                 struct buffer *out)
{
    size_t widths[COLUMNS_MAX];
    struct buffer scratch;
    const cJSON *row;

    CHECK(count <= COLUMNS_MAX);
    buffer_init(&scratch, CELL_BYTES);
    for (unsigned i = 0; i < count; i++)
        widths[i] = strlen(columns[i].title);
    cJSON_ArrayForEach(row, array)
    {
        for (unsigned i = 0; i < count; i++) {
            size_t width = shown_width(cell_text(row, &columns[i], &scratch));

            if (width > widths[i])
                widths[i] = width;
        }
    }
    for (unsigned i = 0; i < count; i++)
        write_cell(span_of_text(columns[i].title), widths[i], i + 1 == count, out);
    cJSON_ArrayForEach(row, array)
    {
        for (unsigned i = 0; i < count; i++)
            write_cell(cell_text(row, &columns[i], &scratch), widths[i], i + 1 == count, out);
    }
    buffer_done(&scratch);
}

void table_write_record(const cJSON *object, const struct column *columns, unsigned count,
                        struct buffer *out)
{
    size_t width = 0;
    struct buffer scratch;

    buffer_init(&scratch, CELL_BYTES);
    for (unsigned i = 0; i < count; i++) {
        if (strlen(columns[i].title) > width)
            width = strlen(columns[i].title);
    }
    for (unsigned i = 0; i < count; i++) {
        write_cell(span_of_text(columns[i].title), width, false, out);
        write_cell(cell_text(object, &columns[i], &scratch), 0, true, out);
    }
    buffer_done(&scratch);
}
