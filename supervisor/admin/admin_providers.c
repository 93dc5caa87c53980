/* /admin/v1/providers */
#include "supervisor/admin/admin_providers.h"

#include <errno.h>

#include "shared/base/clock.h"
#include "shared/base/memory.h"

#include "supervisor/keys/accounts.h"
#include "supervisor/keys/drains.h"
#include "supervisor/outbound/outbound.h"
#include "supervisor/probe/question.h"

#define WORDS_BYTES_MAX 300

static struct span source_name(enum provider_source source)
{
    switch (source) {
    case PROVIDER_SETTINGS: return SPAN("settings");
    case PROVIDER_STORE: return SPAN("store");
    case PROVIDER_ENVIRONMENT: return SPAN("environment");
    case PROVIDER_BUILT_IN: return SPAN("built-in");
    }
    return SPAN_NONE;
}

/* The models that lead to PROVIDER under their own name: `provider/model` rows. */
static void write_models(struct json_writer *writer, const struct snapshot *snapshot,
                         struct span provider)
{
    struct snapshot_table models = snapshot_page(snapshot)->models;

    json_write_key(writer, SPAN("models"));
    json_write_array(writer);
    for (uint32_t i = 0; i < models.count; i++) {
        const struct snapshot_model *model = SNAPSHOT_ROW(snapshot, models, i, snapshot_model);
        struct span name = snapshot_span(snapshot, model->name);

        if (name.len > provider.len + 1 && span_starts(name, provider) &&
            name.ptr[provider.len] == '/')
            json_write_text(writer, span_skip(name, provider.len + 1));
    }
    json_write_array_end(writer);
}

/* "set", "none" or "waiting"; and what is the matter with its token. */
static void write_credential(struct json_writer *writer, const struct house *house,
                             struct span name, const struct snapshot_provider *row)
{
    const struct oauth_row *token = oauth_find(&house->oauth, name);
    struct buffer note _buffer_;

    buffer_init(&note, 1000);
    if (token)
        oauth_write_trouble(token, &note);
    json_write_member_text(writer, SPAN("credential"),
                           row->waiting          ? SPAN("waiting")
                           : row->credential.len ? SPAN("set")
                                                 : SPAN("none"));
    json_write_member_text(writer, SPAN("note"), note.len ? buffer_span(&note) : SPAN_NONE);
}

static void write_provider(struct json_writer *writer, struct house *house,
                           const struct snapshot_provider *row)
{
    const struct snapshot *snapshot = house->snapshot;
    struct span name = snapshot_span(snapshot, row->name);
    struct buffer url;

    buffer_init(&url, 8192);
    if (!row->mock) {
        (void)buffer_append(&url, row->tls ? SPAN("https://") : SPAN("http://"));
        (void)buffer_append(&url, snapshot_span(snapshot, row->authority));
        (void)buffer_append(&url, snapshot_span(snapshot, row->base_path));
    }
    json_write_object(writer);
    json_write_member_text(writer, SPAN("name"), name);
    json_write_member_text(writer, SPAN("kind"), snapshot_span(snapshot, row->kind));
    json_write_member_text(writer, SPAN("base_url"), buffer_span(&url));
    json_write_member_text(writer, SPAN("source"),
                           source_name(configure_source(house->settings, house->rows, name)));
    write_credential(writer, house, name, row);
    write_models(writer, snapshot, name);
    json_write_object_end(writer);
    buffer_done(&url);
}

void route_providers_list(struct admin_request *request)
{
    struct house *house = request->house;
    struct json_writer writer = admin_answer(request);
    struct snapshot_table table;

    json_write_object(&writer);
    json_write_key(&writer, SPAN("providers"));
    json_write_array(&writer);
    if (house->snapshot) {
        table = snapshot_page(house->snapshot)->providers;
        for (uint32_t i = 0; i < table.count; i++)
            write_provider(&writer, house,
                           SNAPSHOT_ROW(house->snapshot, table, i, snapshot_provider));
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

/* ---- changes ----------------------------------------------------------------------------- */

bool admin_name_fits(struct span name)
{
    if (name.len == 0 || name.len > ADMIN_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return false;
    }
    return true;
}

/* Says no when a member of the body cannot be; the row's texts live in the request's arena. */
static bool read_row(struct admin_request *request, struct span name, struct account_row *row)
{
    cJSON *body = admin_body(request);
    struct settings_url url;
    const char *wrong = NULL;

    if (!body)
        return false;
    memset(row, 0, sizeof(*row));
    if (!name.ptr)
        name = json_tree_text(body, "name");
    row->kind = json_tree_text(body, "kind");
    row->base_url = json_tree_text(body, "base_url");
    row->credential = secret_of(json_tree_text(body, "api_key"));
    if (!admin_name_fits(name))
        wrong = "name: " ADMIN_NAME_SAY;
    else if (row->kind.ptr &&
             (!provider_kind_find(row->kind) || span_eq(row->kind, PROVIDER_KIND_STORE)))
        wrong = "kind: there is no such kind of provider";
    else if (row->base_url.ptr && !settings_split_url(row->base_url, &url))
        wrong = "base_url: http:// or https:// without user, query and fragment";
    else if (!admin_read_list(request, body, "models", &row->models))
        wrong = "models: a list of names";
    else if (row->credential.hidden.len > VAULT_SECRET_MAX)
        wrong = "api_key: too long";
    if (wrong)
        admin_refuse(request, 400, "bad_request", span_of_text(wrong));
    row->name = arena_copy(&request->arena, name.ptr ? name : SPAN(""));
    if (row->kind.ptr)
        row->kind = arena_copy(&request->arena, row->kind);
    if (row->base_url.ptr)
        row->base_url = arena_copy(&request->arena, row->base_url);
    if (row->credential.hidden.ptr)
        row->credential = secret_of(arena_copy(&request->arena, row->credential.hidden));
    cJSON_Delete(body);
    return !wrong;
}

/* UNSET: what is said of a credential that the row does not have. */
static void answer_account(struct admin_request *request, const struct account_row *row,
                           struct span unset)
{
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("name"), row->name);
    json_write_member_text(&writer, SPAN("kind"), row->kind);
    json_write_member_text(&writer, SPAN("base_url"), row->base_url);
    json_write_member_text(&writer, SPAN("source"), SPAN("store"));
    json_write_member_text(&writer, SPAN("credential"),
                           row->credential.hidden.len ? SPAN("set") : unset);
    admin_write_list(&writer, SPAN("models"), row->models);
    json_write_object_end(&writer);
}

static void add_account(struct admin_request *request)
{
    struct account_row row;
    int result;

    if (!read_row(request, SPAN_NONE, &row))
        return;
    row.created_ms = clock_wall_ms();
    result = accounts_create(request->house->store, &request->house->vault, &row);
    if (result < 0)
        admin_refuse_errno(request, result, SPAN("provider"));
    else
        answer_account(request, &row, SPAN("none"));
}

/* Answers with the row of the route's argument. */
static void show_named(void *who, const struct account_row *row)
{
    struct admin_request *request = who;

    if (span_eq(row->name, request->arguments[0]))
        answer_account(request, row, SPAN("none"));
}

/* Shows the account as it is now. */
static void edit_account(struct admin_request *request)
{
    struct account_row row;
    int result;

    if (!read_row(request, request->arguments[0], &row))
        return;
    result = accounts_change(request->house->store, &request->house->vault, &row);
    if (result >= 0)
        result =
            accounts_each(request->house->store, &request->house->vault, show_named, request);
    if (result < 0)
        admin_refuse_errno(request, result, SPAN("provider"));
}

static void remove_account(struct admin_request *request)
{
    int result = accounts_remove(request->house->store, request->arguments[0]);
    struct json_writer writer;

    if (result >= 0) /* another account of that name is another */
        result = drains_set(request->house->store, request->arguments[0], false, 0);
    if (result < 0) {
        admin_refuse_errno(request, result, SPAN("provider"));
        return;
    }
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("ok"), true);
    json_write_object_end(&writer);
}

bool admin_provider_in_force(const struct house *house, struct span name, uint32_t *ret_index)
{
    return house->snapshot && snapshot_find_provider(house->snapshot, name, ret_index);
}

void route_providers_add(struct admin_request *request)
{
    struct account_row row;
    uint32_t index;

    if (!read_row(request, SPAN_NONE, &row)) {
        admin_respond(request);
    } else if (!row.kind.ptr) {
        admin_refuse(request, 400, "bad_request", SPAN("kind is missing"));
        admin_respond(request);
    } else if (admin_provider_in_force(request->house, row.name, &index)) {
        admin_refuse_errno(request, -EEXIST, SPAN("provider"));
        admin_respond(request);
    } else {
        admin_change(request, add_account);
    }
}

void admin_change_stored(struct admin_request *request, admin_route_f *function)
{
    const struct house *house = request->house;
    struct span name = request->arguments[0];
    uint32_t index;

    if (admin_provider_in_force(house, name, &index) &&
        configure_source(house->settings, house->rows, name) != PROVIDER_STORE) {
        admin_refuse(request, 409, "conflict",
                     SPAN("this provider is not from the store: change the settings file"));
        admin_respond(request);
        return;
    }
    admin_change(request, function);
}

void route_providers_edit(struct admin_request *request)
{
    admin_change_stored(request, edit_account);
}

void route_providers_remove(struct admin_request *request)
{
    admin_change_stored(request, remove_account);
}

/* ---- test -------------------------------------------------------------------------------- */

struct provider_test {
    uv_work_t work;
    struct admin_request *request;
    struct outbound_question question;
    struct outbound_answer answer;
    struct span credential; /* in the request's arena */
    struct span model;      /* in the request's arena; ptr NULL: its models were asked for */
};

static void ask_provider(uv_work_t *work)
{
    struct provider_test *test = work->data;

    outbound_ask(&test->question, &test->answer);
}

/* How many bytes of TEXT to show: at most MOST, without half a character at the end. */
static size_t whole_characters(struct span text, size_t most)
{
    if (text.len <= most)
        return text.len;
    while (most > 0 && ((unsigned char)text.ptr[most] & 0xc0) == 0x80)
        most--;
    return most;
}

/* What the provider itself says of its refusal, unless it repeats the credential. */
static void add_own_words(const struct provider_test *test, struct buffer *out)
{
    cJSON *body = json_tree_read(span_of(test->answer.body, test->answer.body_len));
    cJSON *error = cJSON_GetObjectItemCaseSensitive(body, "error");
    struct span words = json_tree_text(cJSON_IsObject(error) ? error : body, "message");
    struct span secret = test->credential;

    if (!words.ptr)
        words = json_tree_text(body, "error");
    if (words.len > 0 && (secret.len == 0 || span_find(words, secret) == SIZE_MAX)) {
        (void)buffer_append(out, SPAN(": "));
        (void)buffer_append(out, span_of(words.ptr, whole_characters(words, WORDS_BYTES_MAX)));
    }
    cJSON_Delete(body);
}

static void provider_answered(uv_work_t *work, int status)
{
    struct provider_test *test = work->data;
    struct admin_request *request = test->request;
    struct json_writer writer = admin_answer(request);
    struct buffer message _buffer_;

    (void)status;
    buffer_init(&message, 1000);
    (void)buffer_append(&message, span_of_text(test->answer.message));
    if (!test->answer.ok)
        add_own_words(test, &message);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("ok"), test->answer.ok);
    json_write_member_u64(&writer, SPAN("status"), test->answer.status);
    json_write_member_u64(&writer, SPAN("latency_ms"), test->answer.latency_ms);
    json_write_member_text(&writer, SPAN("model"), test->model);
    json_write_member_text(&writer, SPAN("message"), buffer_span(&message));
    json_write_object_end(&writer);
    outbound_question_done(&test->question);
    memory_wipe(&test->answer, sizeof(test->answer));
    memory_free(test);
    admin_respond(request);
}

/* A provider without its token is not asked. */
static void answer_waiting(struct admin_request *request, const struct oauth_row *token)
{
    struct json_writer writer = admin_answer(request);
    struct buffer message _buffer_;

    buffer_init(&message, 1000);
    oauth_write_trouble(token, &message);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("ok"), false);
    json_write_member_u64(&writer, SPAN("status"), 0);
    json_write_member_u64(&writer, SPAN("latency_ms"), 0);
    json_write_member_text(&writer, SPAN("model"), SPAN_NONE);
    json_write_member_text(&writer, SPAN("message"), buffer_span(&message));
    json_write_object_end(&writer);
    admin_respond(request);
}

static void answer_mock(struct admin_request *request)
{
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("ok"), true);
    json_write_member_u64(&writer, SPAN("status"), 200);
    json_write_member_u64(&writer, SPAN("latency_ms"), 0);
    json_write_member_text(&writer, SPAN("model"), SPAN("echo"));
    json_write_member_text(&writer, SPAN("message"), SPAN("built in"));
    json_write_object_end(&writer);
    admin_respond(request);
}

/* The first model of the provider's own rows; false when none is known. */
static bool first_model(const struct snapshot *snapshot, uint32_t provider,
                        const struct snapshot_target **ret)
{
    struct snapshot_table models = snapshot_page(snapshot)->models;

    for (uint32_t i = 0; i < models.count; i++) {
        const struct snapshot_model *model = SNAPSHOT_ROW(snapshot, models, i, snapshot_model);

        for (uint32_t j = 0; j < model->targets.count; j++) {
            *ret = SNAPSHOT_ROW(snapshot, model->targets, j, snapshot_target);
            if ((*ret)->provider == provider)
                return true;
        }
    }
    return false;
}

void route_providers_test(struct admin_request *request)
{
    struct house *house = request->house;
    struct provider_test *test;
    const struct snapshot_provider *row;
    const struct snapshot_target *model;
    const struct oauth_row *token = oauth_find(&house->oauth, request->arguments[0]);
    uint32_t index;

    if (!admin_provider_in_force(house, request->arguments[0], &index)) {
        admin_refuse_errno(request, -ENOENT, SPAN("provider"));
        admin_respond(request);
        return;
    }
    row = SNAPSHOT_ROW(house->snapshot, snapshot_page(house->snapshot)->providers, index,
                       snapshot_provider);
    if (row->mock) {
        answer_mock(request);
        return;
    }
    if (row->waiting && token) {
        answer_waiting(request, token);
        return;
    }
    test = MEMORY_NEW(struct provider_test);
    test->request = request;
    test->work.data = test;
    test->credential =
        arena_copy(&request->arena, snapshot_span(house->snapshot, row->credential));
    if (first_model(house->snapshot, index, &model)) {
        test->model = arena_copy(&request->arena, snapshot_span(house->snapshot, model->model));
        question_of_model(&test->question, house->snapshot, row, model, &request->arena);
    } else {
        (void)question_of_list(&test->question, house->snapshot, row, SPAN_NONE,
                               &request->arena);
    }
    if (uv_queue_work(house->loop, &test->work, ask_provider, provider_answered) < 0)
        provider_answered(&test->work, 0);
}
