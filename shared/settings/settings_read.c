#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/file.h"
#include "shared/base/memory.h"
#include "shared/settings/settings_inside.h"

static void read_group(struct reader *reader, enum setting_group group, const struct node *node,
                       void *record);

static void *member_of(void *record, const struct setting_row *row)
{
    return (char *)record + row->at;
}

/* ---- groups ---------------------------------------------------------------------------------
 */

static void preset_group(enum setting_group group, void *record)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];

        if (row->group != group || row->type == SETTING_LIST)
            continue;
        if (row->type == SETTING_SECTION)
            preset_group(setting_below(row), member_of(record, row));
        else if (row->preset && !setting_required(row) && row->preset[0] != '\0' &&
                 !strchr(row->preset, '{'))
            preset_value(row, member_of(record, row));
    }
}

/* An item that is a text stands for its first setting: `listen: 127.0.0.1:8080`. */
static bool has_short_items(enum setting_group group)
{
    return group == GROUP_listener || group == GROUP_api_key;
}

static void read_short_item(struct reader *reader, enum setting_group group,
                            const struct node *node, void *record)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        if (setting_rows[i].group != group)
            continue;
        (void)read_value(reader, &setting_rows[i], node, member_of(record, &setting_rows[i]));
        return;
    }
}

static void read_item(struct reader *reader, enum setting_group group, const struct node *node,
                      void *record)
{
    uint32_t line = node->line;

    memcpy(record, &line, sizeof(line));
    preset_group(group, record);
    if (node->kind == NODE_MAPPING)
        read_group(reader, group, node, record);
    else if (node->kind == NODE_TEXT && !node->null && has_short_items(group))
        read_short_item(reader, group, node, record);
    else
        complain_at(reader, node, "must be a mapping, {name: value, ...}");
}

static void read_list(struct reader *reader, const struct setting_row *row,
                      const struct node *node, struct settings_list *ret)
{
    enum setting_group group = setting_below(row);
    size_t size = setting_groups[group].size_bytes;
    bool alone = node->kind == NODE_TEXT && !node->null && group == GROUP_listener;
    uint32_t count = alone ? 1 : node->last ? node->last->index + 1 : 0;
    const struct node *item = alone ? node : node->first;

    if (!alone && node->kind != NODE_LIST) {
        complain_at(reader, node, "must be a list");
        return;
    }
    if (count < row->low || count > row->high) {
        complain_at(reader, node, "has %u items; it must have %u to %u", count,
                    (unsigned)row->low, (unsigned)row->high);
        return;
    }
    ret->rows = arena_take_array(reader->arena, count > 0 ? count : 1, size);
    ret->count = count;
    for (uint32_t i = 0; i < count; i++, item = item->next)
        read_item(reader, group, item, (char *)ret->rows + size * i);
}

static void read_setting(struct reader *reader, const struct setting_row *row,
                         const struct node *node, void *record)
{
    void *member = member_of(record, row);

    if (row->type == SETTING_LIST)
        read_list(reader, row, node, member);
    else if (row->type == SETTING_NAMES)
        (void)read_names(reader, row, node, member);
    else if (row->type == SETTING_HEADERS)
        (void)read_headers(reader, row, node, member);
    else if (row->type != SETTING_SECTION)
        (void)read_value(reader, row, node, member);
    else if (node->kind == NODE_MAPPING || node->null) /* all of it commented out */
        read_group(reader, setting_below(row), node, member);
    else
        complain_at(reader, node, "must be a mapping, {name: value, ...}");
}

static const struct setting_row *row_named(enum setting_group group, struct span name)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        if (setting_rows[i].group == group && span_eq(span_of_text(setting_rows[i].name), name))
            return &setting_rows[i];
    }
    return NULL;
}

static void check_required(struct reader *reader, enum setting_group group,
                           const struct node *node)
{
    for (unsigned i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        const struct node *child = node->first;
        bool needed = setting_required(row) || (row->type == SETTING_LIST && row->low > 0);

        if (row->group != group || !needed || group == GROUP_top)
            continue;
        while (child && !span_eq(child->key, span_of_text(row->name)))
            child = child->next;
        if (!child)
            complain_at(reader, node, "`%s` is missing", row->name);
    }
}

static void read_group(struct reader *reader, enum setting_group group, const struct node *node,
                       void *record)
{
    uint32_t line = node->line;

    memcpy(record, &line, sizeof(line));
    for (const struct node *child = node->first; child; child = child->next) {
        const struct setting_row *row = row_named(group, child->key);

        if (!row)
            complain_unknown(reader, group, child);
        else
            read_setting(reader, row, child, record);
    }
    check_required(reader, group, node);
}

/* ---- the whole file -------------------------------------------------------------------------
 */

/* "{state_dir}/aigw.db" */
static struct span in_state_dir(struct settings *settings, const char *before,
                                const char *after)
{
    struct buffer text;
    struct span copy;

    buffer_init(&text, SETTINGS_TEXT_MAX);
    (void)buffer_append_format(&text, "%s%.*s%s", before, SPAN_ARG(settings->state_dir), after);
    copy = arena_copy(&settings->arena, buffer_span(&text));
    buffer_done(&text);
    return copy;
}

/* What follows from other settings. */
static void preset_rest(struct settings *settings)
{
    if (!settings->store.shown.ptr) {
        settings->store.shown = in_state_dir(settings, "sqlite:", "/aigw.db");
        settings->store.value = secret_of(settings->store.shown);
    }
    if (!settings->admin.socket.ptr)
        settings->admin.socket = in_state_dir(settings, "", "/admin.sock");
    if (!settings->listeners.rows) {
        struct settings_listener *listener =
            ARENA_NEW(&settings->arena, struct settings_listener);

        preset_group(GROUP_listener, listener);
        listener->address = SPAN("127.0.0.1:8080");
        settings->listeners = (struct settings_list){listener, 1};
    }
}

struct settings *settings_parse(struct span text, const char *file, struct buffer *reterr)
{
    struct settings *settings = MEMORY_NEW(struct settings);
    struct reader *reader;
    struct node *root;

    arena_init(&settings->arena, 16384);
    reader = ARENA_NEW(&settings->arena, struct reader);
    reader->settings = settings;
    reader->arena = &settings->arena;
    preset_group(GROUP_top, settings);
    root = yaml_tree(reader, text);
    if (root && root->kind != NODE_MAPPING) {
        complain(reader, root->line, "the file must be a mapping of settings, name: value");
    } else if (root) {
        read_group(reader, GROUP_top, root, settings);
        preset_rest(settings);
        check_references(reader);
    }
    if (reader->complaint_count == 0)
        return settings;
    tell_complaints(reader, file, reterr);
    settings_free(settings);
    return NULL;
}

struct settings *settings_read(const char *file, struct buffer *reterr)
{
    struct settings *settings = NULL;
    struct buffer text;
    int error;

    buffer_init(&text, SETTINGS_FILE_MAX);
    error = file_read(file, &text);
    if (error == -EFBIG)
        (void)buffer_append_format(reterr, "%s:1: the file has more than %u bytes\n", file,
                                   SETTINGS_FILE_MAX);
    else if (error < 0)
        (void)buffer_append_format(reterr, "%s: cannot be read: %s\n", file, strerror(-error));
    else
        settings = settings_parse(buffer_span(&text), file, reterr);
    if (text.ptr)
        memory_wipe(text.ptr, text.len);
    buffer_done(&text);
    return settings;
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    arena_done(&settings->arena);
    memory_free(settings);
}
