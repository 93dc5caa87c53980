/* aigwctl providers ..., models list */
#include <errno.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/log.h"

#include "cli/body.h"
#include "cli/place.h"

static const struct column columns[] = {
    {"NAME", "name", COLUMN_TEXT},
    {"KIND", "kind", COLUMN_TEXT},
    {"BASE URL", "base_url", COLUMN_TEXT},
    {"SOURCE", "source", COLUMN_TEXT},
    {"CREDENTIAL", "credential", COLUMN_TEXT},
    {"MODELS", "models", COLUMN_LIST},
    {"NOTE", "note", COLUMN_TEXT},
};

static const struct column health_columns[] = {
    {"NAME", "name", COLUMN_TEXT},
    {"STATE", "state", COLUMN_TEXT},
    {"TRIED IN", "wait_ms", COLUMN_DURATION},
    {"REQUESTS", "requests", COLUMN_TEXT},
    {"FAILURES", "failures", COLUMN_TEXT},
    {"IN A ROW", "failures_in_row", COLUMN_TEXT},
    {"EJECTIONS", "ejections", COLUMN_TEXT},
    {"LAST FAILURE", "since_failure_ms", COLUMN_DURATION},
    {"CREDENTIALS", "credentials", COLUMN_STATES},
};

static const struct column event_columns[] = {
    {"TIME", "at_ms", COLUMN_TIME},    {"HOST", "host", COLUMN_TEXT},
    {"NAME", "provider", COLUMN_TEXT}, {"FROM", "from", COLUMN_TEXT},
    {"TO", "to", COLUMN_TEXT},         {"CAUSE", "cause", COLUMN_TEXT},
    {"WHY", "why", COLUMN_TEXT},       {"UNTIL", "until_ms", COLUMN_TIME},
};

static const struct column test_columns[] = {
    {"ok", "ok", COLUMN_TEXT},
    {"status", "status", COLUMN_TEXT},
    {"latency", "latency_ms", COLUMN_DURATION},
    {"model", "model", COLUMN_TEXT},
    {"message", "message", COLUMN_TEXT},
};

static const struct column model_columns[] = {
    {"NAME", "name", COLUMN_TEXT},
    {"CONTEXT", "context", COLUMN_TEXT},
    {"OUTPUT", "output", COLUMN_TEXT},
    {"$/M IN / OUT", "price", COLUMN_TEXT},
    {"CAPABILITIES", "capabilities", COLUMN_LIST},
    {"TARGETS", "targets", COLUMN_TARGETS},
};

int providers_list(struct invocation *invocation)
{
    return ask_and_show(invocation, "GET", SPAN("/providers"), SPAN_NONE, "providers", columns,
                        ARRAY_LEN(columns));
}

int providers_health(struct invocation *invocation)
{
    return ask_and_show(invocation, "GET", SPAN("/providers/health"), SPAN_NONE, "providers",
                        health_columns, ARRAY_LEN(health_columns));
}

static void events_path(const struct invocation *invocation, uint64_t limit,
                        struct buffer *path)
{
    struct span provider = invocation->options[OPTION_PROVIDER];

    (void)buffer_append(path, SPAN("/providers/events?limit="));
    (void)buffer_append_u64(path, limit);
    if (!provider.ptr)
        return;
    (void)buffer_append(path, SPAN("&provider="));
    append_segment(path, provider);
}

int providers_events(struct invocation *invocation)
{
    struct span limit = invocation->options[OPTION_LIMIT];
    struct buffer path _buffer_;
    uint64_t number = 20;

    buffer_init(&path, BODY_BYTES);
    if (limit.ptr && (!span_read_u64(limit, &number) || number == 0 || number > 1000))
        return tell_error(invocation, EXIT_USAGE, SPAN("--limit is a number from 1 to 1000"));
    events_path(invocation, number, &path);
    return ask_and_show(invocation, "GET", buffer_span(&path), SPAN_NONE, "events",
                        event_columns, ARRAY_LEN(event_columns));
}

int models_list(struct invocation *invocation)
{
    return ask_and_show(invocation, "GET", SPAN("/models"), SPAN_NONE, "models", model_columns,
                        ARRAY_LEN(model_columns));
}

/* The credential of --api-key, --api-key - or --api-key-file; ptr NULL when none is given. */
static int read_credential(const struct invocation *invocation, struct span *ret)
{
    struct span file = invocation->options[OPTION_API_KEY_FILE];
    char text[512];

    *ret = invocation->options[OPTION_API_KEY];
    if (ret->ptr && file.ptr)
        return tell_error(invocation, EXIT_USAGE,
                          SPAN("--api-key and --api-key-file exclude each other"));
    if (span_eq(*ret, SPAN("-")))
        file = *ret;
    if (!file.ptr)
        return EXIT_OK;
    *ret = place_read_file(file);
    if (ret->ptr)
        return EXIT_OK;
    (void)snprintf(text, sizeof(text), "cannot read the credential from %.*s: %s",
                   SPAN_ARG(file), log_error_text(errno));
    return tell_error(invocation, EXIT_FAILED, span_of_text(text));
}

static int send_provider(struct invocation *invocation, const char *method, struct span path)
{
    struct buffer body;
    struct json_writer writer;
    struct span credential;
    int code = read_credential(invocation, &credential);

    if (code != EXIT_OK)
        return code;
    buffer_init(&body, BODY_BYTES);
    json_write_init(&writer, &body);
    json_write_object(&writer);
    body_option(&writer, invocation, OPTION_NAME, SPAN("name"));
    body_option(&writer, invocation, OPTION_KIND, SPAN("kind"));
    body_option(&writer, invocation, OPTION_BASE_URL, SPAN("base_url"));
    if (credential.ptr)
        json_write_member_text(&writer, SPAN("api_key"), credential);
    body_list(&writer, SPAN("models"), invocation->options[OPTION_MODELS]);
    json_write_object_end(&writer);
    code = ask_and_show(invocation, method, path, buffer_span(&body), NULL, columns,
                        ARRAY_LEN(columns));
    buffer_done(&body);
    return code;
}

int providers_add(struct invocation *invocation)
{
    if (!invocation->options[OPTION_NAME].ptr || !invocation->options[OPTION_KIND].ptr)
        return tell_error(invocation, EXIT_USAGE, SPAN("--name and --kind are needed"));
    return send_provider(invocation, "POST", SPAN("/providers"));
}

/* /providers/NAME and, when VERB is there, /VERB. */
static void provider_path(const struct invocation *invocation, struct span verb,
                          struct buffer *path)
{
    buffer_init(path, BODY_BYTES);
    (void)buffer_append(path, SPAN("/providers/"));
    append_segment(path, invocation->arguments[0]);
    if (verb.ptr)
        (void)buffer_append(path, verb);
}

int providers_edit(struct invocation *invocation)
{
    struct buffer path;
    int code;

    provider_path(invocation, SPAN_NONE, &path);
    code = send_provider(invocation, "PATCH", buffer_span(&path));
    buffer_done(&path);
    return code;
}

int providers_remove(struct invocation *invocation)
{
    struct buffer path;
    int code;

    provider_path(invocation, SPAN_NONE, &path);
    code = link_remove(invocation, buffer_span(&path));
    buffer_done(&path);
    return code;
}

/* DONE is printed. */
static int send_drain(struct invocation *invocation, struct span path_end, struct span done)
{
    struct buffer path;
    struct link_answer answer;
    int code;

    provider_path(invocation, path_end, &path);
    code = link_ask(invocation, "POST", buffer_span(&path), SPAN_NONE, &answer);
    if (code == EXIT_OK && !link_printed(invocation, &answer))
        print_out(done);
    link_answer_done(&answer);
    buffer_done(&path);
    return code;
}

int providers_drain(struct invocation *invocation)
{
    return send_drain(invocation, SPAN("/drain"), SPAN("drained\n"));
}

int providers_resume(struct invocation *invocation)
{
    return send_drain(invocation, SPAN("/resume"), SPAN("resumed\n"));
}

int providers_test(struct invocation *invocation)
{
    struct buffer path, out;
    struct link_answer answer;
    int code;

    provider_path(invocation, SPAN("/test"), &path);
    buffer_init(&out, BODY_BYTES);
    code = link_ask(invocation, "POST", buffer_span(&path), SPAN_NONE, &answer);
    if (code == EXIT_OK && !link_printed(invocation, &answer)) {
        table_write_record(answer.tree, test_columns, ARRAY_LEN(test_columns), &out);
        print_out(buffer_span(&out));
    }
    if (code == EXIT_OK && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer.tree, "ok")))
        code = EXIT_FAILED;
    link_answer_done(&answer);
    buffer_done(&out);
    buffer_done(&path);
    return code;
}
