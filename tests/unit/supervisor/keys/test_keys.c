#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/keys/account_keys.h"
#include "supervisor/keys/accounts.h"
#include "supervisor/keys/keys.h"
#include "tests/support/database.h"

static struct store *store;
static struct arena arena;

static void begin(void)
{
    static const char *const tables[] = {"api_keys", "provider_accounts"};

    store = database_new(tables, ARRAY_LEN(tables));
    arena_init(&arena, 0);
}

static void end(void)
{
    arena_done(&arena);
    store_close(store);
}

static void expect_secret(const uint8_t hash[SHA256_SIZE], const char *key, bool same)
{
    uint8_t digest[SHA256_SIZE];
    struct span id;
    struct span secret;

    ck_assert(key_text_read(span_of_text(key), &id, &secret));
    hash_sha256(secret, digest);
    ck_assert((memcmp(digest, hash, sizeof(digest)) == 0) == same);
}

static void make(const char *name, struct key_row *ret, char ret_key[KEY_TEXT_SIZE + 1])
{
    struct key_wanted wanted = {.name = span_of_text(name)};

    ck_assert_int_eq(key_row_create(store, &wanted, 1000, &arena, ret, ret_key), 0);
}

static void count_row(void *who, const struct key_row *row)
{
    ck_assert_uint_eq(row->id.len, KEY_TEXT_ID_SIZE);
    ++*(int *)who;
}

START_TEST(a_made_key_is_listed_with_its_hash_only)
{
    struct key_row row;
    char key[KEY_TEXT_SIZE + 1];
    int count = 0;

    begin();
    make("first", &row, key);
    ck_assert(span_eq(row.name, SPAN("first")));
    ck_assert(span_eq(row.last4, span_of(key + KEY_TEXT_SIZE - 4, 4)));
    ck_assert(span_eq(row.id, span_of(key + 8, 12)));
    ck_assert_ptr_null(row.models.ptr);
    expect_secret(row.secret_hash, key, true);
    make("second", &row, key);
    ck_assert_int_eq(key_row_each(store, count_row, &count), 0);
    ck_assert_int_eq(count, 2);
    ck_assert_str_eq(key_row_state(&row, 2000), "active");
    end();
}

END_TEST

START_TEST(a_rotated_key_keeps_its_id_and_its_old_secret_for_the_grace)
{
    struct key_row row;
    char old[KEY_TEXT_SIZE + 1];
    char key[KEY_TEXT_SIZE + 1];

    begin();
    make("a", &row, old);
    ck_assert_int_eq(key_row_rotate(store, row.id, 5000, 2000, &arena, &row, key), 0);
    ck_assert_int_eq(memcmp(old, key, 20), 0);
    ck_assert_int_eq(row.previous_until_ms, 7000);
    expect_secret(row.secret_hash, key, true);
    expect_secret(row.previous_hash, old, true);
    expect_secret(row.secret_hash, old, false);
    ck_assert_int_eq(key_row_rotate(store, row.id, 0, 2000, &arena, &row, key), 0);
    ck_assert_int_eq(row.previous_until_ms, 0);
    ck_assert_int_eq(key_row_rotate(store, row.id, -1, 2000, &arena, &row, key), -EINVAL);
    end();
}

END_TEST

START_TEST(a_revoked_key_stays_revoked)
{
    struct key_row row;
    char key[KEY_TEXT_SIZE + 1];

    begin();
    make("a", &row, key);
    ck_assert_int_eq(key_row_disable(store, row.id), 0);
    ck_assert_int_eq(key_row_find(store, row.id, &arena, &row), 0);
    ck_assert_str_eq(key_row_state(&row, 2000), "disabled");
    ck_assert_int_eq(key_row_enable(store, row.id), 0);
    ck_assert_int_eq(key_row_rotate(store, row.id, 5000, 2000, &arena, &row, key), 0);
    ck_assert_int_eq(key_row_revoke(store, row.id), 0);
    ck_assert_int_eq(key_row_revoke(store, row.id), 0);
    ck_assert_int_eq(key_row_enable(store, row.id), -EPERM);
    ck_assert_int_eq(key_row_disable(store, row.id), -EPERM);
    ck_assert_int_eq(key_row_rotate(store, row.id, 5000, 2000, &arena, &row, key), -EPERM);
    ck_assert_int_eq(key_row_find(store, row.id, &arena, &row), 0);
    ck_assert_str_eq(key_row_state(&row, 2000), "revoked");
    ck_assert_int_eq(row.previous_until_ms, 0);
    end();
}

END_TEST

START_TEST(a_changed_key_keeps_its_secret_and_a_revoked_one_is_not_changed)
{
    struct key_wanted wanted = {
        .name = SPAN("b"), .models = SPAN("[\"fast\"]"), .expires_ms = 3000};
    struct key_row row;
    char key[KEY_TEXT_SIZE + 1];

    begin();
    make("a", &row, key);
    ck_assert_int_eq(key_row_change(store, row.id, &wanted), 0);
    ck_assert_int_eq(key_row_find(store, row.id, &arena, &row), 0);
    ck_assert(span_eq(row.name, SPAN("b")));
    ck_assert(span_eq(row.models, SPAN("[\"fast\"]")));
    ck_assert_int_eq(row.expires_ms, 3000);
    expect_secret(row.secret_hash, key, true);
    wanted.models = wanted.name = SPAN_NONE;
    ck_assert_int_eq(key_row_change(store, row.id, &wanted), -EINVAL);
    wanted.name = SPAN("c");
    ck_assert_int_eq(key_row_change(store, row.id, &wanted), 0);
    ck_assert_int_eq(key_row_revoke(store, row.id), 0);
    ck_assert_int_eq(key_row_find(store, row.id, &arena, &row), 0);
    ck_assert_ptr_null(row.models.ptr);
    ck_assert_int_eq(key_row_change(store, row.id, &wanted), -EPERM);
    ck_assert_int_eq(key_row_change(store, SPAN("000000000000"), &wanted), -ENOENT);
    end();
}

END_TEST

START_TEST(a_key_expires_at_its_time)
{
    struct key_row row;
    char key[KEY_TEXT_SIZE + 1];

    begin();
    make("a", &row, key);
    ck_assert_int_eq(key_row_expire(store, row.id, 3000), 0);
    ck_assert_int_eq(key_row_find(store, row.id, &arena, &row), 0);
    ck_assert_str_eq(key_row_state(&row, 2999), "active");
    ck_assert_str_eq(key_row_state(&row, 3000), "expired");
    end();
}

END_TEST

START_TEST(what_is_no_key_is_not_found_and_what_is_no_name_is_refused)
{
    static const struct span ids[] = {SPAN_NONE, SPAN("short"), SPAN("000000000000"),
                                      SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
                                      SPAN("' or 1=1 --!")};
    static const struct span names[] = {SPAN_NONE, SPAN(""), SPAN("a\0b"), SPAN("\xff")};
    struct key_row row;
    char key[KEY_TEXT_SIZE + 1];

    begin();
    for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
        ck_assert_int_eq(key_row_find(store, ids[i], &arena, &row), -ENOENT);
        ck_assert_int_eq(key_row_disable(store, ids[i]), -ENOENT);
        ck_assert_int_eq(key_row_rotate(store, ids[i], 0, 0, &arena, &row, key), -ENOENT);
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        struct key_wanted wanted = {.name = names[i]};

        ck_assert_int_eq(key_row_create(store, &wanted, 0, &arena, &row, key), -EINVAL);
    }
    end();
}

END_TEST

static void expect_account(void *who, const struct account_row *row)
{
    ++*(int *)who;
    ck_assert(span_eq(row->name, SPAN("up")));
    ck_assert(span_eq(row->kind, SPAN("mock")));
    ck_assert_int_eq(row->fault, 0);
    ck_assert(span_eq(secret_reveal(row->credential), SPAN("sk-hidden-2")));
}

static void expect_fault(void *who, const struct account_row *row)
{
    ck_assert_int_eq(row->fault, *(int *)who);
    ck_assert_ptr_null(secret_reveal(row->credential).ptr);
}

static int sealed_rows(const char *like)
{
    struct store_value value = STORE_TEXT_VALUE(span_of_text(like));

    return (int)store_run(store, "select name from provider_accounts where credential like $1",
                          &value, 1, NULL, NULL);
}

START_TEST(a_credential_is_sealed_and_bound_to_its_row)
{
    struct vault vault = {.key = {1}, .id = "00000001"};
    struct vault other = {.key = {2}, .id = "00000002"};
    struct account_row row = {
        .name = SPAN("up"), .kind = SPAN("mock"), .credential = secret_of(SPAN("sk-hidden"))};
    int count = 0;
    int fault = -ENOKEY;

    begin();
    ck_assert_int_eq(accounts_create(store, &vault, &row), 0);
    ck_assert_int_eq(accounts_create(store, &vault, &row), -EEXIST);
    row =
        (struct account_row){.name = SPAN("up"), .credential = secret_of(SPAN("sk-hidden-2"))};
    ck_assert_int_eq(accounts_change(store, &vault, &row), 0);
    ck_assert_int_eq(accounts_each(store, &vault, expect_account, &count), 0);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(sealed_rows("%hidden%"), 0);
    ck_assert_int_eq(sealed_rows("v1.00000001.%"), 1);
    ck_assert_int_eq(accounts_each(store, &other, expect_fault, &fault), 0);
    ck_assert_int_eq(store_run(store, "update provider_accounts set name = 'elsewhere'", NULL,
                               0, NULL, NULL),
                     1);
    fault = -EPROTO;
    ck_assert_int_eq(accounts_each(store, &vault, expect_fault, &fault), 0);
    ck_assert_int_eq(accounts_change(store, &vault, &row), -ENOENT);
    ck_assert_int_eq(accounts_remove(store, SPAN("elsewhere")), 0);
    ck_assert_int_eq(accounts_remove(store, SPAN("elsewhere")), -ENOENT);
    end();
}

END_TEST

START_TEST(an_account_that_cannot_be_stored_is_refused)
{
    static char room[ACCOUNT_TEXT_MAX + 1];
    struct vault vault = {.key = {1}, .id = "00000001"};
    struct account_row good = {.name = SPAN("up"), .kind = SPAN("mock")};
    struct account_row bad[] = {good, good, good, good, good};

    begin();
    memset(room, 'x', sizeof(room));
    bad[0].name = span_of(room, ACCOUNT_NAME_MAX + 1);
    bad[1].base_url = SPAN("\xff");
    bad[2].models = SPAN("a\0b");
    bad[3].extra = span_of(room, sizeof(room));
    bad[4].credential = secret_of(span_of(room, VAULT_SECRET_MAX + 1));
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_int_eq(accounts_create(store, &vault, &bad[i]), -EINVAL);
        ck_assert_int_eq(accounts_change(store, &vault, &bad[i]), -EINVAL);
    }
    ck_assert_int_eq(accounts_create(store, &vault, &good), 0);
    end();
}

END_TEST

static const struct vault vault_one = {.key = {1}, .id = "00000001"};

static int add_account_key(const char *account, const char *name, const char *value)
{
    struct account_key_row row = {.account = span_of_text(account),
                                  .name = span_of_text(name),
                                  .value = secret_of(span_of_text(value)),
                                  .weight = 1,
                                  .created_ms = 1000};

    return account_keys_add(store, &vault_one, &row);
}

static void add_account(const char *name)
{
    struct account_row row = {.name = span_of_text(name), .kind = SPAN("mock")};

    ck_assert_int_eq(accounts_create(store, &vault_one, &row), 0);
}

/* "account/name=value " of each; "?" for one that does not open. */
static void write_account_key(void *who, const struct account_key_row *row)
{
    struct span value = secret_reveal(row->value);

    ck_assert(row->fault == 0 ? value.len > 0 : value.ptr == NULL);
    (void)buffer_append_format(who, "%.*s/%.*s=%.*s ", SPAN_ARG(row->account),
                               SPAN_ARG(row->name), SPAN_ARG(row->fault ? SPAN("?") : value));
}

static void expect_account_keys(const char *expected)
{
    struct buffer text _buffer_;

    buffer_init(&text, 10000);
    ck_assert_int_eq(account_keys_each(store, &vault_one, write_account_key, &text), 0);
    (void)buffer_append_byte(&text, '\0');
    ck_assert_str_eq(text.ptr, expected);
}

START_TEST(further_credentials_are_bound_to_their_account_and_name)
{
    begin();
    add_account("up");
    add_account("other");
    ck_assert_int_eq(add_account_key("up", "a", "sk-a"), 0);
    ck_assert_int_eq(add_account_key("up", "b", "sk-b"), 0);
    ck_assert_int_eq(add_account_key("other", "a", "sk-c"), 0);
    ck_assert_int_eq(add_account_key("up", "a", "sk-d"), -EEXIST);
    expect_account_keys("other/a=sk-c up/a=sk-a up/b=sk-b ");
    ck_assert_int_eq(
        store_run(store,
                  "update provider_keys set credential = (select credential from provider_keys "
                  "where account = 'up' and name = 'a') where account = 'other' or name = 'b'",
                  NULL, 0, NULL, NULL),
        2);
    expect_account_keys("other/a=? up/a=sk-a up/b=? ");
    ck_assert_int_eq(account_keys_remove(store, SPAN("up"), SPAN("a")), 0);
    ck_assert_int_eq(account_keys_remove(store, SPAN("up"), SPAN("a")), -ENOENT);
    ck_assert_int_eq(accounts_remove(store, SPAN("up")), 0);
    expect_account_keys("other/a=? ");
    end();
}

END_TEST

START_TEST(an_accounts_own_credential_is_removed_by_its_name)
{
    struct account_row row = {
        .name = SPAN("up"), .kind = SPAN("mock"), .credential = secret_of(SPAN("sk-own"))};
    int fault = 0;

    begin();
    ck_assert_int_eq(accounts_create(store, &vault_one, &row), 0);
    ck_assert_int_eq(add_account_key("up", "api_key", "sk-a"), -EINVAL);
    ck_assert_int_eq(account_keys_remove(store, SPAN("up"), SPAN("api_key")), 0);
    ck_assert_int_eq(accounts_each(store, &vault_one, expect_fault, &fault), 0);
    ck_assert_int_eq(account_keys_remove(store, SPAN("up"), SPAN("api_key")), -ENOENT);
    ck_assert_int_eq(accounts_change(store, &vault_one, &row), 0);
    ck_assert_int_eq(account_keys_remove(store, SPAN("up"), SPAN("api_key")), 0);
    end();
}

END_TEST

START_TEST(an_account_has_a_limit_of_credentials_and_none_without_an_account)
{
    static char room[ACCOUNT_KEY_NAME_MAX + 2];
    char name[16];

    begin();
    memset(room, 'x', sizeof(room) - 1);
    ck_assert_int_eq(add_account_key("nobody", "a", "sk-a"), -ENOENT);
    add_account("up");
    ck_assert_int_eq(add_account_key("up", "", "sk-a"), -EINVAL);
    ck_assert_int_eq(add_account_key("up", room, "sk-a"), -EINVAL);
    ck_assert_int_eq(add_account_key("up", "a", ""), -EINVAL);
    for (int i = 0; i < ACCOUNT_KEYS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "key-%d", i);
        ck_assert_int_eq(add_account_key("up", name, "sk-a"), 0);
    }
    ck_assert_int_eq(add_account_key("up", "more", "sk-a"), -E2BIG);
    ck_assert_int_eq(account_keys_remove(store, SPAN("up"), SPAN("key-3")), 0);
    ck_assert_int_eq(add_account_key("up", "more", "sk-a"), 0);
    end();
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tests = tcase_create("keys");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_made_key_is_listed_with_its_hash_only);
    tcase_add_test(tests, a_rotated_key_keeps_its_id_and_its_old_secret_for_the_grace);
    tcase_add_test(tests, a_revoked_key_stays_revoked);
    tcase_add_test(tests, a_changed_key_keeps_its_secret_and_a_revoked_one_is_not_changed);
    tcase_add_test(tests, a_key_expires_at_its_time);
    tcase_add_test(tests, what_is_no_key_is_not_found_and_what_is_no_name_is_refused);
    tcase_add_test(tests, an_account_that_cannot_be_stored_is_refused);
    tcase_add_test(tests, a_credential_is_sealed_and_bound_to_its_row);
    tcase_add_test(tests, further_credentials_are_bound_to_their_account_and_name);
    tcase_add_test(tests, an_accounts_own_credential_is_removed_by_its_name);
    tcase_add_test(tests, an_account_has_a_limit_of_credentials_and_none_without_an_account);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
