/* aigwctl route explain: where a request would go now, and why. */
#include "shared/base/check.h"

#include "cli/body.h"

static const struct column target_columns[] = {
    {"PLACE", "place", COLUMN_TEXT},         {"PROVIDER", "provider", COLUMN_TEXT},
    {"MODEL", "model", COLUMN_TEXT},         {"OF", "of", COLUMN_TEXT},
    {"ROLE", "role", COLUMN_TEXT},           {"AGAINST IT", "reason", COLUMN_TEXT},
    {"CONDITION", "condition", COLUMN_TEXT}, {"TRIED IN", "wait_ms", COLUMN_DURATION},
    {"STRATEGY", "strategy", COLUMN_TEXT},   {"PRIORITY", "priority", COLUMN_TEXT},
    {"WEIGHT", "weight", COLUMN_TEXT},       {"SCORE", "score", COLUMN_TEXT},
    {"HEALTH", "health", COLUMN_TEXT},       {"IN FLIGHT", "in_flight", COLUMN_TEXT},
    {"RECENT", "recent", COLUMN_TEXT},       {"FIRST BYTE", "first_us", COLUMN_MICROSECONDS},
    {"PRICED", "priced", COLUMN_TEXT},       {"CONTEXT", "context", COLUMN_TEXT},
};

static const struct column bound_columns[] = {
    {"attempts at most", "attempts", COLUMN_TEXT},
    {"of one target", "per_target", COLUMN_TEXT},
    {"after failures, percent", "budget_percent", COLUMN_TEXT},
    {"time for all", "total_ms", COLUMN_DURATION},
    {"second beside a slow one", "hedge", COLUMN_TEXT},
};

/* The option's digits as a number; false: they are none. */
static bool write_tokens(struct json_writer *writer, const struct invocation *invocation,
                         enum option option, struct span key)
{
    uint64_t number;

    if (!invocation->options[option].ptr)
        return true;
    if (!span_read_u64(invocation->options[option], &number))
        return false;
    json_write_member_u64(writer, key, number);
    return true;
}

/* False: a number of tokens is none. */
static bool write_question(const struct invocation *invocation, struct buffer *body)
{
    struct json_writer writer;
    bool good;

    json_write_init(&writer, body);
    json_write_object(&writer);
    body_option(&writer, invocation, OPTION_MODEL, SPAN("model"));
    body_option(&writer, invocation, OPTION_KEY, SPAN("key"));
    body_option(&writer, invocation, OPTION_SESSION, SPAN("session"));
    body_option(&writer, invocation, OPTION_PROVIDER, SPAN("provider"));
    body_option(&writer, invocation, OPTION_AT, SPAN("at"));
    body_list(&writer, SPAN("tags"), invocation->options[OPTION_TAG]);
    body_list(&writer, SPAN("headers"), invocation->options[OPTION_HEADER]);
    body_list(&writer, SPAN("features"), invocation->options[OPTION_FEATURES]);
    good = write_tokens(&writer, invocation, OPTION_INPUT_TOKENS, SPAN("input")) &&
           write_tokens(&writer, invocation, OPTION_OUTPUT_TOKENS, SPAN("output"));
    json_write_object_end(&writer);
    return good;
}

static void write_answer(const cJSON *answer, struct buffer *out)
{
    table_write(cJSON_GetObjectItemCaseSensitive(answer, "targets"), target_columns,
                ARRAY_LEN(target_columns), out);
    (void)buffer_append_byte(out, '\n');
    table_write_record(cJSON_GetObjectItemCaseSensitive(answer, "bounds"), bound_columns,
                       ARRAY_LEN(bound_columns), out);
}

int route_explain_show(struct invocation *invocation)
{
    struct buffer _buffer_ body, out;
    struct link_answer answer;
    int code;

    buffer_init(&body, BODY_BYTES);
    buffer_init(&out, PAGE_BYTES);
    if (!invocation->options[OPTION_MODEL].ptr)
        return tell_error(invocation, EXIT_USAGE, SPAN("--model is needed"));
    if (!write_question(invocation, &body))
        return tell_error(invocation, EXIT_USAGE,
                          SPAN("--input-tokens and --output-tokens are numbers here"));
    code = link_ask(invocation, "POST", SPAN("/route/explain"), buffer_span(&body), &answer);
    if (code == EXIT_OK && !link_printed(invocation, &answer)) {
        write_answer(answer.tree, &out);
        print_out(buffer_span(&out));
    }
    link_answer_done(&answer);
    return code;
}
