#include <yaml.h>

#include "shared/base/encode.h"
#include "shared/settings/settings_inside.h"

/* One level of the tree under construction. */
struct level {
    struct node *node;
    struct span key;
    uint32_t key_line;
    bool has_key;
};

struct growing {
    struct reader *reader;
    struct node *root;
    struct level levels[SETTINGS_DEPTH_MAX];
    unsigned depth;
    bool done, failed;
};

static uint32_t line_of(yaml_mark_t mark)
{
    return mark.line < UINT32_MAX - 1 ? (uint32_t)mark.line + 1 : UINT32_MAX;
}

static bool reads_as_null(const yaml_event_t *event)
{
    struct span text =
        span_of((const char *)event->data.scalar.value, event->data.scalar.length);

    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text.len == 0 || span_eq(text, SPAN("~")) || span_eq_nocase(text, SPAN("null")));
}

static bool has_member(const struct node *mapping, struct span key)
{
    for (const struct node *child = mapping->first; child; child = child->next) {
        if (span_eq(child->key, key))
            return true;
    }
    return false;
}

static void append_child(struct level *level, struct node *child)
{
    struct node *parent = level->node;

    child->parent = parent;
    child->index = parent->last ? parent->last->index + 1 : 0;
    if (parent->kind == NODE_MAPPING) {
        child->key = level->key;
        child->key_line = level->key_line;
        if (child->null)
            child->line = level->key_line;
        level->has_key = false;
    }
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

/* A text in the place of a key. */
static void take_key(struct growing *g, struct level *level, struct span text, uint32_t line)
{
    if (has_member(level->node, text)) {
        struct node twice = {
            .kind = NODE_TEXT, .key = text, .parent = level->node, .line = line};

        complain_at(g->reader, &twice, "stands here twice");
    }
    level->key = arena_copy(g->reader->arena, text);
    level->key_line = line;
    level->has_key = true;
}

static struct node *new_node(struct growing *g, const yaml_event_t *event, enum node_kind kind)
{
    struct node *node = ARENA_NEW(g->reader->arena, struct node);

    node->kind = kind;
    node->line = line_of(event->start_mark);
    if (g->depth > 0)
        append_child(&g->levels[g->depth - 1], node);
    else
        g->root = node;
    return node;
}

static void take_scalar(struct growing *g, const yaml_event_t *event)
{
    struct span text =
        span_of((const char *)event->data.scalar.value, event->data.scalar.length);
    struct level *level = g->depth > 0 ? &g->levels[g->depth - 1] : NULL;
    struct node *node;

    if (level && level->node->kind == NODE_MAPPING && !level->has_key) {
        if (level->node->last && level->node->last->index + 1 >= SETTINGS_NAMES_MAX) {
            complain(g->reader, line_of(event->start_mark), "more than %u names in one mapping",
                     SETTINGS_NAMES_MAX);
            g->failed = true;
            return;
        }
        take_key(g, level, text, line_of(event->start_mark));
        return;
    }
    node = ARENA_NEW(g->reader->arena, struct node);
    *node = (struct node){.kind = NODE_TEXT,
                          .line = line_of(event->start_mark),
                          .null = reads_as_null(event),
                          .text = arena_copy(g->reader->arena, text)};
    if (level)
        append_child(level, node);
    else
        g->root = node;
}

static void open_level(struct growing *g, const yaml_event_t *event, enum node_kind kind)
{
    struct level *level = g->depth > 0 ? &g->levels[g->depth - 1] : NULL;
    uint32_t line = line_of(event->start_mark);

    if (level && level->node->kind == NODE_MAPPING && !level->has_key) {
        complain(g->reader, line, "a name must be a text");
        g->failed = true;
        return;
    }
    if (g->depth == SETTINGS_DEPTH_MAX) {
        complain(g->reader, line, "more than %u levels", SETTINGS_DEPTH_MAX);
        g->failed = true;
        return;
    }
    g->levels[g->depth] = (struct level){.node = new_node(g, event, kind)};
    g->depth++;
}

static bool has_anchor_or_tag(const yaml_event_t *event)
{
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.anchor || event->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor || event->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor || event->data.mapping_start.tag;
    case YAML_ALIAS_EVENT: return true;
    default: return false;
    }
}

static void refuse(struct growing *g, const yaml_event_t *event, const char *why)
{
    complain(g->reader, line_of(event->start_mark), "%s", why);
    g->failed = true;
}

static void take_event(struct growing *g, const yaml_event_t *event)
{
    if (has_anchor_or_tag(event)) {
        refuse(g, event, "anchors, aliases and tags are not used here");
        return;
    }
    if (++g->reader->node_count > SETTINGS_NODES_MAX) {
        refuse(g, event, "too many settings");
        return;
    }
    switch ((int)event->type) {
    case YAML_SCALAR_EVENT: take_scalar(g, event); break;
    case YAML_SEQUENCE_START_EVENT: open_level(g, event, NODE_LIST); break;
    case YAML_MAPPING_START_EVENT: open_level(g, event, NODE_MAPPING); break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: g->depth--; break;
    case YAML_DOCUMENT_START_EVENT:
        if (g->root)
            refuse(g, event, "a second document; one file has one");
        break;
    case YAML_STREAM_END_EVENT: g->done = true; break;
    default: break;
    }
}

/* What libyaml would misread: NUL is its end of file. */
static bool bytes_are_text(struct reader *reader, struct span text)
{
    uint32_t line = 1;

    for (size_t at = 0; at < text.len;) {
        unsigned count = utf8_length(span_skip(text, at));

        if (count == 0 || text.ptr[at] == '\0') {
            complain(reader, line, "not a text file in UTF-8");
            return false;
        }
        line += text.ptr[at] == '\n';
        at += count;
    }
    return true;
}

static void parse_all(struct growing *g, yaml_parser_t *parser)
{
    while (!g->done && !g->failed) {
        yaml_event_t event;

        if (!yaml_parser_parse(parser, &event)) {
            complain(g->reader, line_of(parser->problem_mark), "not YAML: %s",
                     parser->problem ? parser->problem : "it cannot be read");
            g->failed = true;
            return;
        }
        take_event(g, &event);
        yaml_event_delete(&event);
    }
}

struct node *yaml_tree(struct reader *reader, struct span text)
{
    struct growing g = {.reader = reader};
    yaml_parser_t parser;

    if (!bytes_are_text(reader, text))
        return NULL;
    if (!yaml_parser_initialize(&parser)) {
        complain(reader, 1, "no memory to read it");
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    parse_all(&g, &parser);
    yaml_parser_delete(&parser);
    if (g.failed)
        return NULL;
    if (!g.root || (g.root->kind == NODE_TEXT && g.root->null)) {
        complain(reader, 1, "there is no setting in it");
        return NULL;
    }
    return g.root;
}
