/* /admin/v1/keys: these functions run on the line. */
#include <errno.h>

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
static bool read_owners(struct admin_request *request, const cJSON *body,
                        struct key_wanted *wanted)
{
    const struct owner_names names = {.tenant = json_tree_text(body, "tenant"),
                                      .team = json_tree_text(body, "team"),
                                      .user = json_tree_text(body, "user")};
    struct owner_ids ids;
    int result = owners_resolve(request->house->store, &names, &ids);

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

static bool read_wanted(struct admin_request *request, const cJSON *body,
                        struct key_wanted *wanted)
{
    const cJSON *expires = cJSON_GetObjectItemCaseSensitive(body, "expires_ms");
    struct span name = json_tree_text(body, "name");

    if (name.ptr)
        wanted->name = arena_copy(&request->arena, name);
    if (!name.ptr || name.len == 0 || name.len > KEY_NAME_MAX) {
        admin_refuse(request, 400, "bad_request", SPAN("name: a text of 1 to 200 bytes"));
        return false;
    }
    if (expires && !cJSON_IsNull(expires) &&
        !json_tree_i64(body, "expires_ms", 1, INT64_MAX, &wanted->expires_ms)) {
        admin_refuse(request, 400, "bad_request",
                     SPAN("expires_ms: milliseconds since 1970, or null"));
        return false;
    }
    if (!admin_read_list(request, body, "models", &wanted->models)) {
        admin_refuse(request, 400, "bad_request", SPAN("models: a list of names, or null"));
        return false;
    }
    return read_owners(request, body, wanted);
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
