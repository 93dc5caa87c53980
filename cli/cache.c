/* aigwctl cache */
#include "shared/base/check.h"

#include "cli/body.h"

static const struct column cache_columns[] = {
    {"on", "on", COLUMN_TEXT},
    {"bytes", "bytes", COLUMN_TEXT},
    {"used", "used_bytes", COLUMN_TEXT},
    {"answers", "entries", COLUMN_TEXT},
    {"room in the index", "slots", COLUMN_TEXT},
    {"hits", "hits", COLUMN_TEXT},
    {"misses", "misses", COLUMN_TEXT},
    {"bypassed", "bypassed", COLUMN_TEXT},
    {"stored", "stored", COLUMN_TEXT},
    {"evicted", "evicted", COLUMN_TEXT},
    {"corrupt", "corrupt", COLUMN_TEXT},
    {"shared", "shared", COLUMN_TEXT},
    {"redis", "redis", COLUMN_TEXT},
    {"redis error", "redis_error", COLUMN_TEXT},
    {"hits in redis", "redis_hits", COLUMN_TEXT},
    {"misses in redis", "redis_misses", COLUMN_TEXT},
    {"stored in redis", "redis_stored", COLUMN_TEXT},
    {"refused from redis", "redis_refused", COLUMN_TEXT},
    {"failures of redis", "redis_failures", COLUMN_TEXT},
    {"saved nanodollars", "saved_nano", COLUMN_TEXT},
};

int cache_status(struct invocation *invocation)
{
    return ask_and_show(invocation, "GET", SPAN("/cache"), SPAN_NONE, NULL, cache_columns,
                        ARRAY_LEN(cache_columns));
}

int cache_clear_answers(struct invocation *invocation)
{
    struct link_answer answer;
    struct json_writer writer;
    struct buffer body;
    int code;

    buffer_init(&body, BODY_BYTES);
    json_write_init(&writer, &body);
    json_write_object(&writer);
    body_option(&writer, invocation, OPTION_TENANT, SPAN("tenant"));
    body_option(&writer, invocation, OPTION_MODEL, SPAN("model"));
    body_option(&writer, invocation, OPTION_TAG, SPAN("tag"));
    body_option(&writer, invocation, OPTION_KEY, SPAN("key"));
    json_write_object_end(&writer);
    code = link_ask(invocation, "POST", SPAN("/cache/clear"), buffer_span(&body), &answer);
    if (code == EXIT_OK && !link_printed(invocation, &answer))
        print_out(SPAN("cleared\n"));
    buffer_done(&body);
    link_answer_done(&answer);
    return code;
}
