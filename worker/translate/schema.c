#include "worker/translate/schema.h"

#include "shared/base/check.h"

#include "worker/translate/dialect.h"

#define DEPTH_LIMIT 20   /* of schemas in schemas; three levels of the writer each */
#define NODE_LIMIT  4000 /* schemas looked at, references included */
#define REF_LIMIT   64   /* references in references */
#define PART_LIMIT  16   /* schemas that allOf and references make one */
#define TYPE_LIMIT  8    /* types in one list */
#define SIZE_LIMIT  ((size_t)1 << 20)

/* The members that mean something here; those of the second list go on as they are. */
#define READ_KEYS(KEY)               \
    KEY(ref, "$ref")                 \
    KEY(all_of, "allOf")             \
    KEY(any_of, "anyOf")             \
    KEY(one_of, "oneOf")             \
    KEY(type, "type")                \
    KEY(nullable, "nullable")        \
    KEY(enumeration, "enum")         \
    KEY(constant, "const")           \
    KEY(format, "format")            \
    KEY(items, "items")              \
    KEY(prefix_items, "prefixItems") \
    KEY(properties, "properties")    \
    KEY(required, "required")

#define KEPT_KEYS(KEY)                         \
    KEY(title, "title")                        \
    KEY(description, "description")            \
    KEY(minimum, "minimum")                    \
    KEY(maximum, "maximum")                    \
    KEY(min_length, "minLength")               \
    KEY(max_length, "maxLength")               \
    KEY(pattern, "pattern")                    \
    KEY(min_items, "minItems")                 \
    KEY(max_items, "maxItems")                 \
    KEY(min_properties, "minProperties")       \
    KEY(max_properties, "maxProperties")       \
    KEY(property_ordering, "propertyOrdering") \
    KEY(example, "example")

enum key {
#define KEY(name, spelling) KEY_##name,
    READ_KEYS(KEY)
    KEPT_KEYS(KEY)
#undef KEY
        KEY_COUNT,
    KEY_first_kept = KEY_title
};

static const struct span spellings[KEY_COUNT] = {
#define KEY(name, spelling) [KEY_##name] = WORD(spelling),
    READ_KEYS(KEY) KEPT_KEYS(KEY)
#undef KEY
};

/* One schema with all that its allOf and references add; of two words the first counts. */
struct node {
    struct json_value members[KEY_COUNT];
    struct json_value properties[PART_LIMIT], required[PART_LIMIT];
    unsigned property_parts, required_parts;
    struct span types[TYPE_LIMIT]; /* without null */
    unsigned type_count;
    bool nullable;
    bool cut; /* contains itself */
};

struct sanitiser {
    struct json_writer json;
    struct json_value root;
    struct arena *arena;
    const char *refs[REF_LIMIT]; /* the schemas that the one at hand is in, by reference */
    unsigned ref_count, node_count;
    bool too_large;
};

typedef void write_node_f(struct sanitiser *s, struct json_value schema, unsigned depth);
static write_node_f write_schema;

/* ---- references ------------------------------------------------------------------------ */

/* One step of a JSON pointer (RFC 6901), its escapes undone. */
static struct span unescape_step(struct span step, struct arena *arena)
{
    char *to;
    size_t len = 0;

    if (step.len == 0 || !memchr(step.ptr, '~', step.len))
        return step;
    to = arena_take_text(arena, step.len);
    for (size_t i = 0; i < step.len; i++) {
        bool escape = step.ptr[i] == '~' && i + 1 < step.len;

        to[len++] = !escape ? step.ptr[i] : step.ptr[++i] == '1' ? '/' : '~';
    }
    return span_of(to, len);
}

/* What "#/$defs/x" points to; JSON_ABSENT when it is elsewhere or nowhere. */
static struct json_value resolve(struct sanitiser *s, struct json_value ref)
{
    struct json_value at = s->root, nowhere = {.kind = JSON_ABSENT};
    struct span rest = json_text(ref, s->arena), step;

    if (!span_cut(&rest, '#', &step) || step.len > 0 || !rest.ptr)
        return nowhere;
    if (rest.len == 0)
        return at;
    (void)span_cut(&rest, '/', &step);
    while (span_cut(&rest, '/', &step)) {
        if (at.kind != JSON_OBJECT)
            return nowhere;
        at = json_member(at, unescape_step(step, s->arena));
    }
    return at;
}

static bool is_inside(const struct sanitiser *s, struct json_value schema)
{
    for (unsigned i = 0; i < s->ref_count; i++)
        if (s->refs[i] == schema.raw.ptr)
            return true;
    return false;
}

/* ---- one schema out of its parts ------------------------------------------------------- */

static void merge(struct sanitiser *s, struct node *node, struct json_value schema);

static void merge_ref(struct sanitiser *s, struct node *node, struct json_value ref)
{
    struct json_value schema = resolve(s, ref);

    if (schema.kind == JSON_ABSENT)
        return;
    if (is_inside(s, schema) || s->ref_count == REF_LIMIT) {
        node->cut = true;
        return;
    }
    s->refs[s->ref_count++] = schema.raw.ptr;
    merge(s, node, schema);
}

static void merge_all(struct sanitiser *s, struct node *node, struct json_value list)
{
    struct json_walk walk;
    struct json_value schema;
    struct span key;

    if (list.kind != JSON_ARRAY)
        return;
    walk = json_walk(list);
    while (json_next(&walk, &key, &schema))
        merge(s, node, schema);
}

static void merge_member(struct node *node, enum key at, struct json_value value)
{
    if (at == KEY_properties && value.kind == JSON_OBJECT && node->property_parts < PART_LIMIT)
        node->properties[node->property_parts++] = value;
    if (at == KEY_required && value.kind == JSON_ARRAY && node->required_parts < PART_LIMIT)
        node->required[node->required_parts++] = value;
    if (node->members[at].kind == JSON_ABSENT)
        node->members[at] = value;
}

static enum key find_key(struct span key)
{
    unsigned i;

    for (i = 0; i < KEY_COUNT; i++)
        if (span_eq(spellings[i], key))
            break;
    return (enum key)i;
}

static void merge(struct sanitiser *s, struct node *node, struct json_value schema)
{
    struct json_value ref = {.kind = JSON_ABSENT}, all_of = ref, value;
    struct json_walk walk;
    struct span key;

    if (++s->node_count > NODE_LIMIT)
        s->too_large = true;
    if (schema.kind != JSON_OBJECT || s->too_large)
        return;
    walk = json_walk(schema);
    while (json_next(&walk, &key, &value)) {
        enum key at = find_key(key);

        if (at == KEY_ref)
            ref = value;
        else if (at == KEY_all_of)
            all_of = value;
        else if (at != KEY_COUNT)
            merge_member(node, at, value);
    }
    if (ref.kind == JSON_STRING)
        merge_ref(s, node, ref);
    merge_all(s, node, all_of);
}

/* ---- unions ---------------------------------------------------------------------------- */

static bool is_null_type(struct json_value type)
{
    return type.kind == JSON_STRING && json_text_eq(type, SPAN("null"));
}

/* {"type":"null"}, {"const":null} or {"enum":[null]}. */
static bool is_null_schema(struct json_value schema)
{
    struct json_value constant;

    if (schema.kind != JSON_OBJECT)
        return false;
    constant = json_member(schema, SPAN("const"));
    return is_null_type(json_member(schema, SPAN("type"))) || constant.kind == JSON_NULL ||
           span_eq(json_member(schema, SPAN("enum")).raw, SPAN("[null]"));
}

/* The branches that are not null; the last of them in *RET_ONE. */
static unsigned count_branches(struct node *node, struct json_value list,
                               struct json_value *ret_one)
{
    struct json_walk walk = json_walk(list);
    struct json_value schema;
    struct span key;
    unsigned count = 0;

    while (json_next(&walk, &key, &schema)) {
        if (is_null_schema(schema)) {
            node->nullable = true;
            continue;
        }
        *ret_one = schema;
        count++;
    }
    return count;
}

/* Takes a union of one into the node. The union of several, or JSON_ABSENT. */
static struct json_value settle_union(struct sanitiser *s, struct node *node)
{
    struct json_value nothing = {.kind = JSON_ABSENT}, one = nothing, list;
    enum key at = node->members[KEY_any_of].kind == JSON_ARRAY ? KEY_any_of : KEY_one_of;

    list = node->members[at];
    if (list.kind != JSON_ARRAY)
        return nothing;
    node->members[KEY_any_of] = node->members[KEY_one_of] = nothing;
    if (count_branches(node, list, &one) > 1)
        return node->property_parts > 0 || node->members[KEY_items].kind == JSON_OBJECT
                   ? nothing
                   : list;
    if (one.kind != JSON_ABSENT)
        merge(s, node, one);
    return settle_union(s, node);
}

static void add_type(struct node *node, struct span type)
{
    if (node->type_count < TYPE_LIMIT)
        node->types[node->type_count++] = type;
}

/* The first value of an enum tells the type of a schema that has none. */
static struct span type_of_value(struct json_value value)
{
    switch (value.kind) {
    case JSON_TRUE:
    case JSON_FALSE: return SPAN("boolean");
    case JSON_NUMBER: {
        uint64_t number;
        struct json_value digits = value;

        if (span_starts(digits.raw, SPAN("-")))
            digits.raw = span_skip(digits.raw, 1);
        return json_u64(digits, &number) ? SPAN("integer") : SPAN("number");
    }
    case JSON_OBJECT: return SPAN("object");
    case JSON_ARRAY: return SPAN("array");
    case JSON_ABSENT:
    case JSON_NULL:
    case JSON_STRING: break;
    }
    return SPAN("string");
}

static struct span guessed_type(const struct node *node)
{
    struct json_value list = node->members[KEY_enumeration], value;
    struct span key, type = SPAN_NONE;
    struct json_walk walk;

    if (node->members[KEY_constant].kind != JSON_ABSENT)
        return type_of_value(node->members[KEY_constant]);
    if (list.kind == JSON_ARRAY) {
        walk = json_walk(list);
        while (json_next(&walk, &key, &value))
            if (value.kind == JSON_STRING || (!type.ptr && value.kind != JSON_NULL))
                type = type_of_value(value);
        return type.ptr ? type : SPAN("string");
    }
    if (node->property_parts == 0 && (node->members[KEY_items].kind != JSON_ABSENT ||
                                      node->members[KEY_prefix_items].kind != JSON_ABSENT))
        return SPAN("array");
    return SPAN("object");
}

static void settle_types(struct sanitiser *s, struct node *node)
{
    struct json_value type = node->members[KEY_type], item;
    struct json_walk walk;
    struct span key;

    if (node->members[KEY_nullable].kind == JSON_TRUE)
        node->nullable = true;
    if (type.kind == JSON_STRING)
        add_type(node, json_text(type, s->arena));
    if (type.kind == JSON_ARRAY) {
        walk = json_walk(type);
        while (json_next(&walk, &key, &item)) {
            if (is_null_type(item))
                node->nullable = true;
            else if (item.kind == JSON_STRING)
                add_type(node, json_text(item, s->arena));
        }
    }
    if (node->type_count == 0)
        add_type(node, guessed_type(node));
}

/* ---- writing --------------------------------------------------------------------------- */

static void write_type(struct sanitiser *s, const char *type)
{
    json_write_object(&s->json);
    json_write_member_text(&s->json, SPAN("type"), span_of_text(type));
    json_write_object_end(&s->json);
}

/* Strings as they are, numbers in quotes; nothing, "" and null are none of the choices. */
static void write_choice(struct sanitiser *s, struct json_value value)
{
    if (value.kind == JSON_STRING && value.raw.len > 2)
        json_write_raw(&s->json, value.raw);
    if (value.kind == JSON_NUMBER || value.kind == JSON_TRUE || value.kind == JSON_FALSE)
        json_write_text(&s->json, value.raw);
}

static void write_choices(struct sanitiser *s, const struct node *node)
{
    struct json_value list = node->members[KEY_enumeration], value;
    struct json_walk walk;
    struct span key;

    if (node->members[KEY_constant].kind == JSON_ABSENT && list.kind != JSON_ARRAY)
        return;
    json_write_key(&s->json, SPAN("enum"));
    json_write_array(&s->json);
    if (node->members[KEY_constant].kind != JSON_ABSENT) {
        write_choice(s, node->members[KEY_constant]);
    } else {
        walk = json_walk(list);
        while (json_next(&walk, &key, &value))
            write_choice(s, value);
    }
    json_write_array_end(&s->json);
}

static void write_format(struct sanitiser *s, struct json_value format, bool text)
{
    static const struct span of_text[] = {WORD("enum"), WORD("date-time")},
                             of_number[] = {WORD("int32"), WORD("int64"), WORD("float"),
                                            WORD("double")};
    const struct span *known = text ? of_text : of_number;
    unsigned count = text ? ARRAY_LEN(of_text) : ARRAY_LEN(of_number);

    for (unsigned i = 0; i < count; i++)
        if (format.kind == JSON_STRING && json_text_eq(format, known[i])) {
            json_write_key(&s->json, SPAN("format"));
            json_write_raw(&s->json, format.raw);
        }
}

static void write_any_of(struct sanitiser *s, struct json_value list, unsigned depth)
{
    struct json_walk walk = json_walk(list);
    struct json_value schema;
    struct span key;

    json_write_key(&s->json, SPAN("anyOf"));
    json_write_array(&s->json);
    while (json_next(&walk, &key, &schema) && !s->too_large)
        if (!is_null_schema(schema))
            write_schema(s, schema, depth + 1);
    json_write_array_end(&s->json);
}

static void write_items(struct sanitiser *s, const struct node *node, unsigned depth)
{
    struct json_value items = node->members[KEY_items], tuple = node->members[KEY_prefix_items];

    json_write_key(&s->json, SPAN("items"));
    if (items.kind == JSON_ARRAY)
        tuple = items;
    if (tuple.kind == JSON_ARRAY && tuple.raw.len > 2) {
        json_write_object(&s->json);
        write_any_of(s, tuple, depth);
        json_write_object_end(&s->json);
    } else if (items.kind == JSON_OBJECT) {
        write_schema(s, items, depth + 1);
    } else {
        write_type(s, "object");
    }
}

/* Whether one of the first COUNT parts has that property. */
static bool has_property(const struct node *node, unsigned count, struct span name)
{
    for (unsigned i = 0; i < count; i++)
        if (json_member(node->properties[i], name).kind != JSON_ABSENT)
            return true;
    return false;
}

static void write_properties(struct sanitiser *s, const struct node *node, unsigned depth)
{
    struct json_value schema;
    struct json_walk walk;
    struct span key;

    json_write_key(&s->json, SPAN("properties"));
    json_write_object(&s->json);
    for (unsigned i = 0; i < node->property_parts; i++) {
        walk = json_walk(node->properties[i]);
        while (json_next(&walk, &key, &schema) && !s->too_large) {
            struct span name = json_inside_text(key, s->arena);

            if (has_property(node, i, name))
                continue;
            json_write_key(&s->json, name);
            write_schema(s, schema, depth + 1);
        }
    }
    json_write_object_end(&s->json);
}

/* Only names of properties that there are; nothing when none is left. */
static void write_required(struct sanitiser *s, const struct node *node)
{
    struct json_value name;
    struct json_walk walk;
    struct span key;
    bool any = false;

    for (unsigned i = 0; i < node->required_parts; i++) {
        walk = json_walk(node->required[i]);
        while (json_next(&walk, &key, &name)) {
            if (name.kind != JSON_STRING ||
                !has_property(node, node->property_parts, json_text(name, s->arena)))
                continue;
            if (!any) {
                json_write_key(&s->json, SPAN("required"));
                json_write_array(&s->json);
            }
            any = true;
            json_write_raw(&s->json, name.raw);
        }
    }
    if (any)
        json_write_array_end(&s->json);
}

static bool has_properties(const struct node *node)
{
    for (unsigned i = 0; i < node->property_parts; i++) {
        struct json_walk walk = json_walk(node->properties[i]);
        struct json_value schema;
        struct span key;

        if (json_next(&walk, &key, &schema))
            return true;
    }
    return false;
}

/* The members that depend on the type, in an object that is open. */
static void write_typed(struct sanitiser *s, const struct node *node, struct span type,
                        unsigned depth)
{
    bool text = span_eq(type, SPAN("string"));

    json_write_member_text(&s->json, SPAN("type"), type);
    if (text)
        write_choices(s, node);
    if (text || span_eq(type, SPAN("number")) || span_eq(type, SPAN("integer")))
        write_format(s, node->members[KEY_format], text);
    if (span_eq(type, SPAN("array")))
        write_items(s, node, depth);
    if (span_eq(type, SPAN("object")) && has_properties(node)) {
        write_properties(s, node, depth);
        write_required(s, node);
    }
}

static void write_types(struct sanitiser *s, const struct node *node, unsigned depth)
{
    json_write_key(&s->json, SPAN("anyOf"));
    json_write_array(&s->json);
    for (unsigned i = 0; i < node->type_count; i++) {
        json_write_object(&s->json);
        write_typed(s, node, node->types[i], depth);
        json_write_object_end(&s->json);
    }
    json_write_array_end(&s->json);
}

static void write_kept(struct sanitiser *s, const struct node *node, bool any_of)
{
    unsigned end = any_of ? KEY_description + 1 : KEY_COUNT;

    for (unsigned i = KEY_first_kept; i < end; i++) {
        if (node->members[i].kind == JSON_ABSENT)
            continue;
        json_write_key(&s->json, spellings[i]);
        json_write_raw(&s->json, node->members[i].raw);
    }
}

static void write_node(struct sanitiser *s, struct node *node, unsigned depth)
{
    struct json_value any_of = settle_union(s, node);
    bool several;

    settle_types(s, node);
    several = any_of.kind == JSON_ARRAY || node->type_count > 1;
    json_write_object(&s->json);
    if (any_of.kind == JSON_ARRAY)
        write_any_of(s, any_of, depth);
    else if (node->type_count > 1)
        write_types(s, node, depth);
    else
        write_typed(s, node, node->types[0], depth);
    if (node->nullable)
        json_write_member_bool(&s->json, SPAN("nullable"), true);
    write_kept(s, node, several);
    json_write_object_end(&s->json);
}

static void write_schema(struct sanitiser *s, struct json_value schema, unsigned depth)
{
    unsigned ref_count = s->ref_count;
    struct node *node;

    if (depth > DEPTH_LIMIT)
        s->too_large = true;
    if (s->too_large || schema.kind != JSON_OBJECT) {
        write_type(s, "object");
        return;
    }
    node = ARENA_NEW(s->arena, struct node);
    merge(s, node, schema);
    if (node->cut)
        write_type(s, "object");
    else
        write_node(s, node, depth);
    s->ref_count = ref_count;
}

/* An object of which nothing is known, which some targets refuse as parameters. */
static bool says_nothing(struct span made)
{
    return span_eq(made, SPAN("{\"type\":\"object\"}"));
}

bool schema_sanitise(struct json_value schema, struct arena *arena, struct json_value *ret)
{
    struct buffer out _buffer_;
    struct arena scratch;
    struct sanitiser s = {.root = schema, .arena = &scratch};

    buffer_init(&out, SIZE_LIMIT);
    arena_init(&scratch, 0);
    json_write_init(&s.json, &out);
    if (schema.kind == JSON_OBJECT)
        s.refs[s.ref_count++] = schema.raw.ptr;
    write_schema(&s, schema, 1);
    arena_done(&scratch);
    *ret = (struct json_value){.kind = JSON_ABSENT};
    if (out.failed || s.too_large)
        return false;
    if (!says_nothing(buffer_span(&out)))
        *ret = (struct json_value){JSON_OBJECT, arena_copy(arena, buffer_span(&out))};
    return true;
}
