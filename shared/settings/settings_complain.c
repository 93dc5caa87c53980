#include <stdarg.h>
#include <stdio.h>

#include "shared/settings/settings_inside.h"

/* ---- the list of errors ---------------------------------------------------------------------
 */

static void add_complaint(struct reader *reader, uint32_t line, struct span text)
{
    uint32_t count = reader->complaint_count++;
    struct span copy;

    if (count >= SETTINGS_ERRORS_MAX)
        return;
    copy = arena_copy(reader->arena, text);
    reader->complaints[count] = (struct complaint){line, copy};
}

/* One line, whatever the file had in it. */
static void make_line(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = '?';
    }
}

void complain(struct reader *reader, uint32_t line, const char *format, ...)
{
    char text[400];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    make_line(text);
    add_complaint(reader, line, span_of_text(text));
}

void node_path(const struct node *node, struct buffer *out)
{
    if (!node->parent)
        return;
    node_path(node->parent, out);
    if (node->key.ptr) {
        if (out->len > 0)
            (void)buffer_append_byte(out, '.');
        (void)buffer_append(out, node->key);
    } else if (node->parent->kind == NODE_LIST) {
        (void)buffer_append_format(out, "[%u]", node->index);
    }
}

void complain_at(struct reader *reader, const struct node *node, const char *format, ...)
{
    struct buffer path;
    char text[400];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buffer_init(&path, 4096);
    node_path(node, &path);
    complain(reader, node->line, "%.*s%s%s", SPAN_ARG(buffer_span(&path)),
             path.len > 0 ? ": " : "", text);
    buffer_done(&path);
}

/* In the order of the file; equal lines keep their order. */
static void sort_complaints(struct reader *reader, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct complaint moved = reader->complaints[i];
        uint32_t at = i;

        for (; at > 0 && reader->complaints[at - 1].line > moved.line; at--)
            reader->complaints[at] = reader->complaints[at - 1];
        reader->complaints[at] = moved;
    }
}

void tell_complaints(struct reader *reader, const char *file, struct buffer *out)
{
    uint32_t count = reader->complaint_count;

    if (count > SETTINGS_ERRORS_MAX)
        count = SETTINGS_ERRORS_MAX;
    sort_complaints(reader, count);
    for (uint32_t i = 0; i < count; i++)
        (void)buffer_append_format(out, "%s:%u: %.*s\n", file, reader->complaints[i].line,
                                   SPAN_ARG(reader->complaints[i].text));
    if (reader->complaint_count > count)
        (void)buffer_append_format(out, "%s: and %u more errors\n", file,
                                   reader->complaint_count - count);
}

/* ---- names that nobody knows ----------------------------------------------------------------
 */

/* Insertions, deletions, changes and swaps between A and B; names are short. */
static unsigned distance(struct span a, struct span b)
{
    unsigned rows[3][40] = {{0}};

    if (a.len >= 39 || b.len >= 39)
        return 99;
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *higher = rows[(i + 1) % 3];

        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned least = above[j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);

            least = above[j] + 1 < least ? above[j] + 1 : least;
            least = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                a.ptr[i - 2] == b.ptr[j - 1] && higher[j - 2] + 1 < least)
                least = higher[j - 2] + 1;
            row[j] = least;
        }
    }
    return rows[a.len % 3][b.len];
}

void complain_unknown(struct reader *reader, enum setting_group group, const struct node *node)
{
    const char *nearest = NULL;
    unsigned least = 3;
    struct buffer known;

    buffer_init(&known, 4096);
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        unsigned far;

        if (row->group != group)
            continue;
        (void)buffer_append_format(&known, "%s%s", known.len > 0 ? ", " : "", row->name);
        far = distance(node->key, span_of_text(row->name));
        if (far < least && far < node->key.len) {
            least = far;
            nearest = row->name;
        }
    }
    if (nearest)
        complain_at(reader, node, "no such setting; is `%s` meant?", nearest);
    else
        complain_at(reader, node, "no such setting; there are %.*s",
                    SPAN_ARG(buffer_span(&known)));
    buffer_done(&known);
}
