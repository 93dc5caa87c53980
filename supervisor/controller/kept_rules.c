/* Tenants, teams, users, limits and budgets in the copy of the rows. */
#include "supervisor/controller/rows.h"
#include "supervisor/rules/rules.h"

/* ---- writing ----------------------------------------------------------------------------- */

static void write_owner(struct json_writer *writer, const struct configure_owner *owner)
{
    json_write_object(writer);
    json_write_member_u64(writer, SPAN("kind"), owner->kind);
    json_write_member_u64(writer, SPAN("id"), owner->id);
    json_write_member_u64(writer, SPAN("tenant"), owner->tenant);
    json_write_member_text(writer, SPAN("name"), owner->name);
    if (owner->models) {
        json_write_key(writer, SPAN("models"));
        json_write_array(writer);
        for (uint32_t i = 0; i < owner->model_count; i++)
            json_write_text(writer, owner->models[i]);
        json_write_array_end(writer);
    }
    json_write_object_end(writer);
}

static void write_limit(struct json_writer *writer, const struct rate_text *limit)
{
    struct rate_text text = *limit;
    struct span *member;
    const char *name;

    json_write_object(writer);
    json_write_member_i64(writer, SPAN("id"), text.id);
    for (unsigned i = 0; (name = rate_text_member(i, &text, &member)); i++)
        json_write_member_text(writer, span_of_text(name), *member);
    json_write_object_end(writer);
}

static void write_budget(struct json_writer *writer, const struct budget_text *budget)
{
    struct budget_text text = *budget;
    struct span *member;
    const char *name;

    json_write_object(writer);
    json_write_member_i64(writer, SPAN("id"), text.id);
    for (unsigned i = 0; (name = budget_text_member(i, &text, &member)); i++)
        json_write_member_text(writer, span_of_text(name), *member);
    json_write_member_u64(writer, SPAN("window_ms"), text.window_ms);
    json_write_member_u64(writer, SPAN("strict"), text.strict);
    json_write_member_u64(writer, SPAN("cut"), text.cut);
    json_write_object_end(writer);
}

void kept_write_rules(const struct rows *rows, struct json_writer *writer)
{
    json_write_key(writer, SPAN("owners"));
    json_write_array(writer);
    for (uint32_t i = 0; i < rows->owner_count; i++)
        write_owner(writer, &rows->owners[i]);
    json_write_array_end(writer);
    json_write_key(writer, SPAN("limits"));
    json_write_array(writer);
    for (uint32_t i = 0; i < rows->limit_count; i++)
        write_limit(writer, &rows->limits[i]);
    json_write_array_end(writer);
    json_write_key(writer, SPAN("budgets"));
    json_write_array(writer);
    for (uint32_t i = 0; i < rows->budget_count; i++)
        write_budget(writer, &rows->budgets[i]);
    json_write_array_end(writer);
}

/* ---- reading ----------------------------------------------------------------------------- */

static uint64_t number(const cJSON *object, const char *name)
{
    int64_t value = 0;

    return json_tree_i64(object, name, 0, INT64_MAX, &value) ? (uint64_t)value : 0;
}

static struct span copied(struct rows *rows, const cJSON *item, const char *name)
{
    struct span text = json_tree_text(item, name);

    return text.ptr ? arena_copy(&rows->arena, text) : SPAN_NONE;
}

static void read_owner(struct rows *rows, const cJSON *item)
{
    const cJSON *models = cJSON_GetObjectItemCaseSensitive(item, "models");
    struct configure_owner owner = {.kind = (enum limit_scope)number(item, "kind"),
                                    .id = number(item, "id"),
                                    .tenant = number(item, "tenant"),
                                    .name = copied(rows, item, "name")};
    char *text = models ? cJSON_PrintUnformatted(models) : NULL;

    owner.models = rows_names(rows, span_of_text(text), &owner.model_count);
    cJSON_free(text);
    if (owner.kind <= LIMIT_SCOPE_user)
        rows_add_owner(rows, &owner);
}

static void read_limit(struct rows *rows, const cJSON *item)
{
    struct rate_text text = {.id = (int64_t)number(item, "id")};
    struct span *member;
    const char *name;

    for (unsigned i = 0; (name = rate_text_member(i, &text, &member)); i++)
        *member = copied(rows, item, name);
    rows_add_limit(rows, &text);
}

static void read_budget(struct rows *rows, const cJSON *item)
{
    struct budget_text text = {.id = (int64_t)number(item, "id"),
                               .window_ms = number(item, "window_ms"),
                               .strict = number(item, "strict"),
                               .cut = number(item, "cut")};
    struct span *member;
    const char *name;

    for (unsigned i = 0; (name = budget_text_member(i, &text, &member)); i++)
        *member = copied(rows, item, name);
    rows_add_budget(rows, &text);
}

void kept_read_rules(struct rows *rows, const cJSON *tree)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(tree, "owners"))
    {
        read_owner(rows, item);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(tree, "limits"))
    {
        read_limit(rows, item);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(tree, "budgets"))
    {
        read_budget(rows, item);
    }
}
