#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/money.h"
#include "shared/settings/settings_inside.h"

static void print_group(struct buffer *out, enum setting_group group, const void *record,
                        unsigned indent);

static void append_spaces(struct buffer *out, unsigned count)
{
    while (count-- > 0)
        (void)buffer_append_byte(out, ' ');
}

static bool is_plain(struct span text)
{
    if (text.len == 0 || span_eq_nocase(text, SPAN("null")))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!word && !(i > 0 && c == '-') && !strchr("_./", c) &&
            !(c == ':' && i > 0 && i + 1 < text.len))
            return false;
    }
    return true;
}

/* A text that YAML reads as TEXT; LITERAL: variables in it are not replaced. */
static void append_text(struct buffer *out, struct span text, bool literal)
{
    if (is_plain(text)) {
        (void)buffer_append(out, text);
        return;
    }
    (void)buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (literal && span_starts(span_skip(text, i), SPAN("${")))
            (void)buffer_append_byte(out, '$');
        if (c < ' ' || c == 127)
            (void)buffer_append_format(out, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            (void)buffer_append_format(out, "\\%c", c);
        else
            (void)buffer_append_byte(out, (char)c);
    }
    (void)buffer_append_byte(out, '"');
}

static void append_date(struct buffer *out, int64_t date_ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_write_rfc3339(date_ms, text);
    (void)buffer_append(out, span_of(text, 19)); /* no milliseconds */
    (void)buffer_append_byte(out, 'Z');
}

static void append_number(struct buffer *out, const struct setting_row *row, uint64_t number)
{
    switch ((enum setting_type)row->type) {
    case SETTING_SIZE: append_size(out, number); break;
    case SETTING_DURATION: append_duration(out, number); break;
    case SETTING_SWITCH: (void)buffer_append(out, number ? SPAN("true") : SPAN("false")); break;
    case SETTING_LEVEL: (void)buffer_append(out, span_of_text(setting_levels[number])); break;
    case SETTING_FORMAT: (void)buffer_append(out, span_of_text(setting_formats[number])); break;
    case SETTING_SIGNER: (void)buffer_append(out, span_of_text(setting_signers[number])); break;
    case SETTING_SERVICE:
        (void)buffer_append(out, span_of_text(setting_services[number]));
        break;
    case SETTING_STRATEGY:
        (void)buffer_append(out, span_of_text(setting_strategies[number]));
        break;
    case SETTING_PRIORITY:
        (void)buffer_append(out, span_of_text(setting_priorities[number]));
        break;
    case SETTING_PROBE: (void)buffer_append(out, span_of_text(setting_probes[number])); break;
    case SETTING_PRICE: money_write(out, number); break;
    case SETTING_DATE: append_date(out, (int64_t)number); break;
    case SETTING_WORKERS:
        if (number == 0)
            (void)buffer_append(out, SPAN("auto"));
        else
            (void)buffer_append_u64(out, number);
        break;
    case SETTING_ACCESS:
    case SETTING_ADDRESS:
    case SETTING_ALGORITHM:
    case SETTING_AMOUNT:
    case SETTING_COUNT:
    case SETTING_HEADERS:
    case SETTING_KIND:
    case SETTING_LIST:
    case SETTING_MODE:
    case SETTING_MODEL:
    case SETTING_MONEY:
    case SETTING_NAME:
    case SETTING_NAMES:
    case SETTING_PATH:
    case SETTING_PERIOD:
    case SETTING_PROXY:
    case SETTING_RATE:
    case SETTING_REDIS:
    case SETTING_SCOPE:
    case SETTING_SECRET:
    case SETTING_SECTION:
    case SETTING_SOFT:
    case SETTING_STORE:
    case SETTING_TEXT:
    case SETTING_URL:
    case SETTING_URL_PATH:
    case SETTING_ZONE:
    case SETTING_TYPES: (void)buffer_append_u64(out, number); break;
    }
}

static bool is_number(const struct setting_row *row)
{
    return row->type == SETTING_SIZE || row->type == SETTING_DURATION ||
           row->type == SETTING_SWITCH || row->type == SETTING_LEVEL ||
           row->type == SETTING_FORMAT || row->type == SETTING_SIGNER ||
           row->type == SETTING_WORKERS || row->type == SETTING_COUNT ||
           row->type == SETTING_PRICE || row->type == SETTING_DATE ||
           row->type == SETTING_SERVICE || row->type == SETTING_STRATEGY ||
           row->type == SETTING_PRIORITY || row->type == SETTING_PROBE;
}

/* Numbers that say "not there". */
static bool is_absent(const struct setting_row *row, uint64_t number)
{
    return (row->type == SETTING_PRICE && number == PRICE_NOT_GIVEN) ||
           (row->type == SETTING_DATE && number == 0);
}

static bool is_hidden(const struct setting_row *row)
{
    return row->type == SETTING_SECRET || row->type == SETTING_STORE ||
           row->type == SETTING_REDIS;
}

static void begin(struct buffer *out, const struct setting_row *row, unsigned indent)
{
    append_spaces(out, indent);
    (void)buffer_append_format(out, "%s:", row->name);
}

static void print_list(struct buffer *out, const struct setting_row *row,
                       const struct settings_list *list, unsigned indent)
{
    enum setting_group group = setting_below(row);

    if (list->count == 0 && row->low > 0)
        return;
    begin(out, row, indent);
    (void)buffer_append(out, list->count == 0 ? SPAN(" []\n") : SPAN("\n"));
    for (uint32_t i = 0; i < list->count; i++) {
        size_t at = out->len + indent + 2;

        print_group(out, group,
                    (const char *)list->rows + (size_t)setting_groups[group].size_bytes * i,
                    indent + 4);
        if (at < out->len)
            out->ptr[at] = '-'; /* in the spaces before the item's first setting */
    }
}

static void print_names(struct buffer *out, const struct setting_row *row,
                        const struct settings_list *list, unsigned indent)
{
    if (!list->rows)
        return;
    begin(out, row, indent);
    (void)buffer_append(out, SPAN(" ["));
    for (uint32_t i = 0; i < list->count; i++) {
        (void)buffer_append(out, i > 0 ? SPAN(", ") : SPAN(""));
        append_text(out, ((const struct span *)list->rows)[i], true);
    }
    (void)buffer_append(out, SPAN("]\n"));
}

static void print_headers(struct buffer *out, const struct setting_row *row,
                          const struct settings_list *list, unsigned indent)
{
    if (list->count == 0)
        return;
    begin(out, row, indent);
    (void)buffer_append(out, SPAN("\n"));
    for (uint32_t i = 0; i < list->count; i++) {
        const struct settings_header *header = SETTINGS_ROW(*list, i, settings_header);

        append_spaces(out, indent + 2);
        append_text(out, header->name, true);
        (void)buffer_append(out, SPAN(": "));
        append_text(out, header->value.shown, false);
        (void)buffer_append(out, SPAN("\n"));
    }
}

static void print_section(struct buffer *out, const struct setting_row *row, const void *record,
                          unsigned indent)
{
    uint32_t line;
    size_t len;

    memcpy(&line, record, sizeof(line));
    if (line == 0 && row->group != GROUP_top)
        return;
    begin(out, row, indent);
    (void)buffer_append(out, SPAN("\n"));
    len = out->len;
    print_group(out, setting_below(row), record, indent + 2);
    if (out->len == len && len > 0) {
        out->len--;
        (void)buffer_append(out, SPAN(" {}\n"));
    }
}

static void print_value(struct buffer *out, const struct setting_row *row, const void *member,
                        unsigned indent)
{
    bool hidden = is_hidden(row);
    struct span text = SPAN_NONE;

    if (hidden)
        text = ((const struct settings_secret *)member)->shown;
    else if (!is_number(row))
        text = *(const struct span *)member;
    if (row->type == SETTING_ACCESS && !text.ptr)
        text = SPAN("off");
    if (is_number(row) ? is_absent(row, *(const uint64_t *)member) : !text.ptr)
        return;
    begin(out, row, indent);
    (void)buffer_append_byte(out, ' ');
    if (is_number(row))
        append_number(out, row, *(const uint64_t *)member);
    else
        append_text(out, text, !hidden);
    (void)buffer_append_byte(out, '\n');
}

static void print_group(struct buffer *out, enum setting_group group, const void *record,
                        unsigned indent)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        const void *member = (const char *)record + row->at;

        if (row->group != group)
            continue;
        if (row->type == SETTING_LIST)
            print_list(out, row, member, indent);
        else if (row->type == SETTING_NAMES)
            print_names(out, row, member, indent);
        else if (row->type == SETTING_HEADERS)
            print_headers(out, row, member, indent);
        else if (row->type == SETTING_SECTION)
            print_section(out, row, member, indent);
        else
            print_value(out, row, member, indent);
    }
}

void settings_print(const struct settings *settings, struct buffer *out)
{
    print_group(out, GROUP_top, settings, 0);
}
