#include "supervisor/rules/spent.h"
#include "tests/unit/supervisor/ledger/ledger_room.h"

#define HOUR (3600 * 1000LL)
#define DAY  (24 * HOUR)

static void put(const char *id, int64_t started_ms, uint64_t nano)
{
    struct usage_record record = {.request_id = span_of_text(id),
                                  .started_ms = (uint64_t)started_ms,
                                  .key_id = SPAN("key-a"),
                                  .team = 2,
                                  .asked_model = SPAN("fast"),
                                  .provider = SPAN("up"),
                                  .cost_nano = nano,
                                  .tags = SPAN("[\"b\",\"c\"]")};
    struct journal journal;

    open_journal(&journal);
    journal_append(&journal, &record);
    journal_close(&journal);
    step_to_end();
}

static uint64_t spent_since(enum limit_scope kind, struct span subject, int64_t begin_ms)
{
    struct spent row = {.kind = kind, .subject = subject, .begin_ms = begin_ms};

    ck_assert_int_eq(spent_ask(store, &row, 1), 0);
    return row.nano;
}

static const struct {
    enum limit_scope kind;
    struct span subject;
} scopes[] = {
    {LIMIT_SCOPE_key, WORD("key-a")},  {LIMIT_SCOPE_team, WORD("2")},
    {LIMIT_SCOPE_model, WORD("fast")}, {LIMIT_SCOPE_provider, WORD("up")},
    {LIMIT_SCOPE_tag, WORD("b")},
};

/* Begins at half past one of the second day, as a zone of India does. */
START_TEST(each_request_counts_once_in_what_it_is_asked_of)
{
    const int64_t begin_ms = DAY + 90 * 60 * 1000LL;

    begin();
    put("before", begin_ms - 1, 1);
    put("in the first hour", begin_ms, 2);
    put("at its end", DAY + 2 * HOUR - 1, 4);
    put("in a whole hour", DAY + 2 * HOUR, 8);
    put("in the last hour of the day", 2 * DAY - 1, 16);
    put("in a whole day", 2 * DAY, 32);
    put("later", 9 * DAY + 5, 64);
    for (unsigned i = 0; i < ARRAY_LEN(scopes); i++) {
        ck_assert_uint_eq(spent_since(scopes[i].kind, scopes[i].subject, begin_ms), 126);
        ck_assert_uint_eq(spent_since(scopes[i].kind, scopes[i].subject, 0), 127);
        ck_assert_uint_eq(spent_since(scopes[i].kind, scopes[i].subject, 2 * DAY), 96);
        ck_assert_uint_eq(spent_since(scopes[i].kind, scopes[i].subject, 2 * DAY + 1), 64);
    }
    ck_assert_uint_eq(spent_since(LIMIT_SCOPE_tag, SPAN("B"), 0), 0);
    end();
}

END_TEST

START_TEST(what_was_spent_is_known_when_the_requests_are_gone)
{
    begin();
    put("one", DAY, 5);
    put("two", DAY + HOUR, 6);
    ck_assert_int_eq(store_run(store, "delete from usage", NULL, 0, NULL, NULL), 2);
    for (unsigned i = 0; i < ARRAY_LEN(scopes); i++)
        ck_assert_uint_eq(spent_since(scopes[i].kind, scopes[i].subject, 0), 11);
    end();
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("spent sums");
    TCase *tests = tcase_create("spent sums");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, each_request_counts_once_in_what_it_is_asked_of);
    tcase_add_test(tests, what_was_spent_is_known_when_the_requests_are_gone);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
