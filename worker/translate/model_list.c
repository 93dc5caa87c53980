#include "worker/translate/model_list.h"

#include "shared/base/clock.h"

#define NAME_LIMIT 4096

static void write_openai(struct json_writer *json, struct listed_model model)
{
    json_write_member_text(json, SPAN("id"), model.id);
    json_write_member_text(json, SPAN("object"), SPAN("model"));
    json_write_member_i64(json, SPAN("created"), model.created_s);
    json_write_member_text(json, SPAN("owned_by"), model.owner);
}

static void write_limit(struct json_writer *json, struct span key, uint32_t tokens)
{
    if (tokens > 0)
        json_write_member_u64(json, key, tokens);
}

static void write_anthropic(struct json_writer *json, struct listed_model model)
{
    char time[CLOCK_TEXT_SIZE];

    clock_write_rfc3339(model.created_s * 1000, time);
    json_write_member_text(json, SPAN("type"), SPAN("model"));
    json_write_member_text(json, SPAN("id"), model.id);
    json_write_member_text(json, SPAN("display_name"), model.id);
    json_write_member_text(json, SPAN("created_at"), span_of(time, sizeof(time)));
    write_limit(json, SPAN("max_input_tokens"), model.context);
    write_limit(json, SPAN("max_tokens"), model.output);
}

/* A model of which nothing is known may do either. */
static void write_methods(struct json_writer *json, uint32_t capabilities)
{
    bool embeds = capabilities == 0 || (capabilities & CAPABILITY_embeddings);
    bool chats = !(capabilities & CAPABILITY_embeddings);

    json_write_key(json, SPAN("supportedGenerationMethods"));
    json_write_array(json);
    if (chats) {
        json_write_text(json, SPAN("generateContent"));
        json_write_text(json, SPAN("countTokens"));
    }
    if (embeds)
        json_write_text(json, SPAN("embedContent"));
    json_write_array_end(json);
}

static void write_gemini(struct json_writer *json, struct listed_model model)
{
    struct buffer name _buffer_;

    buffer_init(&name, NAME_LIMIT);
    (void)buffer_append(&name, SPAN("models/"));
    (void)buffer_append(&name, model.id);
    json_write_member_text(json, SPAN("name"), buffer_span(&name));
    json_write_member_text(json, SPAN("displayName"), model.id);
    write_limit(json, SPAN("inputTokenLimit"), model.context);
    write_limit(json, SPAN("outputTokenLimit"), model.output);
    write_methods(json, model.capabilities);
}

typedef void write_model_f(struct json_writer *json, struct listed_model model);

static const struct {
    struct span member; /* of the list */
    write_model_f *write;
} forms[DIALECT_COUNT] = {
    [DIALECT_openai] = {{"data", 4}, write_openai},
    [DIALECT_responses] = {{"data", 4}, write_openai},
    [DIALECT_anthropic] = {{"data", 4}, write_anthropic},
    [DIALECT_gemini] = {{"models", 6}, write_gemini},
};

static void write_one(enum dialect_id dialect, struct listed_model model,
                      struct json_writer *json)
{
    json_write_object(json);
    forms[dialect].write(json, model);
    json_write_object_end(json);
}

void model_list_begin(struct model_list *list, enum dialect_id dialect, struct buffer *out)
{
    *list = (struct model_list){.dialect = dialect};
    json_write_init(&list->json, out);
    json_write_object(&list->json);
    if (forms[dialect].write == write_openai)
        json_write_member_text(&list->json, SPAN("object"), SPAN("list"));
    json_write_key(&list->json, forms[dialect].member);
    json_write_array(&list->json);
}

void model_list_add(struct model_list *list, struct listed_model model)
{
    if (!list->first.ptr)
        list->first = model.id;
    list->last = model.id;
    write_one(list->dialect, model, &list->json);
}

void model_list_end(struct model_list *list)
{
    json_write_array_end(&list->json);
    if (forms[list->dialect].write == write_anthropic) {
        json_write_member_bool(&list->json, SPAN("has_more"), false);
        json_write_member_text(&list->json, SPAN("first_id"), list->first);
        json_write_member_text(&list->json, SPAN("last_id"), list->last);
    }
    json_write_object_end(&list->json);
}

void model_write(enum dialect_id dialect, struct listed_model model, struct buffer *out)
{
    struct json_writer json;

    json_write_init(&json, out);
    write_one(dialect, model, &json);
}
