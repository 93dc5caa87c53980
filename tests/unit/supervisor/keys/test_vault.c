#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/keys/vault.h"
#include "tests/support/folder.h"

#define HEX    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static char folder[FOLDER_BYTES];
static char path[96];
static struct buffer error;

static void begin(const char *file)
{
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    folder_make(folder, "vault");
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    buffer_init(&error, 1000);
}

static void clean(void)
{
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
    buffer_done(&error);
}

static void write_key(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static int open_vault(struct vault *vault, struct span setting)
{
    return vault_open(vault, span_of_text(folder), secret_of(setting), &error);
}

START_TEST(the_first_start_makes_a_key_that_stays)
{
    struct vault first;
    struct vault second;
    struct stat status;

    begin("master.key");
    ck_assert_int_eq(open_vault(&first, SPAN_NONE), 0);
    ck_assert_int_eq(open_vault(&second, SPAN_NONE), 0);
    ck_assert_int_eq(memcmp(&first, &second, sizeof(first)), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    clean();
}

END_TEST

START_TEST(hex_and_base64_say_the_same_key)
{
    struct vault hex;
    struct vault base64;

    begin("master.key");
    ck_assert_int_eq(open_vault(&hex, SPAN(HEX)), 0);
    ck_assert_int_eq(open_vault(&base64, SPAN(BASE64 "\n")), 0);
    ck_assert_int_eq(memcmp(&hex, &base64, sizeof(hex)), 0);
    ck_assert_uint_eq(hex.key[31], 31);
    clean();
}

END_TEST

START_TEST(the_credential_of_systemd_comes_first)
{
    struct vault vault;

    begin("kek");
    write_key(HEX "\n");
    (void)setenv("CREDENTIALS_DIRECTORY", folder, 1);
    ck_assert_int_eq(open_vault(&vault, SPAN("bad")), 0);
    ck_assert_uint_eq(vault.key[1], 1);
    clean();
}

END_TEST

START_TEST(a_bad_key_is_named_and_not_written_over)
{
    struct vault vault;

    begin("master.key");
    write_key("short");
    ck_assert_int_eq(open_vault(&vault, SPAN_NONE), -EINVAL);
    ck_assert(span_find(buffer_span(&error), span_of_text(path)) != SIZE_MAX);
    ck_assert_int_eq(open_vault(&vault, SPAN("bad")), -EINVAL);
    clean();
}

END_TEST

START_TEST(a_sealed_text_opens_in_its_place_only)
{
    const struct vault vault = {.key = {7}, .id = "01234567"};
    const struct vault_place place = {SPAN("t"), SPAN("r"), SPAN("c")};
    const struct vault_place others[] = {{SPAN("t"), SPAN("x"), SPAN("c")},
                                         {SPAN("tr"), SPAN(""), SPAN("c")},
                                         {SPAN("t"), SPAN("rc"), SPAN("")}};
    struct buffer sealed;
    struct buffer plain;

    buffer_init(&sealed, 1000);
    buffer_init(&plain, 1000);
    ck_assert(vault_seal(&vault, &place, secret_of(SPAN("hello")), &sealed));
    ck_assert_int_eq(vault_unseal(&vault, &place, buffer_span(&sealed), &plain), 0);
    ck_assert(span_eq(buffer_span(&plain), SPAN("hello")));
    for (unsigned i = 0; i < ARRAY_LEN(others); i++)
        ck_assert_int_eq(vault_unseal(&vault, &others[i], buffer_span(&sealed), &plain),
                         -EPROTO);
    for (size_t i = 0; i < sealed.len; i++) {
        char kept = sealed.ptr[i];

        ck_assert_int_lt(vault_unseal(&vault, &place, span_of(sealed.ptr, i), &plain), 0);
        sealed.ptr[i] = kept == 'A' ? 'B' : 'A';
        ck_assert_int_lt(vault_unseal(&vault, &place, buffer_span(&sealed), &plain), 0);
        sealed.ptr[i] = kept;
    }
    ck_assert(span_eq(buffer_span(&plain), SPAN("hello")));
    buffer_done(&sealed);
    buffer_done(&plain);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("vault");
    TCase *tests = tcase_create("vault");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, the_first_start_makes_a_key_that_stays);
    tcase_add_test(tests, hex_and_base64_say_the_same_key);
    tcase_add_test(tests, the_credential_of_systemd_comes_first);
    tcase_add_test(tests, a_bad_key_is_named_and_not_written_over);
    tcase_add_test(tests, a_sealed_text_opens_in_its_place_only);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
