/* aigwctl ledger: the chains of usage rows, shown and walked. */
#include "shared/base/check.h"

#include "cli/body.h"

static const struct column chain_columns[] = {
    {"HOST", "host", COLUMN_TEXT}, {"MONTH", "month", COLUMN_TEXT},
    {"ROWS", "rows", COLUMN_TEXT}, {"LAST", "seq", COLUMN_TEXT},
    {"HASH", "hash", COLUMN_TEXT},
};

int ledger_show(struct invocation *invocation)
{
    return ask_and_show(invocation, "GET", SPAN("/ledger"), SPAN_NONE, "chains", chain_columns,
                        ARRAY_LEN(chain_columns));
}

static void write_number(const cJSON *object, const char *name, struct buffer *out)
{
    table_write_value(cJSON_GetObjectItemCaseSensitive(object, name), COLUMN_TEXT, out);
}

/* "row 7 (request 01..) of gateway-1, 2026-11, was changed" */
static void write_finding(const cJSON *finding, struct buffer *out)
{
    struct span request = json_tree_text(finding, "request_id");
    struct span month = json_tree_text(finding, "month");

    (void)buffer_append(out, SPAN("row "));
    write_number(finding, "seq", out);
    if (cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(finding, "last_seq")) >
        cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(finding, "seq"))) {
        (void)buffer_append(out, SPAN(" to "));
        write_number(finding, "last_seq", out);
    }
    if (request.ptr)
        (void)buffer_append_format(out, " (request %.*s)", SPAN_ARG(request));
    if (month.ptr)
        (void)buffer_append_format(out, " of %.*s, %.*s,",
                                   SPAN_ARG(json_tree_text(finding, "host")), SPAN_ARG(month));
    (void)buffer_append_format(out, " was %.*s", SPAN_ARG(json_tree_text(finding, "what")));
}

static int tell(struct invocation *invocation, const cJSON *finding, double rows)
{
    struct buffer _buffer_ out;

    buffer_init(&out, 4096);
    if (cJSON_IsObject(finding)) {
        write_finding(finding, &out);
        return tell_error(invocation, EXIT_CONFLICT, buffer_span(&out));
    }
    if (invocation->json)
        (void)buffer_append_format(&out, "{\"rows\":%.0f,\"finding\":null}\n", rows);
    else
        (void)buffer_append_format(
            &out, "%.0f rows, nothing was changed, removed or inserted\n", rows);
    if (!invocation->quiet)
        print_out(buffer_span(&out));
    return EXIT_OK;
}

/* Stretch by stretch: the daemon has other work between. */
int ledger_verify_show(struct invocation *invocation)
{
    struct buffer _buffer_ path;
    double rows = 0;
    bool done = false;
    int code = EXIT_OK;

    buffer_init(&path, 1024);
    (void)buffer_append(&path, SPAN("/ledger/verify"));
    while (!done && code == EXIT_OK) {
        struct link_answer answer;

        code = link_ask(invocation, "GET", buffer_span(&path), SPAN_NONE, &answer);
        if (code == EXIT_OK) {
            rows += cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(answer.tree, "rows"));
            done = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(answer.tree, "done"));
            buffer_clear(&path);
            (void)buffer_append(&path, SPAN("/ledger/verify?"));
            (void)buffer_append(&path, json_tree_text(answer.tree, "next"));
        }
        if (done)
            code = tell(invocation, cJSON_GetObjectItemCaseSensitive(answer.tree, "finding"),
                        rows);
        link_answer_done(&answer);
    }
    return code;
}
