#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/metrics/metrics.h"

static struct segment *segment;
static struct buffer page;

static void before(void)
{
    int fd = -1;

    segment = segment_create(&fd);
    ck_assert_ptr_nonnull(segment);
    (void)close(fd);
    buffer_init(&page, METRICS_PAGE_BYTES);
}

static void after(void)
{
    segment_detach(segment);
    buffer_done(&page);
}

static void write_page(const struct metrics_provider *providers, unsigned count)
{
    struct metrics_view view = {
        .segment = segment, .providers = providers, .provider_count = count, .store_up = true};

    buffer_clear(&page);
    metrics_write(&view, &page);
    ck_assert(!page.failed);
}

/* Whether LINE stands in the page as a whole line. */
static bool page_has(const char *line)
{
    struct span rest = buffer_span(&page), one;

    while (span_cut(&rest, '\n', &one)) {
        if (span_eq(one, span_of_text(line)))
            return true;
    }
    return false;
}

START_TEST(counters_of_all_slots_are_added_up)
{
    metric_add(segment_metrics(segment, 0), METRIC_requests_total, 3);
    metric_add(segment_metrics(segment, SEGMENT_SLOTS - 1), METRIC_requests_total, 4);
    write_page(NULL, 0);
    ck_assert(page_has("aigw_requests_total 7"));
    ck_assert(page_has("# TYPE aigw_requests_total counter"));
}

END_TEST

START_TEST(a_dead_worker_keeps_its_counters_but_has_no_connections)
{
    struct slot *slot = segment_slot(segment, 2);

    metric_add(segment_metrics(segment, 2), METRIC_connections_total, 9);
    atomic_store(&slot->connections, 5);
    atomic_store(&slot->state, SLOT_READY);
    write_page(NULL, 0);
    ck_assert(page_has("aigw_connections_open 5"));
    atomic_store(&slot->state, SLOT_DEAD);
    write_page(NULL, 0);
    ck_assert(page_has("aigw_connections_open 0"));
    ck_assert(page_has("aigw_connections_total 9"));
    ck_assert(page_has("aigw_workers{state=\"dead\"} 1"));
}

END_TEST

START_TEST(histograms_are_cumulative_and_in_seconds)
{
    histogram_add(&segment_metrics(segment, 0)->total, 10);
    histogram_add(&segment_metrics(segment, 1)->total, 1000);
    histogram_add(&segment_metrics(segment, 1)->total, 3600000000ULL);
    write_page(NULL, 0);
    ck_assert(page_has("aigw_request_seconds_bucket{le=\"1.6e-05\"} 1"));
    ck_assert(page_has("aigw_request_seconds_bucket{le=\"0.001024\"} 2"));
    ck_assert(page_has("aigw_request_seconds_bucket{le=\"+Inf\"} 3"));
    ck_assert(page_has("aigw_request_seconds_count 3"));
    ck_assert(page_has("aigw_request_seconds_sum 3600.00101"));
}

END_TEST

START_TEST(label_values_are_escaped)
{
    const struct metrics_provider odd = {
        .name = SPAN("a\"b\\c\nd"), .health_row = 1, .changes = {[HEALTH_DOWN] = 5}};

    atomic_store(&segment_target(segment, 1)->requests, 2);
    write_page(&odd, 1);
    ck_assert(page_has("aigw_provider_requests_total{provider=\"a\\\"b\\\\c\\nd\"} 2"));
    ck_assert(page_has(
        "aigw_provider_state_changes_total{provider=\"a\\\"b\\\\c\\nd\",to=\"down\"} 5"));
}

END_TEST

START_TEST(no_sample_has_two_types_and_every_line_has_a_value)
{
    struct span rest, line;
    unsigned lines = 0;

    write_page(NULL, 0);
    rest = buffer_span(&page);
    while (span_cut(&rest, '\n', &line)) {
        if (line.len == 0)
            continue;
        lines++;
        ck_assert(span_starts(line, SPAN("# HELP aigw_")) ||
                  span_starts(line, SPAN("# TYPE aigw_")) ||
                  (span_starts(line, SPAN("aigw_")) && span_find(line, SPAN(" ")) != SIZE_MAX));
    }
    ck_assert_uint_gt(lines, 100);
    ck_assert_ptr_null(rest.ptr);
}

END_TEST

/* The metrics have their own list so that they need not see the workers' rooms. */
START_TEST(the_phases_are_those_of_the_workers)
{
#define PHASE(name, help) #name,
    static const char *const ours[] = {
#include "shared/segment/phases.def"
    };
#undef PHASE
#define PHASE(name) #name,
    static const char *const theirs[] = {
#include "worker/flow/pipeline.def"
    };
#undef PHASE

    ck_assert_uint_eq(ARRAY_LEN(ours), ARRAY_LEN(theirs));
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        ck_assert_str_eq(ours[i], theirs[i]);
}

END_TEST

START_TEST(the_reference_page_is_in_step)
{
    struct buffer made;
    FILE *file = fopen("docs/metrics.md", "r");
    char *stored = calloc(1, 65536);
    size_t len;

    ck_assert_ptr_nonnull(file);
    len = fread(stored, 1, 65535, file);
    (void)fclose(file);
    buffer_init(&made, 65536);
    metrics_write_reference(&made);
    ck_assert_msg(span_eq(buffer_span(&made), span_of(stored, len)),
                  "docs/metrics.md should be:\n%.*s", (int)made.len, made.ptr);
    buffer_done(&made);
    free(stored);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *text = tcase_create("page");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(text, before, after);
    tcase_add_test(text, counters_of_all_slots_are_added_up);
    tcase_add_test(text, a_dead_worker_keeps_its_counters_but_has_no_connections);
    tcase_add_test(text, histograms_are_cumulative_and_in_seconds);
    tcase_add_test(text, label_values_are_escaped);
    tcase_add_test(text, no_sample_has_two_types_and_every_line_has_a_value);
    tcase_add_test(text, the_phases_are_those_of_the_workers);
    tcase_add_test(text, the_reference_page_is_in_step);
    suite_add_tcase(suite, text);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
