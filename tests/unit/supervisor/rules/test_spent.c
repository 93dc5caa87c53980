#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/rules/spent.h"
#include "tests/support/database.h"

static struct store *store;
static struct segment *segment;
static int segment_fd;

static void begin(void)
{
    static const char *const tables[] = {"usage"};

    store = database_new(tables, ARRAY_LEN(tables));
    segment = segment_create(&segment_fd);
    ck_assert_ptr_nonnull(segment);
}

static void end(void)
{
    store_close(store);
    segment_detach(segment);
    (void)close(segment_fd);
}

static void put(const char *id, int64_t started_ms, int64_t nano, const char *tags)
{
    const struct store_value values[] = {
        STORE_TEXT_VALUE(span_of_text(id)), STORE_NUMBER_VALUE(started_ms),
        STORE_NUMBER_VALUE(nano), STORE_TEXT_VALUE(span_of_text(tags))};

    ck_assert_int_eq(
        store_run(store,
                  "insert into usage (request_id, started_ms, cost_nano, tags, tenant, team, "
                  "user_id, key_id, asked_model, provider) "
                  "values ($1, $2, $3, $4, 1, 2, 3, 'key-a', 'fast', 'up')",
                  values, 4, NULL, NULL),
        1);
}

START_TEST(each_kind_of_scope_is_summed_from_the_begin_of_its_period)
{
    struct spent rows[] = {
        {.kind = LIMIT_SCOPE_provider, .subject = SPAN("up"), .begin_ms = 100},
        {.kind = LIMIT_SCOPE_tag, .subject = SPAN("b"), .begin_ms = 1},
        {.kind = LIMIT_SCOPE_key, .subject = SPAN("key-a"), .begin_ms = 200},
        {.kind = LIMIT_SCOPE_key, .subject = SPAN("key-a"), .begin_ms = 201},
        {.kind = LIMIT_SCOPE_key, .subject = SPAN("key-b"), .begin_ms = 1},
        {.kind = LIMIT_SCOPE_user, .subject = SPAN("3"), .begin_ms = 1},
        {.kind = LIMIT_SCOPE_team, .subject = SPAN("2"), .begin_ms = 1},
        {.kind = LIMIT_SCOPE_tenant, .subject = SPAN("1"), .begin_ms = 1},
        {.kind = LIMIT_SCOPE_model, .subject = SPAN("fast"), .begin_ms = 301},
        {.kind = LIMIT_SCOPE_tag, .subject = SPAN("B"), .begin_ms = 1},
    };
    static const uint64_t expected[LIMIT_SCOPE_COUNT][2] = {
        [LIMIT_SCOPE_provider] = {100, 7}, [LIMIT_SCOPE_user] = {1, 7},
        [LIMIT_SCOPE_team] = {0, 7},       [LIMIT_SCOPE_tenant] = {0, 7},
        [LIMIT_SCOPE_model] = {301, 0},
    };

    put("r1", 100, 1, NULL);
    put("r2", 200, 2, "[\"a\",\"b\"]");
    put("r3", 300, 4, "[\"bb\"]");
    ck_assert_int_eq(spent_ask(store, rows, ARRAY_LEN(rows)), 0);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct spent *row = &rows[i];

        if (row->kind == LIMIT_SCOPE_tag)
            ck_assert_uint_eq(row->nano, span_eq(row->subject, SPAN("b")) ? 2 : 0);
        else if (row->kind == LIMIT_SCOPE_key && span_eq(row->subject, SPAN("key-b")))
            ck_assert_uint_eq(row->nano, 0);
        else if (row->kind == LIMIT_SCOPE_key)
            ck_assert_uint_eq(row->nano, row->begin_ms == 200 ? 6 : 4);
        else
            ck_assert_uint_eq(row->nano, expected[row->kind][1]);
    }
}

END_TEST

static struct bucket *claim(struct spent *row)
{
    row->identity = 77;
    row->bucket = segment_claim_bucket(segment, row->identity, 1, 0);
    return segment_bucket(segment, row->bucket);
}

START_TEST(a_new_counter_is_raised_once_and_what_is_reserved_stays)
{
    struct spent row = {.kind = LIMIT_SCOPE_key, .subject = SPAN("key-a"), .begin_ms = 1};
    struct bucket *bucket = claim(&row);

    put("r1", 100, 10, NULL);
    atomic_store(&bucket->level[0], 5); /* reserved by somebody at work */
    ck_assert_int_eq(spent_ask(store, &row, 1), 0);
    spent_apply(segment, &row, false);
    spent_apply(segment, &row, true);
    ck_assert_uint_eq(atomic_load(&bucket->total), 10);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 15);
    /* Records that are on their way lower nothing. */
    atomic_store(&bucket->total, 12);
    row.total_before = 12;
    spent_apply(segment, &row, true);
    ck_assert_uint_eq(atomic_load(&bucket->total), 12);
    /* The row has another owner by now. */
    row.identity = 78;
    row.nano = 1000;
    spent_apply(segment, &row, false);
    ck_assert_uint_eq(atomic_load(&bucket->total), 12);
}

END_TEST

START_TEST(what_leaves_a_window_is_taken_away_once)
{
    struct spent row = {.kind = LIMIT_SCOPE_key,
                        .subject = SPAN("key-a"),
                        .begin_ms = 60000,
                        .leaves_ms = 120000};
    struct bucket *bucket = claim(&row);

    put("r0", 59999, 100, NULL);
    put("r1", 60000, 10, NULL);
    put("r2", 119999, 20, NULL);
    put("r3", 120000, 40, NULL);
    ck_assert_int_eq(spent_ask(store, &row, 1), 0);
    ck_assert_uint_eq(row.nano, 70);
    ck_assert_uint_eq(row.leaving_nano, 30);
    spent_apply(segment, &row, false);
    ck_assert_uint_eq(atomic_load(&bucket->total), 40);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 40);
    ck_assert_uint_eq(atomic_load(&bucket->level[1]), 120000);
    /* As the next controller asks: from where the last one came to. */
    row.begin_ms = 120000;
    ck_assert_int_eq(spent_ask(store, &row, 1), 0);
    spent_apply(segment, &row, false);
    ck_assert_uint_eq(atomic_load(&bucket->total), 40);
    /* All of it, when nothing was spent since. */
    row.leaves_ms = 180000;
    ck_assert_int_eq(spent_ask(store, &row, 1), 0);
    ck_assert_uint_eq(row.leaving_nano, 40);
}

END_TEST

START_TEST(a_window_that_counts_too_much_is_put_right_when_nobody_is_at_work)
{
    struct spent row = {.kind = LIMIT_SCOPE_key,
                        .subject = SPAN("key-a"),
                        .begin_ms = 60000,
                        .leaves_ms = 60000,
                        .total_before = 90};
    struct bucket *bucket = claim(&row);

    put("r1", 60000, 40, NULL);
    ck_assert_int_eq(spent_ask(store, &row, 1), 0);
    atomic_store(&bucket->total, 90);
    atomic_store(&bucket->level[0], 95);
    spent_apply(segment, &row, false);
    ck_assert_uint_eq(atomic_load(&bucket->total), 90);
    spent_apply(segment, &row, true);
    ck_assert_uint_eq(atomic_load(&bucket->total), 40);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 45);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("spent");
    TCase *tests = tcase_create("spent");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, each_kind_of_scope_is_summed_from_the_begin_of_its_period);
    tcase_add_test(tests, a_new_counter_is_raised_once_and_what_is_reserved_stays);
    tcase_add_test(tests, what_leaves_a_window_is_taken_away_once);
    tcase_add_test(tests, a_window_that_counts_too_much_is_put_right_when_nobody_is_at_work);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
