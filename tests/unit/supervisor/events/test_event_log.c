#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/events/event_log.h"
#include "tests/support/database.h"

static struct store *store;
static struct event_log *event_log;
static char told[4096]; /* at_ms:provider:to, one after the other */

static void begin(void)
{
    static const char *const tables[] = {"provider_events"};

    store = database_new(tables, ARRAY_LEN(tables));
    event_log = event_log_new(SPAN("here"), 3);
}

static void end(void)
{
    event_log_free(event_log);
    store_close(store);
}

static void add(int64_t at_ms, const char *provider, enum health_state to)
{
    struct watch_event event = {.at_ms = at_ms,
                                .from = HEALTH_HEALTHY,
                                .to = (uint8_t)to,
                                .cause = WATCH_REQUESTS,
                                .fault = to == HEALTH_DOWN ? FAULT_provider_error : FAULT_NONE};

    memcpy(event.provider, provider, strlen(provider));
    event_log_add(event_log, &event);
}

static void tell(void *who, const struct event_row *row)
{
    size_t len = strlen(told);

    (void)who;
    ck_assert(span_eq(row->host, SPAN("here")));
    ck_assert(span_eq(row->from, SPAN("healthy")));
    ck_assert(span_eq(row->cause, SPAN("requests")));
    ck_assert(row->why.ptr ? span_eq(row->why, SPAN("provider_error"))
                           : !span_eq(row->to, SPAN("down")));
    (void)snprintf(told + len, sizeof(told) - len, "%lld:%.*s:%.*s ", (long long)row->at_ms,
                   SPAN_ARG(row->provider), SPAN_ARG(row->to));
}

static const char *stored(const char *provider, unsigned limit)
{
    told[0] = '\0';
    ck_assert_int_eq(event_log_each(event_log, store,
                                    provider ? span_of_text(provider) : SPAN_NONE, limit, tell,
                                    NULL),
                     0);
    return told;
}

static const char *recent(const char *provider, unsigned limit)
{
    told[0] = '\0';
    event_log_recent(event_log, provider ? span_of_text(provider) : SPAN_NONE, limit, tell,
                     NULL);
    return told;
}

START_TEST(the_newest_is_first_also_of_one_millisecond)
{
    add(5, "a", HEALTH_DOWN);
    add(5, "a", HEALTH_DEGRADED);
    add(6, "b", HEALTH_LIMITED);
    ck_assert_str_eq(recent(NULL, 9), "6:b:limited 5:a:degraded 5:a:down ");
    ck_assert_uint_eq(event_log_waiting(event_log), 3);
    ck_assert_str_eq(stored(NULL, 9), "6:b:limited 5:a:degraded 5:a:down ");
    ck_assert_uint_eq(event_log_waiting(event_log), 0);
    ck_assert_str_eq(stored("a", 9), "5:a:degraded 5:a:down ");
    ck_assert_str_eq(recent("a", 1), "5:a:degraded ");
    ck_assert_str_eq(stored(NULL, 2), "6:b:limited 5:a:degraded ");
    ck_assert_str_eq(stored("' or 1=1 --", 2), "");
}

END_TEST

START_TEST(what_is_put_twice_is_there_once)
{
    add(5, "a", HEALTH_DOWN);
    (void)stored(NULL, 9);
    event_log_free(event_log);
    event_log = event_log_new(SPAN("here"), 3); /* it did not learn that they arrived */
    add(5, "a", HEALTH_DOWN);
    add(7, "a", HEALTH_LIMITED);
    ck_assert_str_eq(stored(NULL, 9), "7:a:limited 5:a:down ");
}

END_TEST

START_TEST(a_store_that_is_away_loses_nothing_that_has_room)
{
    struct buffer error;
    struct store *away;

    buffer_init(&error, 1000);
    away = store_open(SPAN("sqlite:/nowhere/at/all/aigw.db"), &error);
    buffer_done(&error);
    add(5, "a", HEALTH_DOWN);
    ck_assert_int_lt(event_log_store(event_log, away), 0);
    ck_assert_uint_eq(event_log_waiting(event_log), 1);
    store_close(away);
    ck_assert_str_eq(stored(NULL, 9), "5:a:down ");
}

END_TEST

START_TEST(the_oldest_go_when_there_is_no_room)
{
    for (unsigned i = 0; i < EVENT_LOG_ROOM + 10; i++)
        add(i, "a", HEALTH_LIMITED);
    ck_assert_uint_eq(event_log_waiting(event_log), EVENT_LOG_ROOM);
    ck_assert_uint_eq(event_log_lost(event_log), 10);
    ck_assert_int_eq(event_log_store(event_log, store), 0);
    ck_assert_uint_eq(event_log_waiting(event_log), 0);
    ck_assert_int_eq(store_run(store, "select 1 from provider_events where at_ms >= 10", NULL,
                               0, NULL, NULL),
                     EVENT_LOG_ROOM);
}

END_TEST

START_TEST(the_old_and_the_many_go)
{
    for (unsigned i = 0; i < 10; i++)
        add(i, "a", HEALTH_LIMITED);
    ck_assert_int_eq(event_log_store(event_log, store), 0);
    ck_assert_int_eq(event_log_retain(store, 4, 100), 4);
    ck_assert_int_eq(event_log_retain(store, 4, 100), 0);
    ck_assert_int_eq(event_log_retain(store, 0, 2), 4);
    ck_assert_str_eq(stored(NULL, 9), "9:a:limited 8:a:limited ");
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("event_log");
    TCase *tests = tcase_create("event_log");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_newest_is_first_also_of_one_millisecond);
    tcase_add_test(tests, what_is_put_twice_is_there_once);
    tcase_add_test(tests, a_store_that_is_away_loses_nothing_that_has_room);
    tcase_add_test(tests, the_oldest_go_when_there_is_no_room);
    tcase_add_test(tests, the_old_and_the_many_go);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
