/* /admin/v1/keys: these functions run on the line. */
#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"

#include "supervisor/admin/routes.h"
#include "supervisor/keys/keys.h"
#include "supervisor/rules/owners.h"

static void write_time(struct json_writer *writer, struct span key, int64_t wall_ms)
{
    json_write_key(writer, key);
    if (wall_ms > 0)
        json_write_i64(writer, wall_ms);
    else
        json_write_null(writer);
}

static void write_members(struct json_writer *writer, const struct key_row *row)
{
    json_write_member_text(writer, SPAN("id"), row->id);
    json_write_member_text(writer, SPAN("name"), row->name);
    json_write_member_i64(writer, SPAN("created_ms"), row->created_ms);
    write_time(writer, SPAN("expires_ms"), row->expires_ms);
    json_write_member_text(writer, SPAN("state"),
                           span_of_text(key_row_state(row, clock_wall_ms())));
    write_time(writer, SPAN("previous_until_ms"), row->previous_until_ms);
    admin_write_list(writer, SPAN("models"), row->models);
    json_write_member_u64(writer, SPAN("tenant"), row->tenant);
    json_write_member_u64(writer, SPAN("team"), row->team);
    json_write_member_u64(writer, SPAN("user"), row->user);
    json_write_member_text(writer, SPAN("last4"), row->last4);
}

static void write_listed(void *writer, const struct key_row *row)
{
    json_write_object(writer);
    write_members(writer, row);
    json_write_object_end(writer);
}

void route_keys_list(struct admin_request *request)
{
    struct json_writer writer = admin_answer(request);
    int result;

    json_write_object(&writer);
    json_write_key(&writer, SPAN("keys"));
    json_write_array(&writer);
    result = key_row_each(request->house->store, write_listed, &writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    if (result < 0)
        admin_refuse_errno(request, result, SPAN("keys"));
}

static void answer_row(struct admin_request *request, const struct key_row *row,
                       const char *key)
{
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    if (key)
        json_write_member_text(&writer, SPAN("key"), span_of_text(key));
    write_members(&writer, row);
    json_write_object_end(&writer);
}

void route_keys_get(struct admin_request *request)
{
    struct key_row row;
    int result =
        key_row_find(request->house->store, request->arguments[0], &request->arena, &row);

    if (result < 0)
        admin_refuse_errno(request, result, SPAN("key"));
    else
        answer_row(request, &row, NULL);
}

/* Names become ids: "tenant": "acme", "team": "acme/blue", "user": "acme/ann". */
static const struct {
    const char *member;
    enum limit_scope kind;
    size_t at;
} owners[] = {
    {"tenant", LIMIT_SCOPE_tenant, offsetof(struct owner_names, tenant)},
    {"team", LIMIT_SCOPE_team, offsetof(struct owner_names, team)},
    {"user", LIMIT_SCOPE_user, offsetof(struct owner_names, user)},
};

static bool read_names(const cJSON *body, struct owner_names *ret, uint32_t *ret_changed)
{
    *ret = (struct owner_names){.tenant = SPAN_NONE};
    *ret_changed = 0;
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, owners[i].member);

        if (!item)
            continue;
        if (!cJSON_IsNull(item) && !cJSON_IsString(item))
            return false;
        *(struct span *)(void *)((char *)ret + owners[i].at) =
            json_tree_text(body, owners[i].member);
        *ret_changed |= 1U << owners[i].kind;
    }
    return true;
}

static bool read_owners(struct admin_request *request, const cJSON *body,
                        struct key_wanted *wanted)
{
    struct owner_ids ids = {wanted->tenant, wanted->team, wanted->user};
    struct owner_names names;
    uint32_t changed;
    int result = -EINVAL;

    if (read_names(body, &names, &changed))
        result = changed ? owners_change(request->house->store, &names, changed, &ids) : 0;
    if (result == -EINVAL)
        admin_refuse(request, 400, "bad_request",
                     SPAN("tenant, team, user: teams and users are TENANT/NAME, all of one "
                          "tenant"));
    else if (result < 0)
        admin_refuse_errno(request, result, SPAN("tenant, team or user"));
    if (result < 0)
        return false;
    wanted->tenant = ids.tenant;
    wanted->team = ids.team;
    wanted->user = ids.user;
    return true;
}

static bool read_name(struct admin_request *request, const cJSON *body,
                      struct key_wanted *wanted)
{
    struct span name = json_tree_text(body, "name");

    if (name.ptr)
        wanted->name = arena_copy(&request->arena, name);
    return name.ptr && name.len > 0 && name.len <= KEY_NAME_MAX;
}

static bool read_expires(const cJSON *body, struct key_wanted *wanted)
{
    const cJSON *expires = cJSON_GetObjectItemCaseSensitive(body, "expires_ms");

    if (expires)
        wanted->expires_ms = 0;
    return !expires || cJSON_IsNull(expires) ||
           json_tree_i64(body, "expires_ms", 1, INT64_MAX, &wanted->expires_ms);
}

/* Members that the body has; null takes one away. */
static bool read_wanted(struct admin_request *request, const cJSON *body,
                        struct key_wanted *wanted)
{
    const char *wrong = NULL;

    if ((!wanted->name.ptr || cJSON_GetObjectItemCaseSensitive(body, "name")) &&
        !read_name(request, body, wanted))
        wrong = "name: a text of 1 to 200 bytes";
    else if (!read_expires(body, wanted))
        wrong = "expires_ms: milliseconds since 1970, or null";
    else if (cJSON_GetObjectItemCaseSensitive(body, "models") &&
             !admin_read_list(request, body, "models", &wanted->models))
        wrong = "models: a list of names, or null";
    if (wrong)
        admin_refuse(request, 400, "bad_request", span_of_text(wrong));
    return !wrong && read_owners(request, body, wanted);
}

static struct key_wanted wanted_as_it_is(const struct key_row *row)
{
    return (struct key_wanted){.name = row->name,
                               .models = row->models,
                               .expires_ms = row->expires_ms,
                               .tenant = row->tenant,
                               .team = row->team,
                               .user = row->user};
}

void route_keys_edit(struct admin_request *request)
{
    struct store *store = request->house->store;
    struct span id = request->arguments[0];
    struct key_wanted wanted;
    struct key_row row;
    cJSON *body = admin_body(request);
    int result;

    if (!body)
        return;
    result = key_row_find(store, id, &request->arena, &row);
    wanted = wanted_as_it_is(&row);
    if (result == 0 && !read_wanted(request, body, &wanted)) {
        cJSON_Delete(body);
        return;
    }
    if (result == 0)
        result = key_row_change(store, id, &wanted);
    if (result < 0)
        admin_refuse_errno(request, result, SPAN("key"));
    else
        route_keys_get(request);
    cJSON_Delete(body);
}

void route_keys_create(struct admin_request *request)
{
    struct key_wanted wanted = {0};
    struct key_row row;
    char key[KEY_TEXT_SIZE + 1];
    cJSON *body = admin_body(request);
    int result;

    if (!body)
        return;
    if (read_wanted(request, body, &wanted)) {
        result = key_row_create(request->house->store, &wanted, clock_wall_ms(),
                                &request->arena, &row, key);
        if (result < 0)
            admin_refuse_errno(request, result, SPAN("key"));
        else
            answer_row(request, &row, key);
        memory_wipe(key, sizeof(key));
    }
    cJSON_Delete(body);
}

void route_keys_rotate(struct admin_request *request)
{
    struct key_row row;
    char key[KEY_TEXT_SIZE + 1];
    cJSON *body = admin_body(request);
    int64_t grace_ms = 0;
    int result;

    if (!body)
        return;
    if (cJSON_GetObjectItemCaseSensitive(body, "grace_ms") &&
        !json_tree_i64(body, "grace_ms", 0, 10LL * 365 * 86400 * 1000, &grace_ms)) {
        admin_refuse(request, 400, "bad_request",
                     SPAN("grace_ms: milliseconds, at most ten years"));
        cJSON_Delete(body);
        return;
    }
    result = key_row_rotate(request->house->store, request->arguments[0], grace_ms,
                            clock_wall_ms(), &request->arena, &row, key);
    if (result < 0)
        admin_refuse_errno(request, result, SPAN("key"));
    else
        answer_row(request, &row, key);
    memory_wipe(key, sizeof(key));
    cJSON_Delete(body);
}

typedef int change_key_f(struct store *store, struct span id);

static void change_key(struct admin_request *request, change_key_f *change)
{
    int result = change(request->house->store, request->arguments[0]);

    if (result < 0)
        admin_refuse_errno(request, result, SPAN("key"));
    else
        route_keys_get(request);
}

void route_keys_disable(struct admin_request *request)
{
    change_key(request, key_row_disable);
}

void route_keys_enable(struct admin_request *request)
{
    change_key(request, key_row_enable);
}

void route_keys_revoke(struct admin_request *request)
{
    change_key(request, key_row_revoke);
}
