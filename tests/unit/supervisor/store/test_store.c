#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/store/store.h"
#include "tests/support/folder.h"

static char folder[FOLDER_BYTES];
static char path[96];
static char settings[128];

static void begin(void)
{
    folder_make(folder, "store");
    (void)snprintf(path, sizeof(path), "%s/aigw.db", folder);
    (void)snprintf(settings, sizeof(settings), "sqlite:%s", path);
}

static struct store *open_it(void)
{
    struct buffer error;

    buffer_init(&error, 1000);
    struct store *store = store_open(span_of_text(settings), &error);

    ck_assert_msg(store, "%.*s", SPAN_ARG(buffer_span(&error)));
    buffer_done(&error);
    return store;
}

static void clean(void)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char name[128];

    for (unsigned i = 0; i < ARRAY_LEN(endings); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        (void)unlink(name);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

static void expect_error(struct store *store, const char *part)
{
    struct buffer error;

    buffer_init(&error, 1000);
    store_write_error(store, &error);
    ck_assert_msg(span_find(buffer_span(&error), span_of_text(part)) != SIZE_MAX,
                  "'%s' is not in '%.*s'", part, SPAN_ARG(buffer_span(&error)));
    ck_assert(span_find(buffer_span(&error), SPAN("\n")) == SIZE_MAX);
    buffer_done(&error);
}

static void take_number(void *who, const struct store_value *values, unsigned count)
{
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(values[0].kind, STORE_NUMBER);
    *(int64_t *)who = values[0].number;
}

static int64_t number_of(struct store *store, const char *sql)
{
    int64_t number = -1;

    ck_assert_int_eq(store_run(store, sql, NULL, 0, take_number, &number), 1);
    return number;
}

static int64_t put_meta(struct store *store, const char *name, const char *value)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(span_of_text(name)),
                                         STORE_TEXT_VALUE(span_of_text(value))};

    return store_run(store, "insert into meta (name, value) values ($1, $2)", values, 2, NULL,
                     NULL);
}

START_TEST(a_new_file_gets_the_schema_once_and_only_its_owner_reads_it)
{
    struct stat status;

    begin();
    for (int i = 0; i < 2; i++) {
        struct store *store = open_it();

        ck_assert_str_eq(store_state(store), "new");
        ck_assert_int_eq(store_connect(store), 0);
        ck_assert_str_eq(store_state(store), "open");
        ck_assert_int_eq(number_of(store, "select count(*) from usage"), 0);
        ck_assert_int_ge(number_of(store, "select count(*) from schema_migrations"), 1);
        store_close(store);
    }
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    clean();
}

END_TEST

START_TEST(values_come_back_as_they_were)
{
    begin();
    struct store *store = open_it();

    ck_assert_int_eq(put_meta(store, "a", "'; drop table meta; --"), 1);
    ck_assert_int_eq(put_meta(store, "a", "again"), -EEXIST);
    ck_assert_int_eq(put_meta(store, "b", NULL), -EIO);
    ck_assert_int_eq(number_of(store, "select count(*) from meta where value like '%drop%'"),
                     1);
    ck_assert_int_eq(store_run(store, "select nothing", NULL, 0, NULL, NULL), -EIO);
    expect_error(store, "nothing");
    store_close(store);
    clean();
}

END_TEST

static int put_two(struct store *store, void *who)
{
    ck_assert_int_eq(put_meta(store, "one", "1"), 1);
    ck_assert_int_eq(put_meta(store, "two", "2"), 1);
    return *(int *)who;
}

START_TEST(a_transaction_is_all_or_nothing)
{
    int result = -ECANCELED;

    begin();
    struct store *store = open_it();

    ck_assert_int_eq(store_transaction(store, put_two, &result), -ECANCELED);
    ck_assert_int_eq(number_of(store, "select count(*) from meta"), 0);
    result = 0;
    ck_assert_int_eq(store_transaction(store, put_two, &result), 0);
    ck_assert_int_eq(number_of(store, "select count(*) from meta"), 2);
    store_close(store);
    clean();
}

END_TEST

START_TEST(a_newer_schema_is_named_and_left_alone)
{
    begin();
    struct store *store = open_it();

    ck_assert_int_eq(store_run(store, "insert into schema_migrations values (9999, 'x', 0)",
                               NULL, 0, NULL, NULL),
                     1);
    store_close(store);
    store = open_it();
    ck_assert_int_eq(store_connect(store), -EPROTO);
    ck_assert_str_eq(store_state(store), "refused");
    expect_error(store, "9999");
    expect_error(store, path);
    /* Within the back-off a call fails at once, with the same sentence. */
    ck_assert_int_eq(put_meta(store, "a", "b"), -EPROTO);
    expect_error(store, "9999");
    store_close(store);
    clean();
}

END_TEST

static void write_file(const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    (void)close(fd);
}

START_TEST(a_damaged_file_is_named_and_left_alone)
{
    static char noise[8192];
    struct stat status;

    begin();
    memset(noise, 0x5a, sizeof(noise));
    write_file(noise, sizeof(noise));
    struct store *store = open_it();

    ck_assert_int_eq(store_connect(store), -EPROTO);
    expect_error(store, path);
    store_close(store);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_size, sizeof(noise));
    clean();
}

END_TEST

START_TEST(a_database_that_is_away_is_found_again)
{
    char gone[96];

    begin();
    (void)snprintf(gone, sizeof(gone), "%s.gone", folder);
    ck_assert_int_eq(rename(folder, gone), 0);
    struct store *store = open_it();

    ck_assert_int_eq(put_meta(store, "a", "b"), -EAGAIN);
    ck_assert_str_eq(store_state(store), "away");
    expect_error(store, path);
    ck_assert_int_eq(rename(gone, folder), 0);
    ck_assert_int_eq(store_connect(store), 0);
    ck_assert_int_eq(put_meta(store, "a", "b"), 1);
    store_close(store);
    clean();
}

END_TEST

START_TEST(an_address_that_is_none_is_refused_without_its_password)
{
    static const char *const cases[] = {"", "sqlite:", "mysql://a", "/tmp/x.db"};
    struct buffer error;

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_init(&error, 1000);
        ck_assert_ptr_null(store_open(span_of_text(cases[i]), &error));
        ck_assert_uint_gt(error.len, 0);
        buffer_done(&error);
    }
}

END_TEST

START_TEST(a_server_that_is_not_there_is_named_without_the_password)
{
    struct buffer error;

    buffer_init(&error, 1000);
    struct store *store =
        store_open(SPAN("postgresql://me:hunter2@127.0.0.1:1/db?password=hunter3"), &error);

    if (!store) {
        /* A build --without-postgresql says so. */
        ck_assert(span_find(buffer_span(&error), SPAN("no PostgreSQL")) != SIZE_MAX);
    } else {
        ck_assert_int_eq(store_connect(store), -EAGAIN);
        expect_error(store, "postgresql:127.0.0.1:1/db: ");
        buffer_clear(&error);
        store_write_error(store, &error);
        ck_assert(span_find(buffer_span(&error), SPAN("hunter")) == SIZE_MAX);
    }
    store_close(store);
    buffer_done(&error);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_new_file_gets_the_schema_once_and_only_its_owner_reads_it);
    tcase_add_test(tests, values_come_back_as_they_were);
    tcase_add_test(tests, a_transaction_is_all_or_nothing);
    tcase_add_test(tests, a_newer_schema_is_named_and_left_alone);
    tcase_add_test(tests, a_damaged_file_is_named_and_left_alone);
    tcase_add_test(tests, a_database_that_is_away_is_found_again);
    tcase_add_test(tests, an_address_that_is_none_is_refused_without_its_password);
    tcase_add_test(tests, a_server_that_is_not_there_is_named_without_the_password);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
