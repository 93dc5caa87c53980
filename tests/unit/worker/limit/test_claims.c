#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/limit/audit.h"
#include "shared/limit/yield.h"
#include "shared/snapshot/snapshot_build.h"

#include "worker/limit/claims.h"

#define NOW_NS 5000000000000ULL

enum {
    BUCKET_TEAM_REQUESTS,
    BUCKET_TEAM_TOKENS,
    BUCKET_KEY_PLACES,
    BUCKET_KEY_MONEY,
    BUCKET_KEY_MONEY_NEXT,
    BUCKET_SHADOW,
    BUCKET_SHADOW_MONEY,
    BUCKET_PROVIDER
};

static struct segment *segment;
static struct snapshot *snapshot;
static struct arena arena;
static struct inflight *row;
static struct claims claims;
static const struct snapshot_scope *team, *key, *shadow, *provider;
static struct claim_refusal refusal;
static const struct claims_mark all = {0, 0, 0};

static struct snapshot_limit rate(uint32_t bucket, enum limit_unit unit, uint64_t amount)
{
    return (struct snapshot_limit){.amount = amount,
                                   .burst = amount,
                                   .window_ms = unit == LIMIT_UNIT_concurrent ? 0 : 60000,
                                   .bucket = bucket,
                                   .unit = (uint8_t)unit,
                                   .mode = LIMIT_MODE_enforce};
}

static struct snapshot_limit shadow_rate(uint32_t bucket, uint64_t amount)
{
    struct snapshot_limit limit = rate(bucket, LIMIT_UNIT_requests, amount);

    limit.mode = LIMIT_MODE_shadow;
    return limit;
}

static void fill(struct snapshot_builder *builder, struct snapshot_header_page *page)
{
    struct snapshot_limit of_team[] = {rate(BUCKET_TEAM_REQUESTS, LIMIT_UNIT_requests, 5),
                                       rate(BUCKET_TEAM_TOKENS, LIMIT_UNIT_total_tokens, 1000)};
    struct snapshot_limit of_key[] = {rate(BUCKET_KEY_PLACES, LIMIT_UNIT_concurrent, 2)};
    struct snapshot_limit of_shadow[] = {shadow_rate(BUCKET_SHADOW, 1)};
    struct snapshot_limit of_provider[] = {rate(BUCKET_PROVIDER, LIMIT_UNIT_requests, 1)};
    struct snapshot_budget of_key_money[] = {
        {.amount_nano = 100,
         .ends_ms = 2000,
         .buckets = {BUCKET_KEY_MONEY, BUCKET_KEY_MONEY_NEXT},
         .mode = LIMIT_MODE_enforce,
         .strict = 1}};
    struct snapshot_budget of_shadow_money[] = {
        {.amount_nano = 10,
         .ends_ms = INT64_MAX,
         .buckets = {BUCKET_SHADOW_MONEY, BUCKET_SHADOW_MONEY},
         .mode = LIMIT_MODE_shadow}};
    struct snapshot_scope scopes[] = {
        {.kind = LIMIT_SCOPE_team, .limits = SNAPSHOT_BUILD_ROWS(builder, of_team, 2)},
        {.kind = LIMIT_SCOPE_key,
         .limits = SNAPSHOT_BUILD_ROWS(builder, of_key, 1),
         .budgets = SNAPSHOT_BUILD_ROWS(builder, of_key_money, 1)},
        {.kind = LIMIT_SCOPE_tag,
         .limits = SNAPSHOT_BUILD_ROWS(builder, of_shadow, 1),
         .budgets = SNAPSHOT_BUILD_ROWS(builder, of_shadow_money, 1)},
        {.kind = LIMIT_SCOPE_provider, .limits = SNAPSHOT_BUILD_ROWS(builder, of_provider, 1)}};

    page->scopes = SNAPSHOT_BUILD_ROWS(builder, scopes, 4);
}

static void begin_claims(int64_t started_wall_ms)
{
    claims_init(&claims, segment, snapshot, &arena, row->holds, started_wall_ms);
}

static void set_up(void)
{
    struct snapshot_header_page page = {.generation = 1};
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    int fd;

    buffer_init(&why, 1000);
    segment = segment_create(&fd);
    ck_assert_ptr_nonnull(segment);
    (void)close(fd);
    for (uint32_t i = 0; i <= BUCKET_PROVIDER; i++)
        atomic_store(&segment_bucket(segment, i)->granted, UINT64_MAX);
    snapshot_build_init(&builder);
    fill(&builder, &page);
    fd = snapshot_build_seal(&builder, &page);
    snapshot_build_done(&builder);
    ck_assert_int_ge(fd, 0);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    team = snapshot_scope(snapshot, 1);
    key = snapshot_scope(snapshot, 2);
    shadow = snapshot_scope(snapshot, 3);
    provider = snapshot_scope(snapshot, 4);
    arena_init(&arena, 0);
    row = segment_inflight(segment, 0, 0);
    atomic_store(&segment_slot(segment, 0)->inflight_high, 1);
    begin_claims(1000);
}

static void tear_down(void)
{
    arena_done(&arena);
    snapshot_unref(snapshot);
    segment_detach(segment);
}

static struct claim_counts counts(uint64_t tokens, uint64_t nano)
{
    return (struct claim_counts){.units = {[LIMIT_UNIT_requests] = 1,
                                           [LIMIT_UNIT_total_tokens] = tokens,
                                           [LIMIT_UNIT_concurrent] = 1},
                                 .cost_nano = nano,
                                 .usual_cost_nano = nano};
}

static enum fault take(const struct snapshot_scope *one, const struct snapshot_scope *two,
                       uint64_t tokens, uint64_t nano)
{
    const struct snapshot_scope *scopes[] = {one, two};
    struct claim_counts expected = counts(tokens, nano);

    return claims_take(&claims, scopes, two ? 2 : 1, &expected, NOW_NS, &refusal);
}

static uint64_t settle(uint64_t tokens, uint64_t nano)
{
    struct claim_counts used = counts(tokens, nano);

    return claims_settle(&claims, all, &used, NOW_NS);
}

static uint64_t level(uint32_t bucket)
{
    return atomic_load(&segment_bucket(segment, bucket)->level[0]);
}

static uint64_t spent(uint32_t bucket)
{
    return atomic_load(&segment_bucket(segment, bucket)->total);
}

static uint64_t held(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SEGMENT_HOLDS; i++)
        sum += atomic_load(&row->holds[i].amount);
    return sum;
}

START_TEST(all_scopes_have_room_or_nothing_is_taken)
{
    ck_assert_int_eq(take(team, key, 100, 101), FAULT_budget_spent);
    ck_assert_ptr_eq(refusal.scope, key);
    ck_assert_ptr_nonnull(refusal.budget);
    ck_assert_uint_eq(spent(BUCKET_TEAM_REQUESTS), 0);
    ck_assert_uint_eq(spent(BUCKET_TEAM_TOKENS), 0);
    ck_assert_uint_eq(level(BUCKET_KEY_PLACES), 0);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 0);
    ck_assert_uint_eq(held(), 0);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_int_eq(take(team, NULL, 1, 0), FAULT_NONE);
    ck_assert_int_eq(take(team, NULL, 1, 0), FAULT_rate_limited);
    ck_assert_int_eq(refusal.limit->unit, LIMIT_UNIT_requests);
    ck_assert_uint_eq(refusal.level.retry_ms, 12000);
    ck_assert_uint_eq(atomic_load(&segment_bucket(segment, BUCKET_TEAM_REQUESTS)->refused), 1);
}

END_TEST

START_TEST(what_was_used_replaces_what_was_expected)
{
    const struct claim *tokens;

    ck_assert_int_eq(take(team, key, 900, 80), FAULT_NONE);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 80);
    ck_assert_uint_eq(held(), 81);
    ck_assert_uint_eq(claims_reserved_nano(&claims), 80);
    tokens = claims_tightest(&claims, LIMIT_UNIT_total_tokens);
    ck_assert_ptr_nonnull(tokens);
    ck_assert_uint_eq(tokens->level.remaining, 100);
    ck_assert_uint_eq(settle(300, 25), 0);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 25);
    ck_assert_uint_eq(spent(BUCKET_KEY_MONEY), 25);
    ck_assert_uint_eq(level(BUCKET_KEY_PLACES), 0);
    ck_assert_uint_eq(held(), 0);
    ck_assert_int_eq(take(team, NULL, 700, 0), FAULT_NONE);
    ck_assert_int_eq(take(team, NULL, 1, 0), FAULT_rate_limited);
}

END_TEST

START_TEST(a_cost_that_nobody_knows_leaves_the_reservation_spent)
{
    ck_assert_int_eq(take(key, NULL, 0, 60), FAULT_NONE);
    ck_assert_uint_eq(settle(UINT64_MAX, UINT64_MAX), 0);
    ck_assert_uint_eq(spent(BUCKET_KEY_MONEY), 60);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 60);
}

END_TEST

START_TEST(what_passes_the_budget_is_told)
{
    ck_assert_int_eq(take(key, NULL, 0, 60), FAULT_NONE);
    ck_assert_uint_eq(settle(0, 130), 30);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 130);
}

END_TEST

START_TEST(an_exchange_counts_in_the_period_where_it_began)
{
    begin_claims(2000);
    ck_assert_int_eq(take(key, NULL, 0, 60), FAULT_NONE);
    (void)settle(0, 50);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 0);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY_NEXT), 50);
}

END_TEST

START_TEST(a_shadow_counts_and_never_refuses)
{
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(take(shadow, NULL, 1, 7), FAULT_NONE);
    ck_assert_uint_eq(atomic_load(&segment_bucket(segment, BUCKET_SHADOW)->refused), 2);
    ck_assert_uint_eq(atomic_load(&segment_bucket(segment, BUCKET_SHADOW_MONEY)->refused), 2);
    ck_assert(claims.rates[0].taken_all && !claims.rates[1].taken_all);
    ck_assert_uint_eq(level(BUCKET_SHADOW_MONEY), 21);
    (void)settle(1, 2);
    ck_assert_uint_eq(level(BUCKET_SHADOW_MONEY), 6);
}

END_TEST

START_TEST(an_attempt_ends_by_itself)
{
    struct claim_counts failed = counts(0, 0);
    struct claims_mark mark;

    ck_assert_int_eq(take(key, NULL, 0, 60), FAULT_NONE);
    mark = claims_mark(&claims);
    ck_assert_int_eq(take(provider, NULL, 0, 0), FAULT_NONE);
    (void)claims_settle(&claims, mark, &failed, NOW_NS);
    ck_assert_uint_eq(spent(BUCKET_PROVIDER), 1);
    ck_assert_int_eq(take(provider, NULL, 0, 0), FAULT_rate_limited);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 60);
    (void)settle(0, 1);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 1);
}

END_TEST

/* ---- a second attempt beside another --------------------------------------------------- */

START_TEST(money_for_a_second_attempt_is_there_or_none_is_taken)
{
    struct claim_counts more = counts(0, 40), much = counts(0, 41);
    struct claims_mark mark;

    ck_assert_int_eq(take(key, shadow, 0, 60), FAULT_NONE);
    mark = claims_mark(&claims);
    ck_assert(!claims_add(&claims, mark, &much));
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 60);
    ck_assert(claims_add(&claims, mark, &more));
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 100);
    ck_assert_uint_eq(held(), 1 + 100 + 100); /* a place, the budget and its shadow */
    claims_take_back(&claims, mark, &more);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 60);
    ck_assert_uint_eq(held(), 1 + 60 + 60);
    ck_assert(claims_add(&claims, mark, &more));
    (void)settle(0, 70);
    ck_assert_uint_eq(spent(BUCKET_KEY_MONEY), 70);
    ck_assert_uint_eq(held(), 0);
}

END_TEST

START_TEST(places_are_divided_among_hosts_and_each_has_one)
{
    atomic_store(segment_sharers(segment), 2);
    ck_assert_int_eq(take(key, NULL, 0, 10), FAULT_NONE);
    ck_assert_int_eq(take(key, NULL, 0, 10), FAULT_too_busy);
    ck_assert_uint_eq(refusal.level.limit, 1);
    ck_assert_uint_eq(refusal.level.remaining, 0);
    (void)settle(0, 10);
    atomic_store(segment_sharers(segment), 9); /* more than there are places */
    begin_claims(1000);
    ck_assert_int_eq(take(key, NULL, 0, 10), FAULT_NONE);
    ck_assert_int_eq(take(key, NULL, 0, 10), FAULT_too_busy);
    atomic_store(segment_sharers(segment), 1);
    ck_assert_int_eq(take(key, NULL, 0, 10), FAULT_NONE);
}

END_TEST

/* The first of two is over, and what the second has taken stands. */
START_TEST(claims_between_two_marks_end_by_themselves)
{
    struct claim_counts failed = counts(0, 0);
    struct claims_mark request, beside;

    ck_assert_int_eq(take(team, NULL, 100, 0), FAULT_NONE);
    request = claims_mark(&claims);
    ck_assert_int_eq(take(key, NULL, 0, 60), FAULT_NONE);
    beside = claims_mark(&claims);
    ck_assert_int_eq(take(key, NULL, 0, 30), FAULT_NONE);
    ck_assert_uint_eq(level(BUCKET_KEY_PLACES), 2);
    (void)claims_settle_between(&claims, request, beside, &failed, NOW_NS);
    ck_assert_uint_eq(level(BUCKET_KEY_PLACES), 1);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 30);
    ck_assert_uint_eq(held(), 1 + 30);
    (void)settle(100, 25);
    ck_assert_uint_eq(level(BUCKET_KEY_PLACES), 0);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 25);
    ck_assert_uint_eq(held(), 0);
}

END_TEST

/* ---- deaths ------------------------------------------------------------------------------ */

static const struct {
    enum inflight_state state;
    uint64_t found, spent;
} deaths[] = {
    {INFLIGHT_FREE, UINT64_MAX, 0},
    {INFLIGHT_SENT, UINT64_MAX, 60},
    {INFLIGHT_SENT, 33, 33},
};

START_TEST(what_a_dead_worker_held_is_given_back_or_spent)
{
    ck_assert_int_eq(take(key, NULL, 0, 60), FAULT_NONE);
    atomic_store(&row->state, deaths[_i].state);
    atomic_store(&row->cost_nano, deaths[_i].found);
    ck_assert_uint_eq(audit_give_back(segment, row), deaths[_i].spent);
    ck_assert_uint_eq(level(BUCKET_KEY_PLACES), 0);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), deaths[_i].spent);
    ck_assert_uint_eq(spent(BUCKET_KEY_MONEY), deaths[_i].spent);
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(audit_give_back(segment, row), 0);
}

END_TEST

START_TEST(a_bucket_that_a_death_left_too_high_is_put_right)
{
    static const struct audit_counter watched[] = {{BUCKET_KEY_PLACES, 0},
                                                   {BUCKET_KEY_MONEY, 1}};
    struct audit audit = {.count = 0};

    ck_assert_int_eq(take(key, NULL, 0, 60), FAULT_NONE);
    (void)settle(0, 10);
    ck_assert_int_eq(take(key, NULL, 0, 20), FAULT_NONE);
    money_add(segment_bucket(segment, BUCKET_KEY_MONEY), 40);
    place_add(segment_bucket(segment, BUCKET_KEY_PLACES));
    for (unsigned i = 0; i < AUDIT_SEEN - 1; i++)
        audit_look(&audit, segment, watched, 2);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 70);
    /* A change in between: of that it is not sure yet. */
    money_add(segment_bucket(segment, BUCKET_KEY_MONEY), 1);
    audit_look(&audit, segment, watched, 2);
    ck_assert_uint_eq(level(BUCKET_KEY_PLACES), 1);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 31);
    for (unsigned i = 0; i < AUDIT_SEEN; i++)
        audit_look(&audit, segment, watched, 2);
    ck_assert_uint_eq(level(BUCKET_KEY_MONEY), 30);
    ck_assert_uint_eq(audit.mended_total, 3);
}

END_TEST

START_TEST(yields_know_what_nearly_all_answers_stay_below)
{
    struct yield *yield = segment_yield(segment, 0);

    ck_assert_uint_eq(yield_bound(yield), UINT64_MAX);
    for (unsigned i = 0; i < 995; i++)
        yield_add(yield, 100 + i % 20);
    for (unsigned i = 0; i < 5; i++)
        yield_add(yield, 1000000);
    ck_assert_uint_eq(yield_bound(yield), 128);
    for (unsigned i = 0; i < 20; i++)
        yield_add(yield, UINT64_MAX);
    ck_assert_uint_eq(yield_bound(yield), UINT64_MAX);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("claims");
    TCase *tcase = tcase_create("claims");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, all_scopes_have_room_or_nothing_is_taken);
    tcase_add_test(tcase, places_are_divided_among_hosts_and_each_has_one);
    tcase_add_test(tcase, what_was_used_replaces_what_was_expected);
    tcase_add_test(tcase, a_cost_that_nobody_knows_leaves_the_reservation_spent);
    tcase_add_test(tcase, what_passes_the_budget_is_told);
    tcase_add_test(tcase, an_exchange_counts_in_the_period_where_it_began);
    tcase_add_test(tcase, a_shadow_counts_and_never_refuses);
    tcase_add_test(tcase, an_attempt_ends_by_itself);
    tcase_add_loop_test(tcase, what_a_dead_worker_held_is_given_back_or_spent, 0,
                        (int)ARRAY_LEN(deaths));
    tcase_add_test(tcase, a_bucket_that_a_death_left_too_high_is_put_right);
    tcase_add_test(tcase, money_for_a_second_attempt_is_there_or_none_is_taken);
    tcase_add_test(tcase, claims_between_two_marks_end_by_themselves);
    tcase_add_test(tcase, yields_know_what_nearly_all_answers_stay_below);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
