#include "supervisor/admin/routes.h"

#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/prices/price_list.h"

const struct admin_route admin_routes[] = {
#define ROUTE(method, pattern, permission, mode, function) \
    {HTTP_METHOD_##method, pattern, PERMISSION_##permission, MODE_##mode, function},
#include "supervisor/admin/routes.def"
#undef ROUTE
};

const unsigned admin_route_count = ARRAY_LEN(admin_routes);

/* ---- finding ----------------------------------------------------------------------------- */

static bool pattern_fits(struct span pattern, struct span path, struct span *ret_arguments)
{
    struct span wanted, given;
    unsigned count = 0;

    while (pattern.ptr && path.ptr) {
        if (!span_cut(&pattern, '/', &wanted) || !span_cut(&path, '/', &given))
            return false;
        if (!span_eq(wanted, SPAN("*"))) {
            if (!span_eq(wanted, given))
                return false;
            continue;
        }
        if (given.len == 0 || count == ADMIN_ARGUMENTS)
            return false;
        ret_arguments[count++] = given;
    }
    return !pattern.ptr && !path.ptr;
}

const struct admin_route *admin_find_route(enum http_method method, struct span path,
                                           struct span *ret_arguments, bool *ret_path_known)
{
    *ret_path_known = false;
    for (unsigned i = 0; i < admin_route_count; i++) {
        if (!pattern_fits(span_of_text(admin_routes[i].pattern), path, ret_arguments))
            continue;
        *ret_path_known = true;
        if (admin_routes[i].method == method)
            return &admin_routes[i];
    }
    return NULL;
}

/* Percent-decoding (RFC 3986 2.1); false on a broken escape or a NUL. */
static bool decode(struct arena *arena, struct span *text)
{
    char *out = arena_take_text(arena, text->len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text->len; i++) {
        uint8_t byte = (uint8_t)text->ptr[i];

        if (byte == '%') {
            if (text->len - i < 3 || !decode_hex(span_of(text->ptr + i + 1, 2), &byte, 1))
                return false;
            i += 2;
        }
        if (byte == 0)
            return false;
        out[len++] = (char)byte;
    }
    *text = span_of(out, len);
    return true;
}

/* ---- what routes share ------------------------------------------------------------------- */

void admin_refuse(struct admin_request *request, uint16_t status, const char *code,
                  struct span message)
{
    struct json_writer writer;

    buffer_clear(&request->answer);
    request->status = status;
    json_write_init(&writer, &request->answer);
    json_write_object(&writer);
    json_write_key(&writer, SPAN("error"));
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("code"), span_of_text(code));
    json_write_member_text(&writer, SPAN("message"), message);
    json_write_object_end(&writer);
    json_write_object_end(&writer);
}

static const struct {
    int error;
    uint16_t status;
    const char *code, *message;
} refusals[] = {
    {-ENOENT, 404, "not_found", "there is none with this name"},
    {-EEXIST, 409, "conflict", "there is one with this name already"},
    {-EPERM, 409, "conflict", "it is revoked, and that is for ever"},
    {-EBUSY, 409, "in_use", "keys, teams or users still belong to it"},
    {-EINVAL, 400, "bad_request", "the name is empty or too long"},
    {-EPROTO, 503, "store_refused", "the database is damaged, not ours, or of a newer version"},
    {-EAGAIN, 503, "store_away", "the database does not answer; try again later"},
};

void admin_refuse_errno(struct admin_request *request, int error, struct span what)
{
    struct buffer text;

    buffer_init(&text, 2048);
    (void)buffer_append(&text, what);
    (void)buffer_append(&text, SPAN(": "));
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (refusals[i].error != error)
            continue;
        (void)buffer_append(&text, span_of_text(refusals[i].message));
        admin_refuse(request, refusals[i].status, refusals[i].code, buffer_span(&text));
        buffer_done(&text);
        return;
    }
    (void)buffer_append(&text, span_of_text(log_error_text(error)));
    admin_refuse(request, 503, "failed", buffer_span(&text));
    buffer_done(&text);
}

struct json_writer admin_answer(struct admin_request *request)
{
    struct json_writer writer;

    buffer_clear(&request->answer);
    request->status = 200;
    json_write_init(&writer, &request->answer);
    return writer;
}

cJSON *admin_body(struct admin_request *request)
{
    cJSON *tree = json_tree_read(request->body.len ? request->body : SPAN("{}"));

    if (cJSON_IsObject(tree))
        return tree;
    cJSON_Delete(tree);
    admin_refuse(request, 400, "bad_request", SPAN("the body is not a JSON object"));
    return NULL;
}

struct span admin_query_text(const struct admin_request *request, struct span name)
{
    struct span rest = request->query, pair, key;

    while (rest.ptr && span_cut(&rest, '&', &pair)) {
        if (span_cut(&pair, '=', &key) && span_eq(key, name) && pair.len > 0)
            return pair;
    }
    return SPAN_NONE;
}

uint64_t admin_query_number(const struct admin_request *request, struct span name,
                            uint64_t preset)
{
    struct span rest = request->query, pair, key;
    uint64_t number;

    while (rest.ptr && span_cut(&rest, '&', &pair)) {
        if (span_cut(&pair, '=', &key) && span_eq(key, name) && pair.ptr &&
            span_read_u64(pair, &number))
            return number;
    }
    return preset;
}

int admin_query_next(struct admin_request *request, struct span *rest, struct span *ret_name,
                     struct span *ret_value)
{
    struct span pair;

    do {
        if (!rest->ptr || !span_cut(rest, '&', &pair))
            return 0;
    } while (pair.len == 0);
    *ret_value = pair;
    (void)span_cut(ret_value, '=', ret_name);
    if (!ret_value->ptr)
        *ret_value = SPAN("");
    return decode(&request->arena, ret_name) && decode(&request->arena, ret_value) ? 1
                                                                                   : -EINVAL;
}

void admin_write_list(struct json_writer *writer, struct span key, struct span json)
{
    json_write_key(writer, key);
    if (json.ptr && json.len)
        json_write_raw(writer, json);
    else
        json_write_null(writer);
}

bool admin_read_list(struct admin_request *request, const cJSON *body, const char *name,
                     struct span *ret)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, name);
    const cJSON *item;
    struct json_writer writer;
    struct buffer text;

    *ret = SPAN_NONE;
    if (!list || cJSON_IsNull(list))
        return true;
    if (!cJSON_IsArray(list))
        return false;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item) || !item->valuestring[0])
            return false;
    }
    buffer_init(&text, ADMIN_BODY_BYTES * 6);
    json_write_init(&writer, &text);
    json_write_array(&writer);
    cJSON_ArrayForEach(item, list)
    {
        json_write_text(&writer, span_of_text(item->valuestring));
    }
    json_write_array_end(&writer);
    *ret = arena_copy(&request->arena, buffer_span(&text));
    buffer_done(&text);
    return true;
}

/* ---- permission -------------------------------------------------------------------------- */

static bool token_fits(const struct admin_request *request)
{
    struct span token = request->house->admin_token;
    struct span given = request->authorization;
    struct span scheme;

    if (!token.len || !given.ptr || !span_cut(&given, ' ', &scheme) || !given.ptr)
        return false;
    given = span_trim(given);
    return span_eq_nocase(scheme, SPAN("bearer")) && given.len == token.len &&
           span_eq_secret(given, token);
}

bool admin_permitted(struct admin_request *request, enum route_permission permission)
{
    if (permission == PERMISSION_PUBLIC)
        return true;
    if (request->unix_socket) {
        if (request->local)
            return true;
        admin_refuse(request, 403, "forbidden",
                     SPAN("the admin socket is for the daemon's own user and root"));
        return false;
    }
    if (token_fits(request))
        return true;
    admin_refuse(request, 401, "unauthorized", SPAN("the admin token is missing or wrong"));
    request->extra_header = "WWW-Authenticate: Bearer";
    return false;
}

/* A price list is larger than what strangers may send. */
size_t admin_body_most(const struct admin_request *request)
{
    struct span arguments[ADMIN_ARGUMENTS];
    bool path_known, known = request->unix_socket ? request->local : token_fits(request);
    const struct admin_route *route =
        known ? admin_find_route(request->method, request->path, arguments, &path_known) : NULL;

    return route && route->function == route_prices_import ? PRICE_LIST_MAX : ADMIN_BODY_BYTES;
}

/* ---- running ----------------------------------------------------------------------------- */

static struct admin_request *request_of_job(struct line_job *job)
{
    return (struct admin_request *)(void *)((char *)job - offsetof(struct admin_request, job));
}

/* A person who asks does not wait for the store's back-off; and what only reads is tried again
 * when the connection proved to be a dead one. */
static void run_route(struct line_job *job)
{
    struct admin_request *request = request_of_job(job);
    struct store *store = request->house->store;

    if (strcmp(store_state(store), "open") != 0)
        (void)store_connect(store);
    request->route->function(request);
    if (request->status == 503 && request->method == HTTP_METHOD_GET &&
        store_connect(store) == 0)
        request->route->function(request);
}

static void route_ran(struct line_job *job)
{
    admin_respond(request_of_job(job));
}

/* No snapshot can be made of the rows: what was in force stays until the change is undone. */
static void refuse_not_in_force(struct admin_request *request, struct span why)
{
    struct buffer text _buffer_;

    buffer_init(&text, 1000);
    (void)buffer_append(&text, SPAN("the change is stored, but not in force: "));
    (void)buffer_append(&text, why);
    admin_refuse(request, 409, "not_in_force", buffer_span(&text));
}

/* The change stands in the store; when it is not in force in time the answer still is that it
 * was made. */
static void change_in_force(struct house_wait *wait, int code, struct span text)
{
    struct admin_request *request =
        (struct admin_request *)(void *)((char *)wait - offsetof(struct admin_request, wait));

    if (text.len > 0 && code == -EINVAL)
        refuse_not_in_force(request, text);
    else if (code != 0 && code != -ETIMEDOUT)
        admin_refuse_errno(request, code, SPAN("the change is stored, but not in force"));
    admin_respond(request);
}

static void change_ran(struct line_job *job)
{
    struct admin_request *request = request_of_job(job);

    if (request->status >= 300) {
        admin_respond(request);
        return;
    }
    request->wait.done = change_in_force;
    request->house->publish(request->house, &request->wait);
}

void admin_change(struct admin_request *request, admin_route_f *function)
{
    struct admin_route *route = ARENA_NEW(&request->arena, struct admin_route);

    *route = *request->route;
    route->function = function;
    request->route = route;
    request->job.run = run_route;
    request->job.done = change_ran;
    request->house->work(request->house, &request->job);
}

static void start_route(struct admin_request *request)
{
    switch (request->route->mode) {
    case MODE_LOOP:
        request->route->function(request);
        admin_respond(request);
        break;
    case MODE_LINE:
        request->job.run = run_route;
        request->job.done = route_ran;
        request->house->work(request->house, &request->job);
        break;
    case MODE_CHANGE: admin_change(request, request->route->function); break;
    case MODE_LATER: request->route->function(request); break;
    }
}

static bool decode_arguments(struct admin_request *request)
{
    for (unsigned i = 0; i < ADMIN_ARGUMENTS; i++) {
        if (request->arguments[i].ptr && !decode(&request->arena, &request->arguments[i]))
            return false;
    }
    return true;
}

void admin_handle(struct admin_request *request)
{
    bool path_known;

    request->route =
        admin_find_route(request->method, request->path, request->arguments, &path_known);
    if (!request->route && path_known) {
        admin_refuse(request, 405, "method", SPAN("this path has no such method"));
        request->extra_header = "Allow: GET, POST, PUT, PATCH, DELETE";
    } else if (!request->route) {
        admin_refuse(request, 404, "not_found", SPAN("no such path"));
    } else if (!decode_arguments(request)) {
        admin_refuse(request, 400, "bad_request", SPAN("a broken escape in the path"));
    } else if (admin_permitted(request, request->route->permission)) {
        start_route(request);
        return;
    }
    admin_respond(request);
}
