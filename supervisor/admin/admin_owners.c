/* /admin/v1/tenants, /teams, /users: these functions run on the line. */
#include <errno.h>

#include "supervisor/admin/routes.h"
#include "supervisor/rules/owners.h"

static void write_members(struct json_writer *writer, const struct owner_row *row)
{
    struct buffer full _buffer_;

    buffer_init(&full, 1024);
    (void)buffer_append_format(&full, "%.*s%s%.*s", SPAN_ARG(row->tenant),
                               row->tenant.ptr ? "/" : "", SPAN_ARG(row->name));
    json_write_object(writer);
    json_write_member_i64(writer, SPAN("id"), row->id);
    json_write_member_text(writer, SPAN("name"), buffer_span(&full));
    if (row->kind == LIMIT_SCOPE_user) {
        json_write_member_text(writer, SPAN("team"), row->team);
        json_write_member_text(writer, SPAN("email"), row->email);
    } else {
        admin_write_list(writer, SPAN("models"), row->models);
    }
    json_write_member_i64(writer, SPAN("created_ms"), row->created_ms);
    json_write_object_end(writer);
}

static void write_listed(void *who, const struct owner_row *row)
{
    write_members(who, row);
}

static void list(struct admin_request *request, enum limit_scope kind, struct span member)
{
    struct json_writer writer = admin_answer(request);
    int result;

    json_write_object(&writer);
    json_write_key(&writer, member);
    json_write_array(&writer);
    result = owner_row_each(request->house->store, kind, write_listed, &writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    if (result < 0)
        admin_refuse_errno(request, result, member);
}

static void answer(struct admin_request *request, enum limit_scope kind, struct span name)
{
    struct owner_row row = {.id = 0};
    struct json_writer writer;
    int result = owner_row_find(request->house->store, kind, name, &request->arena, &row);

    if (result < 0) {
        admin_refuse_errno(request, result, limit_scope_name(kind));
        return;
    }
    writer = admin_answer(request);
    write_members(&writer, &row);
}

/* Members that the body has; null takes one away. */
static bool read_members(struct admin_request *request, const cJSON *body,
                         struct owner_row *row)
{
    const cJSON *email = cJSON_GetObjectItemCaseSensitive(body, "email");
    const cJSON *team = cJSON_GetObjectItemCaseSensitive(body, "team");
    struct owner_names names = {.team = json_tree_text(body, "team")};
    struct owner_ids ids;
    const char *wrong = NULL;

    if (cJSON_GetObjectItemCaseSensitive(body, "models") &&
        !admin_read_list(request, body, "models", &row->models))
        wrong = "models: a list of names, or null";
    if (email && row->kind == LIMIT_SCOPE_user)
        row->email = json_tree_text(body, "email").ptr
                         ? arena_copy(&request->arena, json_tree_text(body, "email"))
                         : SPAN_NONE;
    if (team && row->kind == LIMIT_SCOPE_user) {
        if (owners_resolve(request->house->store, &names, &ids) < 0 ||
            (names.team.ptr && row->tenant_id != 0 && (int64_t)ids.tenant != row->tenant_id))
            wrong = "team: TENANT/NAME of a team of the user's tenant, or null";
        else
            row->team_id = (int64_t)ids.team;
    }
    if (wrong)
        admin_refuse(request, 400, "bad_request", span_of_text(wrong));
    return !wrong;
}

static void create(struct admin_request *request, enum limit_scope kind)
{
    struct owner_row row = {.kind = kind};
    cJSON *body = admin_body(request);
    struct span name;
    int result;

    if (!body)
        return;
    name = json_tree_text(body, "name");
    if (!name.ptr) {
        admin_refuse(request, 400, "bad_request", SPAN("name: is missing"));
    } else if (read_members(request, body, &row)) {
        name = arena_copy(&request->arena, name);
        result = owner_row_create(request->house->store, name, &row);
        if (result < 0)
            admin_refuse_errno(request, result, limit_scope_name(kind));
        else
            answer(request, kind, name);
    }
    cJSON_Delete(body);
}

/* "acme/blue" with the name "green" is "acme/green". */
static struct span full_name(struct admin_request *request, const struct owner_row *row)
{
    struct buffer full _buffer_;

    buffer_init(&full, 1024);
    (void)buffer_append_format(&full, "%.*s%s%.*s", SPAN_ARG(row->tenant),
                               row->tenant.ptr ? "/" : "", SPAN_ARG(row->name));
    return arena_copy(&request->arena, buffer_span(&full));
}

static void edit(struct admin_request *request, enum limit_scope kind)
{
    struct owner_row row = {.id = 0};
    cJSON *body = admin_body(request);
    struct span name;
    int result;

    if (!body)
        return;
    result = owner_row_find(request->house->store, kind, request->arguments[0], &request->arena,
                            &row);
    if (result < 0) {
        admin_refuse_errno(request, result, limit_scope_name(kind));
    } else if (read_members(request, body, &row)) {
        name = json_tree_text(body, "name");
        if (name.ptr)
            row.name = arena_copy(&request->arena, name);
        result = owner_row_change(request->house->store, &row);
        if (result < 0)
            admin_refuse_errno(request, result, limit_scope_name(kind));
        else
            answer(request, kind, full_name(request, &row));
    }
    cJSON_Delete(body);
}

static void drop(struct admin_request *request, enum limit_scope kind)
{
    struct owner_row row = {.id = 0};
    struct json_writer writer;
    int result = owner_row_find(request->house->store, kind, request->arguments[0],
                                &request->arena, &row);

    if (result == 0)
        result = owner_row_remove(request->house->store, &row);
    if (result < 0) {
        admin_refuse_errno(request, result, limit_scope_name(kind));
        return;
    }
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("ok"), true);
    json_write_object_end(&writer);
}

#define ROUTES(many, kind)                                          \
    void route_##many##_list(struct admin_request *request)         \
    {                                                               \
        list(request, LIMIT_SCOPE_##kind, SPAN(#many));             \
    }                                                               \
    void route_##many##_create(struct admin_request *request)       \
    {                                                               \
        create(request, LIMIT_SCOPE_##kind);                        \
    }                                                               \
    void route_##many##_get(struct admin_request *request)          \
    {                                                               \
        answer(request, LIMIT_SCOPE_##kind, request->arguments[0]); \
    }                                                               \
    void route_##many##_edit(struct admin_request *request)         \
    {                                                               \
        edit(request, LIMIT_SCOPE_##kind);                          \
    }                                                               \
    void route_##many##_remove(struct admin_request *request)       \
    {                                                               \
        drop(request, LIMIT_SCOPE_##kind);                          \
    }

ROUTES(tenants, tenant)
ROUTES(teams, team)
ROUTES(users, user)
