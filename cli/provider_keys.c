/* aigwctl providers keys ... */
#include <errno.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/log.h"

#include "cli/body.h"
#include "cli/place.h"

static const struct column columns[] = {
    {"NAME", "name", COLUMN_TEXT},         {"ENDS IN", "last4", COLUMN_TEXT},
    {"STATE", "state", COLUMN_TEXT},       {"BACK IN", "wait_ms", COLUMN_DURATION},
    {"WEIGHT", "weight", COLUMN_TEXT},     {"REQUESTS", "requests", COLUMN_TEXT},
    {"CREATED", "created_ms", COLUMN_TIME}};

static const struct column added_columns[] = {{"name", "name", COLUMN_TEXT},
                                              {"weight", "weight", COLUMN_TEXT},
                                              {"created", "created_ms", COLUMN_TIME}};

/* /providers/ACCOUNT/keys and, when it is there, /KEY. */
static void keys_path(const struct invocation *invocation, struct span key, struct buffer *path)
{
    buffer_init(path, BODY_BYTES);
    (void)buffer_append(path, SPAN("/providers/"));
    append_segment(path, invocation->arguments[0]);
    (void)buffer_append(path, SPAN("/keys"));
    if (!key.ptr)
        return;
    (void)buffer_append_byte(path, '/');
    append_segment(path, key);
}

int provider_keys_list(struct invocation *invocation)
{
    struct buffer path;
    int code;

    keys_path(invocation, SPAN_NONE, &path);
    code = ask_and_show(invocation, "GET", buffer_span(&path), SPAN_NONE, "keys", columns,
                        ARRAY_LEN(columns));
    buffer_done(&path);
    return code;
}

static int send_key(struct invocation *invocation, struct span value)
{
    struct span weight = invocation->options[OPTION_WEIGHT];
    struct buffer path, body;
    struct json_writer writer;
    uint64_t number = 1;
    int code;

    if (weight.ptr && !span_read_u64(weight, &number))
        return tell_error(invocation, EXIT_USAGE, SPAN("--weight is a number"));
    keys_path(invocation, SPAN_NONE, &path);
    buffer_init(&body, BODY_BYTES);
    json_write_init(&writer, &body);
    json_write_object(&writer);
    body_option(&writer, invocation, OPTION_NAME, SPAN("name"));
    json_write_member_text(&writer, SPAN("api_key"), value);
    json_write_member_u64(&writer, SPAN("weight"), number);
    json_write_object_end(&writer);
    code = ask_and_show(invocation, "POST", buffer_span(&path), buffer_span(&body), NULL,
                        added_columns, ARRAY_LEN(added_columns));
    buffer_done(&body);
    buffer_done(&path);
    return code;
}

/* A value on the command line would stand in process lists: there is no option for it. */
int provider_keys_add(struct invocation *invocation)
{
    struct span file = invocation->options[OPTION_API_KEY_FILE];
    struct span value;
    char text[512];

    if (!invocation->options[OPTION_NAME].ptr)
        return tell_error(invocation, EXIT_USAGE, SPAN("--name is needed"));
    value = place_read_file(file.ptr ? file : SPAN("-"));
    if (value.ptr)
        return send_key(invocation, value);
    (void)snprintf(text, sizeof(text), "cannot read the credential: %s", log_error_text(errno));
    return tell_error(invocation, EXIT_FAILED, span_of_text(text));
}

int provider_keys_remove(struct invocation *invocation)
{
    struct buffer path;
    int code;

    keys_path(invocation, invocation->arguments[1], &path);
    code = link_remove(invocation, buffer_span(&path));
    buffer_done(&path);
    return code;
}
