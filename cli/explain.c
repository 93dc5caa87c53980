/* aigwctl explain: one request, for people in the order of what happened to it. */
#include "shared/base/check.h"

#include "cli/body.h"

#define ROOMS_MAX 32

static const struct column who_columns[] = {
    {"request", "request_id", COLUMN_TEXT},
    {"started", "started_ms", COLUMN_TIME},
    {"key", "key_id", COLUMN_TEXT},
    {"tenant", "tenant", COLUMN_ID},
    {"team", "team", COLUMN_ID},
    {"user", "user_id", COLUMN_ID},
    {"tags", "tags", COLUMN_LIST},
    {"operation", "operation", COLUMN_TEXT},
    {"dialect", "dialect", COLUMN_TEXT},
    {"asked for", "asked_model", COLUMN_TEXT},
    {"candidates", "candidates", COLUMN_LIST},
    {"served by", "provider", COLUMN_TEXT},
    {"with credential", "credential", COLUMN_TEXT},
    {"as model", "served_model", COLUMN_TEXT},
    {"in dialect", "provider_dialect", COLUMN_TEXT},
    {"not carried over", "dropped", COLUMN_LIST},
    {"service", "service", COLUMN_TEXT},
    {"streamed", "streamed", COLUMN_TRUTH},
    {"status", "status", COLUMN_TEXT},
    {"outcome", "outcome", COLUMN_TEXT},
    {"fault", "fault", COLUMN_TEXT},
    {"finish", "finish", COLUMN_TEXT},
    {"attempts", "attempts", COLUMN_TEXT},
    {"first byte", "first_byte_us", COLUMN_MICROSECONDS},
    {"duration", "duration_us", COLUMN_MICROSECONDS},
    {"request bytes", "request_bytes", COLUMN_TEXT},
    {"answer bytes", "answer_bytes", COLUMN_TEXT},
    {"host", "host", COLUMN_TEXT},
};

static const struct column token_columns[] = {
    {"input tokens", "input_tokens", COLUMN_TEXT},
    {"  cached", "cached_tokens", COLUMN_TEXT},
    {"  cache written", "cache_write_tokens", COLUMN_TEXT},
    {"  for long", "cache_write_long_tokens", COLUMN_TEXT},
    {"  audio", "audio_tokens", COLUMN_TEXT},
    {"  images", "image_tokens", COLUMN_TEXT},
    {"  of tools", "tool_input_tokens", COLUMN_TEXT},
    {"output tokens", "output_tokens", COLUMN_TEXT},
    {"  reasoning", "reasoning_tokens", COLUMN_TEXT},
    {"  audio", "audio_output_tokens", COLUMN_TEXT},
    {"  images", "image_output_tokens", COLUMN_TEXT},
    {"searches", "searches", COLUMN_TEXT},
    {"counted by us", "estimated", COLUMN_TRUTH},
    {"from the cache", "cache_hit", COLUMN_TRUTH},
    {"  layer", "cache_layer", COLUMN_TEXT},
};

static const struct column money_columns[] = {
    {"price", "price", COLUMN_TEXT},
    {"cost", "cost_nano", COLUMN_MONEY},
    {"reserved before", "reserved_nano", COLUMN_MONEY},
    {"saved", "saved_nano", COLUMN_MONEY},
    {"row", "seq", COLUMN_TEXT},
    {"hash", "hash", COLUMN_TEXT},
};

static const struct column limit_columns[] = {
    {"SCOPE", "scope", COLUMN_TEXT}, {"SUBJECT", "subject", COLUMN_TEXT},
    {"RULE", "rule", COLUMN_TEXT},   {"LEVEL", "level", COLUMN_TEXT},
    {"LIMIT", "limit", COLUMN_TEXT}, {"MODE", "mode", COLUMN_TEXT},
};

static const struct column try_columns[] = {
    {"PROVIDER", "provider", COLUMN_TEXT},     {"MODEL", "model", COLUMN_TEXT},
    {"CREDENTIAL", "credential", COLUMN_TEXT}, {"STATUS", "status", COLUMN_TEXT},
    {"FAULT", "fault", COLUMN_TEXT},           {"TIME", "ms", COLUMN_DURATION},
};

/* A list of the record as a table below its title; what is no list is shown as it stands. */
static void write_list(const cJSON *record, const char *name, const struct column *columns,
                       unsigned count, struct buffer *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(record, name);

    if (!list || cJSON_IsNull(list))
        return;
    (void)buffer_append_format(out, "\n%s\n", name);
    if (cJSON_IsArray(list)) {
        table_write(list, columns, count, out);
        return;
    }
    table_write_value(list, COLUMN_TEXT, out);
    (void)buffer_append_byte(out, '\n');
}

static void write_rooms(const cJSON *record, struct buffer *out)
{
    const cJSON *rooms = cJSON_GetObjectItemCaseSensitive(record, "rooms"), *room;
    struct column columns[ROOMS_MAX];
    unsigned count = 0;

    if (!cJSON_IsObject(rooms)) {
        write_list(record, "rooms", NULL, 0, out);
        return;
    }
    (void)buffer_append(out, SPAN("\nrooms\n"));
    cJSON_ArrayForEach(room, rooms)
    {
        if (count < ROOMS_MAX)
            columns[count++] = (struct column){room->string, room->string, COLUMN_MICROSECONDS};
    }
    table_write_record(rooms, columns, count, out);
}

static void write_raw(const cJSON *record, struct buffer *out)
{
    const cJSON *raw = cJSON_GetObjectItemCaseSensitive(record, "raw_usage");
    char *text = raw && !cJSON_IsNull(raw) ? cJSON_PrintUnformatted(raw) : NULL;

    if (text)
        (void)buffer_append_format(out, "\nthe provider's own usage\n%s\n", text);
    cJSON_free(text);
}

static void write_all(const cJSON *record, struct buffer *out)
{
    table_write_record(record, who_columns, ARRAY_LEN(who_columns), out);
    write_list(record, "tries", try_columns, ARRAY_LEN(try_columns), out);
    write_list(record, "limits", limit_columns, ARRAY_LEN(limit_columns), out);
    write_rooms(record, out);
    (void)buffer_append_byte(out, '\n');
    table_write_record(record, token_columns, ARRAY_LEN(token_columns), out);
    (void)buffer_append_byte(out, '\n');
    table_write_record(record, money_columns, ARRAY_LEN(money_columns), out);
    write_raw(record, out);
}

int explain_show(struct invocation *invocation)
{
    struct link_answer answer;
    struct buffer _buffer_ out, path;

    buffer_init(&out, PAGE_BYTES);
    buffer_init(&path, 2048);
    (void)buffer_append(&path, SPAN("/usage/"));
    append_segment(&path, invocation->arguments[0]);
    if (path.failed)
        return tell_error(invocation, EXIT_USAGE, SPAN("the id is too long"));
    int code = link_ask(invocation, "GET", buffer_span(&path), SPAN_NONE, &answer);

    if (code == EXIT_OK && !link_printed(invocation, &answer)) {
        write_all(answer.tree, &out);
        print_out(buffer_span(&out));
    }
    link_answer_done(&answer);
    return code;
}
