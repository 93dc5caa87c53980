/* /admin/v1/limits, /budgets: changes run on the line; the lists stand in admin_levels.c. */
#include "supervisor/admin/admin_rules.h"

#include <errno.h>

#include "shared/base/clock.h"

void admin_write_limit(struct json_writer *writer, const struct rate_text *text)
{
    struct rate_text copy = *text;
    struct span *member;
    const char *name;

    for (unsigned i = 0; (name = rate_text_member(i, &copy, &member)); i++)
        json_write_member_text(writer, span_of_text(name), *member);
}

void admin_write_budget(struct json_writer *writer, const struct budget_text *text)
{
    struct budget_text copy = *text;
    struct buffer window _buffer_;
    struct span *member;
    const char *name;

    buffer_init(&window, 40);
    if (text->window_ms > 0)
        (void)buffer_append_format(&window, "%llum",
                                   (unsigned long long)text->window_ms / 60000);
    for (unsigned i = 0; (name = budget_text_member(i, &copy, &member)); i++)
        json_write_member_text(writer, span_of_text(name), *member);
    json_write_member_text(writer, SPAN("window"),
                           window.len ? buffer_span(&window) : SPAN_NONE);
    json_write_member_bool(writer, SPAN("strict"), text->strict != 0);
    json_write_member_bool(writer, SPAN("cut"), text->cut != 0);
}

static void refuse_rule(struct admin_request *request, const struct rule_fault *fault)
{
    struct buffer text _buffer_;

    buffer_init(&text, 1000);
    (void)buffer_append_format(&text, "%s: %s", fault->member, fault->why);
    admin_refuse(request, 400, "bad_request", buffer_span(&text));
}

/* A text, or a whole number as its digits; null takes it away; what is absent stays. */
static bool read_member(struct admin_request *request, const cJSON *body, const char *name,
                        struct span *member)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
    struct buffer digits _buffer_;
    int64_t number;

    buffer_init(&digits, 40);
    if (!item)
        return true;
    *member = SPAN_NONE;
    if (cJSON_IsNull(item))
        return true;
    if (cJSON_IsString(item)) {
        *member = arena_copy(&request->arena, span_of_text(item->valuestring));
        return true;
    }
    if (!json_tree_i64(body, name, -(1LL << 53), 1LL << 53, &number))
        return false;
    (void)buffer_append_i64(&digits, number);
    *member = arena_copy(&request->arena, buffer_span(&digits));
    return true;
}

static bool refuse_member(struct admin_request *request, const char *name)
{
    refuse_rule(request, &(struct rule_fault){name, "must be a text"});
    return false;
}

static bool read_limit(struct admin_request *request, const cJSON *body, struct rate_text *text)
{
    struct rate_rule rule;
    struct rule_fault fault;
    struct span *member;
    const char *name;

    for (unsigned i = 0; (name = rate_text_member(i, text, &member)); i++) {
        if (!read_member(request, body, name, member))
            return refuse_member(request, name);
    }
    if (rate_rule_read(text, &rule, &fault))
        return true;
    refuse_rule(request, &fault);
    return false;
}

static bool read_flag(const cJSON *body, const char *name, uint64_t *flag)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);

    if (item)
        *flag = cJSON_IsTrue(item) ? 1 : 0;
    return !item || cJSON_IsBool(item) || cJSON_IsNull(item);
}

static bool read_window(struct admin_request *request, const cJSON *body, uint64_t *window_ms)
{
    struct span text = SPAN_NONE;

    if (!cJSON_GetObjectItemCaseSensitive(body, "window"))
        return true;
    *window_ms = 0;
    return read_member(request, body, "window", &text) &&
           (!text.ptr || clock_read_duration_ms(text, window_ms));
}

static bool read_budget(struct admin_request *request, const cJSON *body,
                        struct budget_text *text)
{
    struct budget_rule rule;
    struct rule_fault fault;
    struct span *member;
    const char *name;

    for (unsigned i = 0; (name = budget_text_member(i, text, &member)); i++) {
        if (!read_member(request, body, name, member))
            return refuse_member(request, name);
    }
    if (!read_window(request, body, &text->window_ms))
        return refuse_member(request, "window");
    if (!read_flag(body, "strict", &text->strict))
        return refuse_member(request, "strict");
    if (!read_flag(body, "cut", &text->cut))
        return refuse_member(request, "cut");
    if (budget_rule_read(text, &rule, &fault))
        return true;
    refuse_rule(request, &fault);
    return false;
}

static int64_t id_of(const struct admin_request *request)
{
    uint64_t id;

    return span_read_u64(request->arguments[0], &id) && id <= INT64_MAX ? (int64_t)id : 0;
}

static void answer_limit(struct admin_request *request, const struct limit_row *row)
{
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_member_i64(&writer, SPAN("id"), row->id);
    admin_write_limit(&writer, &row->text);
    json_write_member_i64(&writer, SPAN("created_ms"), row->created_ms);
    json_write_object_end(&writer);
}

static void answer_budget(struct admin_request *request, const struct budget_row *row)
{
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_member_i64(&writer, SPAN("id"), row->id);
    admin_write_budget(&writer, &row->text);
    json_write_member_i64(&writer, SPAN("created_ms"), row->created_ms);
    json_write_object_end(&writer);
}

static void answer_removed(struct admin_request *request, int result, struct span what)
{
    struct json_writer writer;

    if (result < 0) {
        admin_refuse_errno(request, result, what);
        return;
    }
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("ok"), true);
    json_write_object_end(&writer);
}

#define ROUTES(many, one)                                                                      \
    void route_##many##_get(struct admin_request *request)                                     \
    {                                                                                          \
        struct one##_row row = {.id = 0};                                                      \
        int result =                                                                           \
            one##_row_find(request->house->store, id_of(request), &request->arena, &row);      \
                                                                                               \
        if (result < 0)                                                                        \
            admin_refuse_errno(request, result, SPAN(#one));                                   \
        else                                                                                   \
            answer_##one(request, &row);                                                       \
    }                                                                                          \
    void route_##many##_create(struct admin_request *request)                                  \
    {                                                                                          \
        struct one##_row row = {.id = 0};                                                      \
        cJSON *body = admin_body(request);                                                     \
        int result;                                                                            \
                                                                                               \
        if (!body)                                                                             \
            return;                                                                            \
        if (read_##one(request, body, &row.text)) {                                            \
            result = one##_row_create(request->house->store, &row);                            \
            if (result < 0)                                                                    \
                admin_refuse_errno(request, result, SPAN(#one));                               \
            else                                                                               \
                answer_##one(request, &row);                                                   \
        }                                                                                      \
        cJSON_Delete(body);                                                                    \
    }                                                                                          \
    void route_##many##_edit(struct admin_request *request)                                    \
    {                                                                                          \
        struct one##_row row = {.id = 0};                                                      \
        cJSON *body = admin_body(request);                                                     \
        int result;                                                                            \
                                                                                               \
        if (!body)                                                                             \
            return;                                                                            \
        result = one##_row_find(request->house->store, id_of(request), &request->arena, &row); \
        if (result < 0) {                                                                      \
            admin_refuse_errno(request, result, SPAN(#one));                                   \
        } else if (read_##one(request, body, &row.text)) {                                     \
            result = one##_row_change(request->house->store, &row);                            \
            if (result < 0)                                                                    \
                admin_refuse_errno(request, result, SPAN(#one));                               \
            else                                                                               \
                answer_##one(request, &row);                                                   \
        }                                                                                      \
        cJSON_Delete(body);                                                                    \
    }                                                                                          \
    void route_##many##_remove(struct admin_request *request)                                  \
    {                                                                                          \
        answer_removed(request, one##_row_remove(request->house->store, id_of(request)),       \
                       SPAN(#one));                                                            \
    }

ROUTES(limits, limit)
ROUTES(budgets, budget)
