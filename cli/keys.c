/* aigwctl keys ... */
#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "cli/body.h"

static const struct column list_columns[] = {
    {"ID", "id", COLUMN_TEXT},
    {"NAME", "name", COLUMN_TEXT},
    {"STATE", "state", COLUMN_TEXT},
    {"CREATED", "created_ms", COLUMN_TIME},
    {"EXPIRES", "expires_ms", COLUMN_TIME},
    {"MODELS", "models", COLUMN_ALL_LIST},
};

static const struct column one_columns[] = {
    {"id", "id", COLUMN_TEXT},
    {"name", "name", COLUMN_TEXT},
    {"state", "state", COLUMN_TEXT},
    {"created", "created_ms", COLUMN_TIME},
    {"expires", "expires_ms", COLUMN_TIME},
    {"old value until", "previous_until_ms", COLUMN_TIME},
    {"models", "models", COLUMN_ALL_LIST},
    {"tenant id", "tenant", COLUMN_TEXT},
    {"team id", "team", COLUMN_TEXT},
    {"user id", "user", COLUMN_TEXT},
    {"ends in", "last4", COLUMN_TEXT},
};

static const struct column made_columns[] = {
    {"key", "key", COLUMN_TEXT},
    {"id", "id", COLUMN_TEXT},
    {"name", "name", COLUMN_TEXT},
    {"expires", "expires_ms", COLUMN_TIME},
};

/* *RET_MS of a duration option, 0 when it is not given; EXIT_USAGE was told. */
static int read_duration(const struct invocation *invocation, enum option option,
                         uint64_t *ret_ms)
{
    struct span given = invocation->options[option];

    *ret_ms = 0;
    if (!given.ptr || clock_read_duration_ms(given, ret_ms))
        return EXIT_OK;
    return tell_error(invocation, EXIT_USAGE, SPAN("not a time: write 90s, 15m, 12h or 30d"));
}

/* "expires" is said as it is written in the body. */
static void write_unset(struct json_writer *writer, struct span unset)
{
    struct span piece;

    while (unset.ptr && span_cut(&unset, ',', &piece)) {
        piece = span_trim(piece);
        json_write_key(writer, span_eq(piece, SPAN("expires")) ? SPAN("expires_ms") : piece);
        json_write_null(writer);
    }
}

static int write_wanted(const struct invocation *invocation, struct buffer *body)
{
    struct json_writer writer;
    uint64_t expires_ms;
    int code = read_duration(invocation, OPTION_EXPIRES, &expires_ms);

    json_write_init(&writer, body);
    json_write_object(&writer);
    body_option(&writer, invocation, OPTION_NAME, SPAN("name"));
    if (invocation->options[OPTION_EXPIRES].ptr)
        json_write_member_i64(&writer, SPAN("expires_ms"),
                              clock_wall_ms() + (int64_t)expires_ms);
    body_list(&writer, SPAN("models"), invocation->options[OPTION_MODELS]);
    body_option(&writer, invocation, OPTION_TENANT, SPAN("tenant"));
    body_option(&writer, invocation, OPTION_TEAM, SPAN("team"));
    body_option(&writer, invocation, OPTION_USER, SPAN("user"));
    write_unset(&writer, invocation->options[OPTION_UNSET]);
    json_write_object_end(&writer);
    return code;
}

int keys_create(struct invocation *invocation)
{
    struct buffer body _buffer_;
    int code;

    buffer_init(&body, BODY_BYTES);
    if (!invocation->options[OPTION_NAME].ptr)
        return tell_error(invocation, EXIT_USAGE, SPAN("--name is missing"));
    code = write_wanted(invocation, &body);
    if (code != EXIT_OK)
        return code;
    return ask_and_show(invocation, "POST", SPAN("/keys"), buffer_span(&body), NULL,
                        made_columns, ARRAY_LEN(made_columns));
}

int keys_list(struct invocation *invocation)
{
    return ask_and_show(invocation, "GET", SPAN("/keys"), SPAN_NONE, "keys", list_columns,
                        ARRAY_LEN(list_columns));
}

/* /keys/ID and, when VERB is there, /VERB. */
static int ask_key(struct invocation *invocation, const char *method, struct span verb,
                   struct span body, const struct column *columns, unsigned count)
{
    struct buffer path;
    int code;

    buffer_init(&path, 2048);
    (void)buffer_append(&path, SPAN("/keys/"));
    append_segment(&path, invocation->arguments[0]);
    if (verb.ptr)
        (void)buffer_append(&path, verb);
    if (path.failed)
        code = tell_error(invocation, EXIT_USAGE, SPAN("the id is too long"));
    else
        code = ask_and_show(invocation, method, buffer_span(&path), body, NULL, columns, count);
    buffer_done(&path);
    return code;
}

int keys_get(struct invocation *invocation)
{
    return ask_key(invocation, "GET", SPAN_NONE, SPAN_NONE, one_columns,
                   ARRAY_LEN(one_columns));
}

int keys_edit(struct invocation *invocation)
{
    struct buffer body _buffer_;
    int code;

    buffer_init(&body, BODY_BYTES);
    code = write_wanted(invocation, &body);
    if (code != EXIT_OK)
        return code;
    return ask_key(invocation, "PATCH", SPAN_NONE, buffer_span(&body), one_columns,
                   ARRAY_LEN(one_columns));
}

int keys_rotate(struct invocation *invocation)
{
    struct buffer body;
    struct json_writer writer;
    uint64_t grace_ms;
    int code = read_duration(invocation, OPTION_GRACE, &grace_ms);

    if (code != EXIT_OK)
        return code;
    buffer_init(&body, BODY_BYTES);
    json_write_init(&writer, &body);
    json_write_object(&writer);
    json_write_member_u64(&writer, SPAN("grace_ms"), grace_ms);
    json_write_object_end(&writer);
    code = ask_key(invocation, "POST", SPAN("/rotate"), buffer_span(&body), made_columns,
                   ARRAY_LEN(made_columns));
    buffer_done(&body);
    return code;
}

int keys_disable(struct invocation *invocation)
{
    return ask_key(invocation, "POST", SPAN("/disable"), SPAN_NONE, one_columns,
                   ARRAY_LEN(one_columns));
}

int keys_enable(struct invocation *invocation)
{
    return ask_key(invocation, "POST", SPAN("/enable"), SPAN_NONE, one_columns,
                   ARRAY_LEN(one_columns));
}

int keys_revoke(struct invocation *invocation)
{
    return ask_key(invocation, "POST", SPAN("/revoke"), SPAN_NONE, one_columns,
                   ARRAY_LEN(one_columns));
}
