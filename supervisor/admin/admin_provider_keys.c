/* /admin/v1/providers/NAME/keys: the credentials of one account. A value comes in and is never
 * shown again. */
#include <errno.h>

#include "shared/base/clock.h"
#include "shared/credential/credential.h"

#include "supervisor/admin/admin_providers.h"
#include "supervisor/keys/account_keys.h"

#define HINT_BYTES     4
#define HINT_FROM_SIZE 16 /* of a shorter value the end would tell too much */

/* ---- the list ---------------------------------------------------------------------------- */

static const struct configure_provider *stored_account(const struct house *house,
                                                       struct span name)
{
    for (uint32_t i = 0; house->rows && i < house->rows->provider_count; i++) {
        if (span_eq(house->rows->providers[i].name, name))
            return &house->rows->providers[i];
    }
    return NULL;
}

/* NAME or, where it has none, its number. */
static void write_name(struct json_writer *writer, struct span name, uint32_t number)
{
    struct buffer text _buffer_;

    buffer_init(&text, 64);
    if (name.len > 0)
        (void)buffer_append(&text, name);
    else
        (void)buffer_append_u64(&text, number);
    json_write_member_text(writer, SPAN("name"), buffer_span(&text));
}

static void write_state(struct json_writer *writer, const struct credential_state *known)
{
    uint64_t now_ms = clock_monotonic_ms(), until_ms;
    enum credential_condition condition = credential_condition(known, now_ms, &until_ms);

    json_write_member_text(writer, SPAN("state"),
                           span_of_text(credential_condition_name(condition)));
    if (until_ms > now_ms)
        json_write_member_u64(writer, SPAN("wait_ms"), until_ms - now_ms);
    json_write_member_u64(writer, SPAN("requests"), atomic_load(&known->requests));
}

static int64_t created_of(const struct configure_provider *stored, struct span name)
{
    for (uint32_t i = 0; stored && i < stored->key_count; i++) {
        if (span_eq(stored->keys[i].name, name))
            return stored->keys[i].created_ms;
    }
    return 0;
}

static void write_key(struct json_writer *writer, const struct house *house,
                      const struct configure_provider *stored,
                      const struct snapshot_credential *row, uint32_t number)
{
    struct span name = snapshot_span(house->snapshot, row->name);
    struct span value = snapshot_span(house->snapshot, row->value);
    int64_t created_ms = created_of(stored, name);

    json_write_object(writer);
    write_name(writer, name, number);
    json_write_member_text(
        writer, SPAN("last4"),
        value.len < HINT_FROM_SIZE ? SPAN_NONE : span_skip(value, value.len - HINT_BYTES));
    json_write_member_u64(writer, SPAN("weight"), row->weight);
    write_state(writer, segment_credential(house->segment, row->row));
    if (created_ms > 0)
        json_write_member_i64(writer, SPAN("created_ms"), created_ms);
    json_write_object_end(writer);
}

/* Those that the master key of this host does not open: no request is sent with them. */
static void write_sealed(struct json_writer *writer, const struct configure_provider *stored)
{
    for (uint32_t i = 0; stored && i < stored->key_count; i++) {
        if (secret_reveal(stored->keys[i].value).len > 0)
            continue;
        json_write_object(writer);
        json_write_member_text(writer, SPAN("name"), stored->keys[i].name);
        json_write_member_u64(writer, SPAN("weight"), stored->keys[i].weight);
        json_write_member_text(writer, SPAN("state"), SPAN("sealed"));
        json_write_member_i64(writer, SPAN("created_ms"), stored->keys[i].created_ms);
        json_write_object_end(writer);
    }
}

/* The credentials of the account in force that the route names; NULL with the answer given. */
static const struct snapshot_table *keys_in_force(struct admin_request *request)
{
    const struct house *house = request->house;
    uint32_t index;

    if (!admin_provider_in_force(house, request->arguments[0], &index)) {
        admin_refuse_errno(request, -ENOENT, SPAN("provider"));
        return NULL;
    }
    return &SNAPSHOT_ROW(house->snapshot, snapshot_page(house->snapshot)->providers, index,
                         snapshot_provider)
                ->credentials;
}

void route_provider_keys_list(struct admin_request *request)
{
    const struct house *house = request->house;
    struct span account = request->arguments[0];
    const struct configure_provider *stored = NULL;
    const struct snapshot_table *table = keys_in_force(request);
    struct json_writer writer;

    if (!table)
        return;
    if (configure_source(house->settings, house->rows, account) == PROVIDER_STORE)
        stored = stored_account(house, account);
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_key(&writer, SPAN("keys"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < table->count; i++)
        write_key(&writer, house, stored,
                  SNAPSHOT_ROW(house->snapshot, *table, i, snapshot_credential), i + 1);
    write_sealed(&writer, stored);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

/* ---- changes ----------------------------------------------------------------------------- */

/* The body's row, in the request's arena; false with the answer given. */
static bool read_key(struct admin_request *request, struct account_key_row *ret)
{
    cJSON *body = admin_body(request);
    struct span name, value;
    int64_t weight = 1;
    const char *wrong = NULL;

    if (!body)
        return false;
    name = json_tree_text(body, "name");
    value = json_tree_text(body, "api_key");
    if (!admin_name_fits(name))
        wrong = "name: " ADMIN_NAME_SAY;
    else if (span_eq(name, ACCOUNT_KEY_OWN))
        wrong = "name: api_key is the one that `providers edit` sets";
    else if (value.len == 0 || value.len > VAULT_SECRET_MAX)
        wrong = "api_key: it is empty or too long";
    else if (cJSON_GetObjectItemCaseSensitive(body, "weight") &&
             !json_tree_i64(body, "weight", 1, ACCOUNT_KEY_WEIGHT_MAX, &weight))
        wrong = "weight: a number from 1 to 1000";
    if (wrong)
        admin_refuse(request, 400, "bad_request", span_of_text(wrong));
    else
        *ret = (struct account_key_row){.account = request->arguments[0],
                                        .name = arena_copy(&request->arena, name),
                                        .value = secret_of(arena_copy(&request->arena, value)),
                                        .weight = (uint32_t)weight,
                                        .created_ms = clock_wall_ms()};
    cJSON_Delete(body);
    return !wrong;
}

static void add_key(struct admin_request *request)
{
    struct account_key_row row;
    struct json_writer writer;
    int result;

    if (!read_key(request, &row))
        return;
    result = account_keys_add(request->house->store, &request->house->vault, &row);
    if (result == -E2BIG)
        admin_refuse(request, 409, "conflict", SPAN("an account has at most 16 credentials"));
    else if (result < 0)
        admin_refuse_errno(request, result,
                           result == -ENOENT ? SPAN("provider") : SPAN("credential"));
    if (result < 0)
        return;
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("name"), row.name);
    json_write_member_u64(&writer, SPAN("weight"), row.weight);
    json_write_member_i64(&writer, SPAN("created_ms"), row.created_ms);
    json_write_object_end(&writer);
}

static void remove_key(struct admin_request *request)
{
    int result = account_keys_remove(request->house->store, request->arguments[0],
                                     request->arguments[1]);
    struct json_writer writer;

    if (result < 0) {
        admin_refuse_errno(request, result, SPAN("credential"));
        return;
    }
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("ok"), true);
    json_write_object_end(&writer);
}

/* Two rows of one value would share what is learnt of it. */
static bool value_is_there(struct admin_request *request, struct span value)
{
    const struct house *house = request->house;
    const struct snapshot_table *table = keys_in_force(request);

    for (uint32_t i = 0; table && i < table->count; i++) {
        const struct snapshot_credential *row =
            SNAPSHOT_ROW(house->snapshot, *table, i, snapshot_credential);

        if (span_eq(snapshot_span(house->snapshot, row->value), value))
            return true;
    }
    return false;
}

void route_provider_keys_add(struct admin_request *request)
{
    struct account_key_row row;

    if (!keys_in_force(request) || !read_key(request, &row)) {
        admin_respond(request);
    } else if (value_is_there(request, secret_reveal(row.value))) {
        admin_refuse(request, 409, "conflict", SPAN("the account has this credential already"));
        admin_respond(request);
    } else {
        admin_change_stored(request, add_key);
    }
}

void route_provider_keys_remove(struct admin_request *request)
{
    admin_change_stored(request, remove_key);
}
