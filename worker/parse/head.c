#include "worker/parse/head.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"

#define PATH_SHOWN_BYTES 256

static const struct operation_row rows[] = {
    {.name = "none", .path = {"", 0}, .kind = OPERATION_KIND_HEALTH},
#define OPERATION(name_, method_, path_, dialect_, kind_) \
    {.name = #name_,                                      \
     .method = HTTP_METHOD_##method_,                     \
     .path = {path_, sizeof(path_) - 1},                  \
     .dialect = DIALECT_##dialect_,                       \
     .kind = OPERATION_KIND_##kind_},
#include "worker/parse/operations.def"
#undef OPERATION
};
_Static_assert(ARRAY_LEN(rows) == OPERATION_COUNT, "a row for each operation");

const struct operation_row *operation_row(enum operation operation)
{
    CHECK((unsigned)operation < OPERATION_COUNT);
    return &rows[operation];
}

static struct span without_query(struct span target)
{
    size_t at = span_find(target, SPAN("?"));

    return at == SIZE_MAX ? target : span_of(target.ptr, at);
}

/* The path of an origin-form or absolute-form target (RFC 9112 3.2), without its query. */
static struct span path_of(struct span target)
{
    struct span path = target, scheme = SPAN("://");
    size_t at;

    if (target.len > 0 && target.ptr[0] != '/') {
        at = span_find(target, scheme);
        if (at == SIZE_MAX)
            return path;
        path = without_query(span_skip(target, at + scheme.len));
        at = span_find(path, SPAN("/"));
        return at == SIZE_MAX ? SPAN("/") : span_skip(path, at);
    }
    return without_query(path);
}

/* A look at the ends, which tell most patterns apart; a star stands for a byte or more. */
static bool may_take(struct span pattern, struct span path)
{
    char last = pattern.ptr[pattern.len - 1];

    return path.len >= pattern.len && (last == path.ptr[path.len - 1] || last == '*');
}

static bool takes(const struct operation_row *row, struct span path, struct span *ret_argument)
{
    struct span pattern = row->path, before, after;
    size_t star;

    *ret_argument = SPAN_NONE;
    if (!may_take(pattern, path))
        return false;
    star = span_find(pattern, SPAN("*"));
    if (star == SIZE_MAX)
        return span_eq(pattern, path);
    before = span_of(pattern.ptr, star);
    after = span_skip(pattern, star + 1);
    if (path.len <= before.len + after.len || !span_starts(path, before) ||
        !span_ends(path, after))
        return false;
    *ret_argument = span_of(path.ptr + before.len, path.len - before.len - after.len);
    return true;
}

/* Percent-decoding (RFC 3986 2.1); a lone percent sign stays one. */
static struct span decode(struct span text, struct arena *arena)
{
    char *out = arena_take_text(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len && text.ptr[i] == '%' ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;

        if (low >= 0) {
            out[len++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[len++] = text.ptr[i];
        }
    }
    return span_of(out, len);
}

static bool takes_method(const struct operation_row *row, enum http_method method)
{
    return method == row->method || method == HTTP_METHOD_OPTIONS ||
           (method == HTTP_METHOD_HEAD && row->method == HTTP_METHOD_GET);
}

/* The Allow header (RFC 9110 10.2.1) for the methods that rows with this path have. */
static const char *allow_text(unsigned methods)
{
    static const char *const texts[] = {
        "OPTIONS",
        "GET, HEAD, OPTIONS",
        "POST, OPTIONS",
        "GET, HEAD, POST, OPTIONS",
    };

    return methods & 4 ? "GET, HEAD, DELETE, OPTIONS" : texts[methods & 3];
}

static unsigned method_bit(enum http_method method)
{
    return method == HTTP_METHOD_GET ? 1 : method == HTTP_METHOD_POST ? 2 : 4;
}

/* Rows of one path may differ in their method. */
static enum fault find_operation(struct span path, enum http_method method, struct head *ret,
                                 struct arena *arena)
{
    unsigned methods = 0;
    struct span argument;
    bool found = false;

    for (unsigned i = 1; i < OPERATION_COUNT; i++) {
        if (!takes(&rows[i], path, &argument) ||
            (methods > 0 && !span_eq(rows[i].path, rows[ret->operation].path)))
            continue;
        methods |= method_bit(rows[i].method);
        if (found)
            continue;
        found = takes_method(&rows[i], method);
        ret->operation = (enum operation)i;
        ret->dialect = rows[i].dialect;
        ret->argument = argument.ptr ? decode(argument, arena) : SPAN_NONE;
    }
    ret->allow = methods > 0 ? allow_text(methods) : NULL;
    return found ? FAULT_NONE : methods > 0 ? FAULT_method_not_allowed : FAULT_not_found;
}

/* The value of NAME in the query of TARGET, not decoded. */
static struct span query_value(struct span target, struct span name)
{
    size_t at = span_find(target, SPAN("?"));
    struct span rest = at == SIZE_MAX ? SPAN_NONE : span_skip(target, at + 1), part;

    while (span_cut(&rest, '&', &part))
        if (span_starts(part, name) && part.len > name.len && part.ptr[name.len] == '=')
            return span_skip(part, name.len + 1);
    return SPAN_NONE;
}

/* The forms of a key that the SDKs of all dialects send. */
static struct span find_key(const struct http_head *from)
{
    static const struct span names[] = {
        {"x-api-key", 9}, {"api-key", 7}, {"x-goog-api-key", 14}};
    struct span value = http_find(from, SPAN("authorization"));
    struct span bearer = SPAN("bearer ");

    if (value.ptr && value.len > bearer.len &&
        span_eq_nocase(span_of(value.ptr, bearer.len), bearer))
        return span_trim(span_skip(value, bearer.len));
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        value = http_find(from, names[i]);
        if (value.ptr)
            return value;
    }
    return query_value(from->target, SPAN("key"));
}

static void forward(const struct http_head *from, const struct head_wanted *wanted,
                    struct arena *arena, struct head *ret)
{
    CHECK(wanted->count <= HEAD_FORWARDED_MAX);
    for (unsigned i = 0; i < wanted->count; i++) {
        struct span value = http_find(from, wanted->names[i]);

        if (value.ptr && http_value_valid(value))
            ret->forwarded[ret->forwarded_count++] =
                (struct forwarded){wanted->names[i], arena_copy(arena, value)};
    }
}

/* Lists of models have one path in two dialects, which a header tells apart. */
static uint8_t dialect_of_list(const struct http_head *from, uint8_t dialect)
{
#define DIALECT_HEADER(name, header)       \
    if (http_find(from, SPAN(header)).ptr) \
        return DIALECT_##name;
#include "worker/parse/dialect_headers.def"
#undef DIALECT_HEADER
    return dialect;
}

static struct span decoded_value(const struct http_head *from, struct span name,
                                 struct arena *arena)
{
    struct span value = query_value(from->target, name);

    return value.ptr ? decode(value, arena) : SPAN_NONE;
}

static void read_page(const struct http_head *from, struct arena *arena, struct head_page *ret)
{
    *ret = (struct head_page){
        .after = decoded_value(from, SPAN("after"), arena),
        .limit = decoded_value(from, SPAN("limit"), arena),
        .order = decoded_value(from, SPAN("order"), arena),
    };
}

/* ptr NULL: it is not there, or empty. */
static struct span kept_value(const struct http_head *from, struct span name,
                              struct arena *arena)
{
    struct span value = http_find(from, name);

    return value.len > 0 ? arena_copy(arena, value) : SPAN_NONE;
}

static void read_wishes(const struct http_head *from, struct arena *arena, struct head *ret)
{
    const struct operation_row *row = &rows[ret->operation];

    if (row->kind == OPERATION_KIND_MODELS || row->kind == OPERATION_KIND_MODEL)
        ret->dialect = dialect_of_list(from, ret->dialect);
    if (row->kind == OPERATION_KIND_STORED_ITEMS)
        read_page(from, arena, &ret->page);
    ret->sse = span_eq(query_value(from->target, SPAN("alt")), SPAN("sse"));
    ret->session = kept_value(from, SPAN("x-aigw-session"), arena);
    ret->provider = kept_value(from, SPAN("x-aigw-provider"), arena);
    ret->strict = span_eq_nocase(http_find(from, SPAN("x-aigw-strict")), SPAN("true"));
}

static bool read_priority(struct span word, uint8_t *ret)
{
    static const struct span words[PRIORITY_COUNT] = {
#define PRIORITY(name, help) {#name, sizeof(#name) - 1},
#include "shared/settings/priorities.def"
#undef PRIORITY
    };

    for (uint8_t i = 0; word.ptr && i < PRIORITY_COUNT; i++) {
        if (!span_eq(words[i], word))
            continue;
        *ret = i;
        return true;
    }
    return !word.ptr;
}

/* application/json, with or without parameters; nothing said is taken as JSON. */
static bool media_type_json(const struct http_head *from)
{
    struct span type = http_find(from, SPAN("content-type"));
    struct span coding = http_find(from, SPAN("content-encoding"));
    struct span json = SPAN("application/json");

    if (coding.ptr && !span_eq_nocase(coding, SPAN("identity")))
        return false;
    if (!type.ptr || type.len == 0)
        return true;
    if (type.len < json.len || !span_eq_nocase(span_of(type.ptr, json.len), json))
        return false;
    return type.len == json.len || type.ptr[json.len] == ';' || type.ptr[json.len] == ' ';
}

enum fault head_read(const struct http_head *from, uint64_t body_limit_bytes,
                     const struct head_wanted wanted[DIALECT_COUNT], struct arena *arena,
                     struct head *ret)
{
    struct span path = path_of(from->target);
    struct span key = find_key(from);
    enum fault fault;

    ret->minor = from->minor;
    ret->keep_alive = from->keep_alive;
    ret->has_body = from->has_body;
    ret->content_length = from->content_length;
    ret->expect_continue = from->expect_continue;
    ret->head_only = from->method_id == HTTP_METHOD_HEAD;
    ret->options = from->method_id == HTTP_METHOD_OPTIONS;
    ret->method = arena_copy(arena, from->method);
    ret->path = arena_copy(
        arena, span_of(path.ptr, path.len < PATH_SHOWN_BYTES ? path.len : PATH_SHOWN_BYTES));
    if (key.ptr)
        ret->key = secret_of(arena_copy(arena, key));
    if (from->expect_other)
        return FAULT_expectation_failed;
    if (from->method_id == HTTP_METHOD_OPTIONS && span_eq(path, SPAN("*"))) {
        ret->allow = "GET, HEAD, POST, OPTIONS";
        return FAULT_NONE;
    }
    fault = find_operation(path, from->method_id, ret, arena);
    if (fault || ret->options)
        return fault;
    read_wishes(from, arena, ret);
    if (from->has_body && from->content_length != HTTP_LENGTH_NONE &&
        from->content_length > body_limit_bytes)
        ret->unfit = FAULT_body_too_large;
    forward(from, &wanted[ret->dialect], arena, ret);
    if (!tags_add(&ret->tags, http_find(from, SPAN("x-aigw-tags")), arena))
        ret->unfit = FAULT_bad_tags;
    if (!cache_wish_read(http_find(from, SPAN("x-aigw-cache")), &ret->cache))
        ret->unfit = FAULT_bad_cache_wish;
    if (!read_priority(http_find(from, SPAN("x-aigw-priority")), &ret->priority))
        ret->unfit = FAULT_bad_priority;
    if (rows[ret->operation].method == HTTP_METHOD_POST && !media_type_json(from))
        ret->unfit = FAULT_bad_media_type;
    return FAULT_NONE;
}
