#include "config.h"

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/health/health.h"
#include "shared/queue/queue.h"

#include "supervisor/metrics/metrics.h"

#define PREFIX "aigw_"

enum family {
#define FAMILY(id, name, kind, help) FAMILY_##id,
#include "supervisor/metrics/families.def"
#undef FAMILY
    FAMILY_COUNT
};

struct family_row {
    const char *name, *kind, *help;
};

static const struct family_row families[FAMILY_COUNT] = {
#define FAMILY(id, name, kind, help) [FAMILY_##id] = {name, #kind, help},
#include "supervisor/metrics/families.def"
#undef FAMILY
};

#define COUNTER "counter"
#define GAUGE   "gauge"
static const struct family_row counters[METRIC_COUNT] = {
#define METRIC(name, kind, help) [METRIC_##name] = {#name, kind, help},
#include "shared/segment/metrics.def"
#undef METRIC
};

static const char *const phase_names[] = {
#define PHASE(name, help) #name,
#include "shared/segment/phases.def"
#undef PHASE
};

_Static_assert(ARRAY_LEN(phase_names) <= SEGMENT_PHASES, "every phase has a histogram");

static const char *const state_names[] = {
    [SLOT_STARTING] = "starting",
    [SLOT_READY] = "ready",
    [SLOT_DRAINING] = "draining",
    [SLOT_DEAD] = "dead",
};

static uint64_t read_word(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- text ------------------------------------------------------------------------------- */

static void write_head(struct buffer *out, const struct family_row *row)
{
    (void)buffer_append_format(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
                               row->name, row->help, row->name, row->kind);
}

/* Label values escape backslash, quote and line feed. */
static void write_label_value(struct buffer *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\\' || value.ptr[i] == '"')
            (void)buffer_append_byte(out, '\\');
        if (value.ptr[i] == '\n')
            (void)buffer_append(out, SPAN("\\n"));
        else
            (void)buffer_append_byte(out, value.ptr[i]);
    }
}

/* name{label="value"} without what follows. */
static void write_name(struct buffer *out, const char *name, const char *suffix,
                       const char *label, struct span value)
{
    (void)buffer_append_format(out, PREFIX "%s%s", name, suffix);
    if (!label)
        return;
    (void)buffer_append_format(out, "{%s=\"", label);
    write_label_value(out, value);
    (void)buffer_append(out, SPAN("\"}"));
}

static void write_u64(struct buffer *out, const char *name, const char *label,
                      struct span value, uint64_t number)
{
    write_name(out, name, "", label, value);
    (void)buffer_append_byte(out, ' ');
    (void)buffer_append_u64(out, number);
    (void)buffer_append_byte(out, '\n');
}

static void write_family_u64(struct buffer *out, enum family family, uint64_t number)
{
    write_head(out, &families[family]);
    write_u64(out, families[family].name, NULL, SPAN_NONE, number);
}

/* ---- sums over slots -------------------------------------------------------------------- */

struct summed {
    uint64_t buckets[HISTOGRAM_BUCKETS], sum_us;
};

static void add_histogram(struct summed *summed, const struct histogram *histogram)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        summed->buckets[i] += read_word(&histogram->buckets[i]);
    summed->sum_us += read_word(&histogram->sum_us);
}

/* The count is the sum of the buckets read here, so that the page agrees with itself while
 * workers go on adding. */
static void write_histogram(struct buffer *out, const char *name, const char *label,
                            struct span value, const struct summed *summed)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        count += summed->buckets[i];
        (void)buffer_append_format(out, PREFIX "%s_bucket{", name);
        if (label) {
            (void)buffer_append_format(out, "%s=\"", label);
            write_label_value(out, value);
            (void)buffer_append(out, SPAN("\","));
        }
        if (i + 1 == HISTOGRAM_BUCKETS)
            (void)buffer_append(out, SPAN("le=\"+Inf\"} "));
        else
            (void)buffer_append_format(out, "le=\"%.9g\"} ", (double)(1ULL << (i + 4)) / 1e6);
        (void)buffer_append_u64(out, count);
        (void)buffer_append_byte(out, '\n');
    }
    write_name(out, name, "_sum", label, value);
    (void)buffer_append_format(out, " %.9g\n", (double)summed->sum_us / 1e6);
    write_name(out, name, "_count", label, value);
    (void)buffer_append_format(out, " %llu\n", (unsigned long long)count);
}

static void write_total_histogram(struct buffer *out, struct segment *segment,
                                  enum family family, size_t offset)
{
    struct summed summed = {0};

    for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++) {
        const char *row = (const char *)segment_metrics(segment, slot);

        add_histogram(&summed, (const struct histogram *)(const void *)(row + offset));
    }
    write_head(out, &families[family]);
    write_histogram(out, families[family].name, NULL, SPAN_NONE, &summed);
}

static void write_phases(struct buffer *out, struct segment *segment)
{
    write_head(out, &families[FAMILY_PHASE_SECONDS]);
    for (unsigned phase = 0; phase < ARRAY_LEN(phase_names); phase++) {
        struct summed summed = {0};

        for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++)
            add_histogram(&summed, &segment_metrics(segment, slot)->phases[phase]);
        write_histogram(out, families[FAMILY_PHASE_SECONDS].name, "phase",
                        span_of_text(phase_names[phase]), &summed);
    }
}

static void write_counters(struct buffer *out, struct segment *segment)
{
    for (unsigned metric = 0; metric < METRIC_COUNT; metric++) {
        uint64_t sum = 0;

        for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++)
            sum += read_word(&segment_metrics(segment, slot)->counters[metric]);
        write_head(out, &counters[metric]);
        write_u64(out, counters[metric].name, NULL, SPAN_NONE, sum);
    }
}

static void write_faults(struct buffer *out, struct segment *segment)
{
    write_head(out, &families[FAMILY_FAULTS]);
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        uint64_t sum = 0;

        for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++)
            sum += read_word(&segment_metrics(segment, slot)->faults[fault]);
        write_u64(out, families[FAMILY_FAULTS].name, "fault",
                  span_of_text(fault_row((enum fault)fault)->name), sum);
    }
}

/* ---- workers ---------------------------------------------------------------------------- */

struct open_counts {
    uint64_t states[SLOT_DEAD + 1];
    uint64_t connections, exchanges, streams, upstream_open, upstream_idle;
};

static void count_open(struct segment *segment, struct open_counts *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (uint32_t at = 0; at < SEGMENT_SLOTS; at++) {
        struct slot *slot = segment_slot(segment, at);
        uint32_t state = atomic_load(&slot->state);

        if (state == SLOT_FREE || state > SLOT_DEAD)
            continue;
        ret->states[state]++;
        if (state == SLOT_DEAD)
            continue;
        ret->connections += atomic_load(&slot->connections);
        ret->exchanges += atomic_load(&slot->exchanges);
        ret->streams += atomic_load(&slot->streams);
        ret->upstream_open += atomic_load(&slot->upstream_open);
        ret->upstream_idle += atomic_load(&slot->upstream_idle);
    }
}

static void write_workers(struct buffer *out, const struct metrics_view *view)
{
    struct open_counts open;

    count_open(view->segment, &open);
    write_head(out, &families[FAMILY_WORKERS]);
    for (int state = SLOT_STARTING; state <= SLOT_DEAD; state++)
        write_u64(out, families[FAMILY_WORKERS].name, "state", span_of_text(state_names[state]),
                  open.states[state]);
    write_family_u64(out, FAMILY_WORKERS_DEAD, view->workers_dead);
    write_family_u64(out, FAMILY_CONNECTIONS, open.connections);
    write_family_u64(out, FAMILY_EXCHANGES, open.exchanges);
    write_family_u64(out, FAMILY_STREAMS, open.streams);
    write_family_u64(out, FAMILY_UPSTREAM_OPEN, open.upstream_open);
    write_family_u64(out, FAMILY_UPSTREAM_IDLE, open.upstream_idle);
}

/* ---- providers -------------------------------------------------------------------------- */

static const struct {
    enum family family;
    size_t offset;
} provider_words[] = {
    {FAMILY_PROVIDER_REQUESTS, offsetof(struct target_health, requests)},
    {FAMILY_PROVIDER_FAILURES, offsetof(struct target_health, failures)},
    {FAMILY_PROVIDER_EJECTIONS, offsetof(struct target_health, ejections)},
    {FAMILY_PROVIDER_IN_FLIGHT, offsetof(struct target_health, in_flight)},
    {FAMILY_PROVIDER_INPUT, offsetof(struct target_health, input_tokens)},
    {FAMILY_PROVIDER_OUTPUT, offsetof(struct target_health, output_tokens)},
};

static void write_states(struct buffer *out, const struct metrics_view *view)
{
    const struct family_row *family = &families[FAMILY_PROVIDER_STATE];
    uint64_t now_ms = clock_monotonic_ms(), until_ms;

    write_head(out, family);
    for (unsigned i = 0; i < view->provider_count; i++)
        write_u64(out, family->name, "provider", view->providers[i].name,
                  health_state(segment_target(view->segment, view->providers[i].health_row),
                               now_ms, &until_ms));
}

static void write_changes(struct buffer *out, const struct metrics_view *view)
{
    const struct family_row *family = &families[FAMILY_PROVIDER_CHANGES];

    write_head(out, family);
    for (unsigned i = 0; i < view->provider_count; i++) {
        const struct metrics_provider *provider = &view->providers[i];

        for (unsigned state = 0; state < HEALTH_STATES; state++) {
            (void)buffer_append_format(out, PREFIX "%s{provider=\"", family->name);
            write_label_value(out, provider->name);
            (void)buffer_append_format(out, "\",to=\"%s\"} %llu\n",
                                       health_state_name((enum health_state)state),
                                       (unsigned long long)provider->changes[state]);
        }
    }
}

static void write_waiting(struct buffer *out, const struct metrics_view *view)
{
    const struct family_row *family = &families[FAMILY_PROVIDER_WAITING];

    write_head(out, family);
    for (unsigned i = 0; i < view->provider_count; i++)
        if (view->providers[i].queue > 0)
            write_u64(
                out, family->name, "provider", view->providers[i].name,
                queue_waiting(segment_queue(view->segment, view->providers[i].queue - 1)));
}

static void write_providers(struct buffer *out, const struct metrics_view *view)
{
    const char *latency = families[FAMILY_PROVIDER_LATENCY].name;

    for (unsigned word = 0; word < ARRAY_LEN(provider_words); word++) {
        const struct family_row *family = &families[provider_words[word].family];

        write_head(out, family);
        for (unsigned i = 0; i < view->provider_count; i++) {
            const char *health =
                (const char *)segment_target(view->segment, view->providers[i].health_row);
            const void *at = health + provider_words[word].offset;

            write_u64(out, family->name, "provider", view->providers[i].name,
                      read_word((const _Atomic uint64_t *)at));
        }
    }
    write_states(out, view);
    write_changes(out, view);
    write_waiting(out, view);
    write_head(out, &families[FAMILY_PROVIDER_LATENCY]);
    for (unsigned i = 0; i < view->provider_count; i++) {
        uint64_t us = read_word(
            &segment_target(view->segment, view->providers[i].health_row)->latency_ewma_us);

        write_name(out, latency, "", "provider", view->providers[i].name);
        (void)buffer_append_format(out, " %.9g\n", (double)us / 1e6);
    }
}

/* ---- credentials ------------------------------------------------------------------------- */

static const struct {
    enum family family;
    size_t offset;
} credential_words[] = {
    {FAMILY_CREDENTIAL_REQUESTS, offsetof(struct credential_state, requests)},
    {FAMILY_CREDENTIAL_REFUSED, offsetof(struct credential_state, refused)},
    {FAMILY_CREDENTIAL_LIMITED, offsetof(struct credential_state, limited)},
};

static void write_credential(struct buffer *out, const struct family_row *family,
                             const struct metrics_credential *credential, uint64_t number)
{
    (void)buffer_append_format(out, PREFIX "%s{provider=\"", family->name);
    write_label_value(out, credential->provider);
    (void)buffer_append(out, SPAN("\",credential=\""));
    write_label_value(out, credential->name);
    (void)buffer_append(out, SPAN("\"} "));
    (void)buffer_append_u64(out, number);
    (void)buffer_append_byte(out, '\n');
}

static void write_credentials(struct buffer *out, const struct metrics_view *view)
{
    for (unsigned word = 0; word < ARRAY_LEN(credential_words); word++) {
        const struct family_row *family = &families[credential_words[word].family];

        write_head(out, family);
        for (unsigned i = 0; i < view->credential_count; i++) {
            const struct metrics_credential *credential = &view->credentials[i];
            const char *state =
                (const char *)segment_credential(view->segment, credential->row);
            const void *at = state + credential_words[word].offset;

            write_credential(out, family, credential, read_word((const _Atomic uint64_t *)at));
        }
    }
}

/* ---- budgets ---------------------------------------------------------------------------- */

static void write_budget_family(struct buffer *out, const struct metrics_view *view,
                                enum family family)
{
    write_head(out, &families[family]);
    for (unsigned i = 0; i < view->budget_count; i++) {
        const struct metrics_budget *budget = &view->budgets[i];
        uint64_t nano = family == FAMILY_BUDGET_AMOUNT  ? budget->amount_nano
                        : family == FAMILY_BUDGET_SPENT ? budget->spent_nano
                                                        : budget->committed_nano;

        write_u64(out, families[family].name, "budget", budget->name, nano);
    }
}

static void write_budgets(struct buffer *out, const struct metrics_view *view)
{
    write_budget_family(out, view, FAMILY_BUDGET_AMOUNT);
    write_budget_family(out, view, FAMILY_BUDGET_SPENT);
    write_budget_family(out, view, FAMILY_BUDGET_COMMITTED);
}

void metrics_write(const struct metrics_view *view, struct buffer *out)
{
    struct segment *segment = view->segment;

    write_head(out, &families[FAMILY_INFO]);
    write_u64(out, families[FAMILY_INFO].name, "version", SPAN(AIGW_VERSION), 1);
    write_head(out, &families[FAMILY_STARTED]);
    (void)buffer_append_format(out, PREFIX "%s %.3f\n", families[FAMILY_STARTED].name,
                               (double)view->started_wall_ms / 1e3);
    write_family_u64(out, FAMILY_GENERATION, atomic_load(segment_generation(segment)));
    write_workers(out, view);
    write_counters(out, segment);
    write_faults(out, segment);
    write_phases(out, segment);
    write_total_histogram(out, segment, FAMILY_REQUEST_SECONDS,
                          offsetof(struct metric_row, total));
    write_total_histogram(out, segment, FAMILY_FIRST_BYTE_SECONDS,
                          offsetof(struct metric_row, first_byte));
    write_total_histogram(out, segment, FAMILY_OVERHEAD_SECONDS,
                          offsetof(struct metric_row, overhead));
    write_providers(out, view);
    write_credentials(out, view);
    write_budgets(out, view);
    write_family_u64(out, FAMILY_STORE_UP, view->store_up);
    write_family_u64(out, FAMILY_HOSTS, view->share_hosts);
    write_family_u64(out, FAMILY_SHARE_BREAKER, view->share_breaker_open);
    write_family_u64(out, FAMILY_SHARE_FAILURES, view->share_failures);
    write_family_u64(out, FAMILY_LEDGER_WAITING, view->ledger_waiting_bytes);
    write_family_u64(out, FAMILY_LEDGER_RECORDS, view->ledger_records);
    write_family_u64(out, FAMILY_LEDGER_FAILURES, view->ledger_failures);
    write_family_u64(out, FAMILY_MODELS_UNPRICED, view->models_without_price);
    write_family_u64(out, FAMILY_PRICE_LIST_REFUSED, view->price_list_refused);
    write_family_u64(out, FAMILY_PRICE_LISTS_REFUSED, view->price_lists_refused);
}

static void write_reference_row(const struct family_row *row, struct buffer *out)
{
    (void)buffer_append_format(out, "| `" PREFIX "%s` | %s | %s |\n", row->name, row->kind,
                               row->help);
}

void metrics_write_reference(struct buffer *out)
{
    (void)buffer_append(
        out,
        SPAN(
            "# Metrics\n\n"
            "`GET /metrics` on the admin listener answers in the Prometheus text format "
            "(0.0.4), without a token.\nCounters are sums over all workers since the "
            "daemon started, those of workers that ended included.\nThis page is made "
            "from `shared/segment/metrics.def` and `supervisor/metrics/families.def`; a "
            "unit test\nkeeps it in step.\n\n| name | type | what it counts |\n|---|---|---|\n"));
    for (unsigned i = 0; i < FAMILY_COUNT; i++)
        write_reference_row(&families[i], out);
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        write_reference_row(&counters[i], out);
    (void)buffer_append(out, SPAN("\nLabel `phase` of `" PREFIX "phase_seconds`:\n\n"
                                  "| phase | what it times |\n|---|---|\n"));
#define PHASE(name, help) (void)buffer_append(out, SPAN("| `" #name "` | " help " |\n"));
#include "shared/segment/phases.def"
#undef PHASE
}
