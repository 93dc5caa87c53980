#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/rules/owners.h"
#include "supervisor/rules/rules.h"
#include "tests/support/database.h"

static struct store *store;
static struct arena arena;

static void begin(void)
{
    static const char *const tables[] = {"limits", "budgets", "api_keys",
                                         "users",  "teams",   "tenants"};

    store = database_new(tables, ARRAY_LEN(tables));
    arena_init(&arena, 0);
}

static void end(void)
{
    arena_done(&arena);
    store_close(store);
}

static int64_t make(enum limit_scope kind, const char *name)
{
    struct owner_row row = {.kind = kind};

    ck_assert_int_eq(owner_row_create(store, span_of_text(name), &row), 0);
    return row.id;
}

START_TEST(a_limit_is_kept_changed_and_removed_as_it_was_written)
{
    struct limit_row row = {.text = {.scope = SPAN("key:*"), .burst = SPAN("5")}}, found;
    int64_t created_ms;

    row.text.of[LIMIT_UNIT_requests] = SPAN("5/minute");
    ck_assert_int_eq(limit_row_create(store, &row), 0);
    ck_assert_int_eq(limit_row_find(store, row.id, &arena, &found), 0);
    ck_assert(span_eq(found.text.scope, SPAN("key:*")));
    ck_assert(span_eq(found.text.of[LIMIT_UNIT_requests], SPAN("5/minute")));
    ck_assert(span_eq(found.text.burst, SPAN("5")));
    ck_assert_ptr_null(found.text.mode.ptr);
    created_ms = found.created_ms;
    found.text.burst = SPAN_NONE;
    found.text.mode = SPAN("shadow");
    ck_assert_int_eq(limit_row_change(store, &found), 0);
    ck_assert_int_eq(limit_row_find(store, row.id, &arena, &found), 0);
    ck_assert_ptr_null(found.text.burst.ptr);
    ck_assert(span_eq(found.text.mode, SPAN("shadow")));
    ck_assert(span_eq(found.text.scope, SPAN("key:*")));
    ck_assert_int_eq(found.created_ms, created_ms);
    ck_assert_int_eq(limit_row_remove(store, row.id), 0);
    ck_assert_int_eq(limit_row_remove(store, row.id), -ENOENT);
    ck_assert_int_eq(limit_row_change(store, &found), -ENOENT);
}

END_TEST

START_TEST(a_budget_is_kept_and_its_name_is_taken_in_its_scope)
{
    struct budget_row row = {.text = {.name = SPAN("b"),
                                      .scope = SPAN("key:a"),
                                      .amount = SPAN("0.000000001"),
                                      .period = SPAN("rolling"),
                                      .window_ms = 60000,
                                      .strict = 1}};
    struct budget_row found, again = row;

    ck_assert_int_eq(budget_row_create(store, &row), 0);
    ck_assert_int_eq(budget_row_create(store, &again), -EEXIST);
    ck_assert_int_eq(budget_row_find(store, row.id, &arena, &found), 0);
    ck_assert(span_eq(found.text.amount, SPAN("0.000000001")));
    ck_assert_uint_eq(found.text.window_ms, 60000);
    ck_assert(found.text.strict == 1 && found.text.cut == 0);
    found.text.cut = 1;
    found.text.strict = 0;
    found.text.zone = SPAN("Asia/Tokyo");
    ck_assert_int_eq(budget_row_change(store, &found), 0);
    ck_assert_int_eq(budget_row_find(store, row.id, &arena, &found), 0);
    ck_assert(found.text.strict == 0 && found.text.cut == 1);
    ck_assert(span_eq(found.text.zone, SPAN("Asia/Tokyo")));
    ck_assert_int_eq(budget_row_remove(store, row.id), 0);
    ck_assert_int_eq(budget_row_find(store, row.id, &arena, &found), -ENOENT);
}

END_TEST

START_TEST(an_id_is_never_used_again)
{
    struct owner_row row;
    int64_t first = make(LIMIT_SCOPE_tenant, "a"), second;

    ck_assert_int_eq(owner_row_find(store, LIMIT_SCOPE_tenant, SPAN("a"), &arena, &row), 0);
    ck_assert_int_eq(owner_row_remove(store, &row), 0);
    second = make(LIMIT_SCOPE_tenant, "a");
    ck_assert_int_gt(second, first);
}

END_TEST

START_TEST(names_are_of_their_tenant_and_what_is_used_stays)
{
    struct owner_row row = {.kind = LIMIT_SCOPE_team}, user = {.kind = LIMIT_SCOPE_user};
    int64_t acme = make(LIMIT_SCOPE_tenant, "acme");
    int64_t blue;

    (void)make(LIMIT_SCOPE_tenant, "other");
    blue = make(LIMIT_SCOPE_team, "acme/blue");
    (void)make(LIMIT_SCOPE_team, "other/blue");
    ck_assert_int_eq(owner_row_create(store, SPAN("acme/blue"), &row), -EEXIST);
    ck_assert_int_eq(owner_row_create(store, SPAN("none/blue"), &row), -ENOENT);
    ck_assert_int_eq(owner_row_create(store, SPAN("blue"), &row), -EINVAL);
    ck_assert_int_eq(owner_row_create(store, SPAN("acme/a b"), &row), -EINVAL);
    user.team_id = blue;
    user.email = SPAN("ann@acme.example");
    ck_assert_int_eq(owner_row_create(store, SPAN("acme/ann"), &user), 0);
    ck_assert_int_eq(owner_row_find(store, LIMIT_SCOPE_user, SPAN("acme/ann"), &arena, &row),
                     0);
    ck_assert(span_eq(row.team, SPAN("blue")) && span_eq(row.tenant, SPAN("acme")));
    ck_assert_int_eq(row.tenant_id, acme);
    ck_assert_int_eq(owner_row_find(store, LIMIT_SCOPE_team, SPAN("acme/blue"), &arena, &row),
                     0);
    ck_assert_int_eq(row.id, blue);
    ck_assert_int_eq(owner_row_remove(store, &row), -EBUSY);
    ck_assert_int_eq(owner_row_find(store, LIMIT_SCOPE_tenant, SPAN("acme"), &arena, &row), 0);
    ck_assert_int_eq(owner_row_remove(store, &row), -EBUSY);
}

END_TEST

static void expect_scope(int64_t id, const char *scope)
{
    struct limit_row row;

    ck_assert_int_eq(limit_row_find(store, id, &arena, &row), 0);
    ck_assert_msg(span_eq(row.text.scope, span_of_text(scope)), "%.*s is not %s",
                  SPAN_ARG(row.text.scope), scope);
}

START_TEST(rules_follow_a_new_name)
{
    static const char *const before[] = {"tenant:acme",     "team:acme/blue", "user:acme/ann",
                                         "team:acmeX/blue", "tenant:acme2",   "key:acme"};
    static const char *const after[] = {"tenant:new",      "team:new/green", "user:new/ann",
                                        "team:acmeX/blue", "tenant:acme2",   "key:acme"};
    struct owner_row row;
    int64_t ids[ARRAY_LEN(before)];

    (void)make(LIMIT_SCOPE_tenant, "acme");
    (void)make(LIMIT_SCOPE_team, "acme/blue");
    for (unsigned i = 0; i < ARRAY_LEN(before); i++) {
        struct limit_row limit = {.text = {.scope = span_of_text(before[i])}};

        ck_assert_int_eq(limit_row_create(store, &limit), 0);
        ids[i] = limit.id;
    }
    ck_assert_int_eq(owner_row_find(store, LIMIT_SCOPE_tenant, SPAN("acme"), &arena, &row), 0);
    row.name = SPAN("new");
    row.models = SPAN("[\"m\"]");
    ck_assert_int_eq(owner_row_change(store, &row), 0);
    ck_assert_int_eq(owner_row_find(store, LIMIT_SCOPE_team, SPAN("new/blue"), &arena, &row),
                     0);
    row.name = SPAN("green");
    ck_assert_int_eq(owner_row_change(store, &row), 0);
    for (unsigned i = 0; i < ARRAY_LEN(before); i++)
        expect_scope(ids[i], after[i]);
    ck_assert_int_eq(owner_row_find(store, LIMIT_SCOPE_tenant, SPAN("new"), &arena, &row), 0);
    ck_assert(span_eq(row.models, SPAN("[\"m\"]")));
}

END_TEST

START_TEST(a_key_belongs_to_one_tenant)
{
    struct owner_row user = {.kind = LIMIT_SCOPE_user};
    int64_t acme = make(LIMIT_SCOPE_tenant, "acme"), blue;
    struct owner_ids ids;

    (void)make(LIMIT_SCOPE_tenant, "other");
    blue = make(LIMIT_SCOPE_team, "acme/blue");
    user.team_id = blue;
    ck_assert_int_eq(owner_row_create(store, SPAN("acme/ann"), &user), 0);
    ck_assert_int_eq(
        owners_resolve(store, &(struct owner_names){.user = SPAN("acme/ann")}, &ids), 0);
    ck_assert_uint_eq(ids.tenant, (uint64_t)acme);
    ck_assert_uint_eq(ids.team, (uint64_t)blue);
    ck_assert_uint_eq(ids.user, (uint64_t)user.id);
    ck_assert_int_eq(owners_resolve(store,
                                    &(struct owner_names){.tenant = SPAN("other"),
                                                          .team = SPAN("acme/blue")},
                                    &ids),
                     -EINVAL);
    ck_assert_int_eq(
        owners_resolve(store, &(struct owner_names){.team = SPAN("acme/red")}, &ids), -ENOENT);
    ck_assert_int_eq(owners_resolve(store, &(struct owner_names){.tenant = SPAN_NONE}, &ids),
                     0);
    ck_assert(ids.tenant == 0 && ids.team == 0 && ids.user == 0);
}

END_TEST

#define OF(kind) (1U << LIMIT_SCOPE_##kind)

START_TEST(an_owner_of_a_key_changes_and_the_others_stay)
{
    int64_t acme = make(LIMIT_SCOPE_tenant, "acme"), other = make(LIMIT_SCOPE_tenant, "other");
    int64_t blue = make(LIMIT_SCOPE_team, "acme/blue"),
            red = make(LIMIT_SCOPE_team, "acme/red");
    int64_t ann = make(LIMIT_SCOPE_user, "acme/ann");

    const struct {
        struct owner_names names;
        uint32_t changed;
        int result;
        int64_t tenant, team, user;
    } cases[] = {
        {{.team = SPAN("acme/red")}, OF(team), 0, acme, red, ann},
        {{.user = SPAN_NONE}, OF(user), 0, acme, blue, 0},
        {{.team = SPAN_NONE}, OF(team), 0, acme, 0, ann},
        {{.tenant = SPAN("other")}, OF(tenant), -EINVAL, acme, blue, ann},
        {{.tenant = SPAN_NONE}, OF(tenant), -EINVAL, acme, blue, ann},
        {{.tenant = SPAN("other")}, OF(tenant) | OF(team) | OF(user), 0, other, 0, 0},
        {{.tenant = SPAN_NONE}, OF(tenant) | OF(team) | OF(user), 0, 0, 0, 0},
        {{.team = SPAN("acme/green")}, OF(team), -ENOENT, acme, blue, ann},
        {{.tenant = SPAN_NONE}, 0, 0, acme, blue, ann},
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct owner_ids ids = {(uint64_t)acme, (uint64_t)blue, (uint64_t)ann};

        ck_assert_int_eq(owners_change(store, &cases[i].names, cases[i].changed, &ids),
                         cases[i].result);
        ck_assert_int_eq((int64_t)ids.tenant, cases[i].tenant);
        ck_assert_int_eq((int64_t)ids.team, cases[i].team);
        ck_assert_int_eq((int64_t)ids.user, cases[i].user);
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("rules");
    TCase *tests = tcase_create("rules");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_limit_is_kept_changed_and_removed_as_it_was_written);
    tcase_add_test(tests, a_budget_is_kept_and_its_name_is_taken_in_its_scope);
    tcase_add_test(tests, an_id_is_never_used_again);
    tcase_add_test(tests, names_are_of_their_tenant_and_what_is_used_stays);
    tcase_add_test(tests, rules_follow_a_new_name);
    tcase_add_test(tests, a_key_belongs_to_one_tenant);
    tcase_add_test(tests, an_owner_of_a_key_changes_and_the_others_stay);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
