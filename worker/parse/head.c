#include "worker/parse/head.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"

#define PATH_SHOWN_BYTES 256

static const struct operation_row rows[] = {
    {.name = "none", .path = {"", 0}},
#define OPERATION(name_, method_, path_, needs_key_, upstream_path_) \
    {.name = #name_,                                                 \
     .method = HTTP_METHOD_##method_,                                \
     .path = {path_, sizeof(path_) - 1},                             \
     .needs_key = needs_key_,                                        \
     .upstream_path = {upstream_path_, sizeof(upstream_path_) - 1}},
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

static bool takes(const struct operation_row *row, struct span path, struct span *ret_argument)
{
    struct span pattern = row->path;

    *ret_argument = SPAN_NONE;
    if (pattern.len == 0)
        return false;
    if (pattern.ptr[pattern.len - 1] != '*')
        return span_eq(pattern, path);
    pattern.len--;
    if (!span_starts(path, pattern) || path.len == pattern.len)
        return false;
    *ret_argument = span_skip(path, pattern.len);
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

static enum fault find_operation(struct span path, enum http_method method, struct head *ret,
                                 struct arena *arena)
{
    struct span argument;

    for (unsigned i = 1; i < OPERATION_COUNT; i++) {
        if (!takes(&rows[i], path, &argument))
            continue;
        ret->operation = (enum operation)i;
        ret->argument = argument.ptr ? decode(argument, arena) : SPAN_NONE;
        ret->allow =
            rows[i].method == HTTP_METHOD_POST ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
        if (method == HTTP_METHOD_OPTIONS)
            return FAULT_NONE;
        if (method == rows[i].method ||
            (method == HTTP_METHOD_HEAD && rows[i].method == HTTP_METHOD_GET))
            return FAULT_NONE;
        return FAULT_method_not_allowed;
    }
    return FAULT_not_found;
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
    return SPAN_NONE;
}

static void forward(const struct http_head *from, const struct span *names, unsigned count,
                    struct arena *arena, struct head *ret)
{
    CHECK(count <= HEAD_FORWARDED_MAX);
    for (unsigned i = 0; i < count; i++) {
        struct span value = http_find(from, names[i]);

        if (value.ptr && http_value_valid(value))
            ret->forwarded[ret->forwarded_count++] =
                (struct forwarded){names[i], arena_copy(arena, value)};
    }
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
                     const struct span *forwarded, unsigned forwarded_count,
                     struct arena *arena, struct head *ret)
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
    if (from->has_body && from->content_length != HTTP_LENGTH_NONE &&
        from->content_length > body_limit_bytes)
        ret->unfit = FAULT_body_too_large;
    forward(from, forwarded, forwarded_count, arena, ret);
    if (rows[ret->operation].method == HTTP_METHOD_POST && !media_type_json(from))
        ret->unfit = FAULT_bad_media_type;
    return FAULT_NONE;
}
