/* aigwctl status, usage, config show, config reload */
#include "shared/base/check.h"

#include "cli/body.h"

static const struct column head_columns[] = {
    {"version", "version", COLUMN_TEXT},
    {"settings", "settings_file", COLUMN_TEXT},
    {"up", "uptime_ms", COLUMN_DURATION},
    {"generation", "generation", COLUMN_TEXT},
    {"last event", "last_event", COLUMN_TEXT},
    {"not in the store", "missing_providers", COLUMN_LIST},
    {"tokens", "token_troubles", COLUMN_LIST},
};

static const struct column process_columns[] = {
    {"ROLE", "role", COLUMN_TEXT},
    {"NUMBER", "number", COLUMN_TEXT},
    {"PID", "pid", COLUMN_TEXT},
    {"STATE", "state", COLUMN_TEXT},
    {"CONNECTIONS", "connections", COLUMN_TEXT},
    {"EXCHANGES", "exchanges", COLUMN_TEXT},
    {"STREAMS", "streams", COLUMN_TEXT},
    {"HEARTBEAT", "heartbeat_age_ms", COLUMN_DURATION},
    {"GENERATION", "generation", COLUMN_TEXT},
};

static const struct column store_columns[] = {
    {"store", "kind", COLUMN_TEXT},
    {"state", "state", COLUMN_TEXT},
    {"error", "error", COLUMN_TEXT},
};

static const struct column ledger_columns[] = {
    {"journal bytes waiting", "waiting_bytes", COLUMN_TEXT},
    {"records", "records_total", COLUMN_TEXT},
    {"last error", "last_error", COLUMN_TEXT},
};

static const struct column shared_columns[] = {
    {"counters shared", "mode", COLUMN_TEXT},
    {"state", "state", COLUMN_TEXT},
    {"hosts", "hosts", COLUMN_TEXT},
    {"epoch", "epoch", COLUMN_TEXT},
    {"breaker", "breaker", COLUMN_TEXT},
    {"round trip", "round_trip_us", COLUMN_MICROSECONDS},
    {"failures", "failures_total", COLUMN_TEXT},
    {"rates", "rates", COLUMN_TEXT},
    {"budgets", "budgets", COLUMN_TEXT},
    {"error", "error", COLUMN_TEXT},
};

static const struct column target_columns[] = {
    {"PROVIDER", "provider", COLUMN_TEXT},          {"REQUESTS", "requests", COLUMN_TEXT},
    {"FAILURES", "failures", COLUMN_TEXT},          {"IN FLIGHT", "in_flight", COLUMN_TEXT},
    {"LATENCY", "latency_us", COLUMN_MICROSECONDS},
};

static const cJSON *part(const struct link_answer *answer, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(answer->tree, name);
}

int status_show(struct invocation *invocation)
{
    struct link_answer answer;
    struct buffer out;
    int code = link_ask(invocation, "GET", SPAN("/status"), SPAN_NONE, &answer);

    buffer_init(&out, PAGE_BYTES);
    if (code == EXIT_OK && !link_printed(invocation, &answer)) {
        table_write_record(answer.tree, head_columns, ARRAY_LEN(head_columns), &out);
        table_write_record(part(&answer, "store"), store_columns, ARRAY_LEN(store_columns),
                           &out);
        table_write_record(part(&answer, "ledger"), ledger_columns, ARRAY_LEN(ledger_columns),
                           &out);
        table_write_record(part(&answer, "shared"), shared_columns, ARRAY_LEN(shared_columns),
                           &out);
        (void)buffer_append_byte(&out, '\n');
        table_write(part(&answer, "processes"), process_columns, ARRAY_LEN(process_columns),
                    &out);
        (void)buffer_append_byte(&out, '\n');
        table_write(part(&answer, "targets"), target_columns, ARRAY_LEN(target_columns), &out);
        print_out(buffer_span(&out));
    }
    buffer_done(&out);
    link_answer_done(&answer);
    return code;
}

/* For people the settings are shown as the file that they could have come from. */
int config_show(struct invocation *invocation)
{
    struct link_answer answer;
    int code = link_ask(invocation, "GET", SPAN("/config"), SPAN_NONE, &answer);

    if (code == EXIT_OK && !link_printed(invocation, &answer))
        print_out(json_tree_text(answer.tree, "settings"));
    link_answer_done(&answer);
    return code;
}

int config_reload(struct invocation *invocation)
{
    struct link_answer answer;
    int code = link_ask(invocation, "POST", SPAN("/config/reload"), SPAN_NONE, &answer);

    if (code == EXIT_OK && !link_printed(invocation, &answer))
        print_out(SPAN("the settings are in force\n"));
    link_answer_done(&answer);
    return code;
}
