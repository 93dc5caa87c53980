#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/key_text.h"
#include "shared/snapshot/snapshot_build.h"

#include "worker/authenticate/caller.h"

#define NOW_MS 1000000

enum who {
    PLAIN,
    ENDS_LATER,
    ENDS_NOW,
    DISABLED,
    REVOKED,
    REVOKED_AND_DISABLED,
    ROTATED,
    ROTATED_LONG_AGO,
    FEW_MODELS,
    NO_MODEL,
    WHO_COUNT,
    NOBODY,
};

static const struct snapshot_key facts[WHO_COUNT] = {
    [PLAIN] = {.models_any = 1},
    [ENDS_LATER] = {.expires_ms = NOW_MS + 1},
    [ENDS_NOW] = {.expires_ms = NOW_MS},
    [DISABLED] = {.flags = KEY_DISABLED},
    [REVOKED] = {.flags = KEY_REVOKED},
    [REVOKED_AND_DISABLED] = {.flags = KEY_REVOKED | KEY_DISABLED},
    [ROTATED] = {.previous_until_ms = NOW_MS + 1},
    [ROTATED_LONG_AGO] = {.previous_until_ms = NOW_MS},
};

static struct snapshot *snapshot;
static char keys[WHO_COUNT + 2][KEY_TEXT_SIZE + 1]; /* as clients send them */
static char old_keys[WHO_COUNT][KEY_TEXT_SIZE + 1]; /* before a rotation */

static void hash_of(const char *key, uint8_t ret[SHA256_SIZE])
{
    struct span id, secret;

    ck_assert(key_text_read(span_of_text(key), &id, &secret));
    hash_sha256(secret, ret);
}

static void make_key(enum who who, struct snapshot_key *ret)
{
    struct span id, secret;

    key_text_make(keys[who]);
    ck_assert(key_text_read(span_of_text(keys[who]), &id, &secret));
    *ret = facts[who];
    memcpy(ret->id, id.ptr, KEY_ID_SIZE);
    hash_sha256(secret, ret->secret_hash);
    key_text_make_for(id, old_keys[who]);
    if (facts[who].previous_until_ms)
        hash_of(old_keys[who], ret->previous_hash);
}

static void set_up(void)
{
    struct snapshot_header_page page = {.generation = 1};
    struct snapshot_key rows[WHO_COUNT];
    struct snapshot_text models[2];
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    int fd;

    buffer_init(&why, 1000);
    snapshot_build_init(&builder);
    for (unsigned i = 0; i < WHO_COUNT; i++)
        make_key((enum who)i, &rows[i]);
    models[0] = snapshot_build_text(&builder, SPAN("fast"));
    models[1] = snapshot_build_text(&builder, SPAN("p/large"));
    rows[FEW_MODELS].models = SNAPSHOT_BUILD_ROWS(&builder, models, 2);
    page.keys = SNAPSHOT_BUILD_ROWS(&builder, rows, WHO_COUNT);
    fd = snapshot_build_seal(&builder, &page);
    snapshot_build_done(&builder);
    ck_assert_int_ge(fd, 0);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    key_text_make(keys[NOBODY]);
}

static void tear_down(void)
{
    snapshot_unref(snapshot);
}

/* A connection that showed the key before, or another one, is told the same as a new one. */
static enum fault find(const char *key, struct caller *ret)
{
    static struct sha256_memo memo;
    struct secret secret = secret_of(span_of_text(key));
    enum fault fault = caller_find(snapshot, secret, NOW_MS, NULL, ret);

    for (unsigned i = 0; i < 2; i++) {
        struct caller again = {NULL};

        ck_assert_int_eq(caller_find(snapshot, secret, NOW_MS, &memo, &again), fault);
        ck_assert(fault || again.key == ret->key);
    }
    return fault;
}

static const struct {
    enum who who;
    bool old;
    enum fault fault;
} cases[] = {
    {PLAIN, false, FAULT_NONE},
    {PLAIN, true, FAULT_bad_key},
    {ENDS_LATER, false, FAULT_NONE},
    {ENDS_LATER, true, FAULT_bad_key},
    {ENDS_NOW, false, FAULT_key_expired},
    {ENDS_NOW, true, FAULT_bad_key}, /* who has no secret learns nothing of the key */
    {DISABLED, false, FAULT_key_disabled},
    {DISABLED, true, FAULT_bad_key},
    {REVOKED, false, FAULT_bad_key},
    {REVOKED_AND_DISABLED, false, FAULT_bad_key},
    {ROTATED, false, FAULT_NONE},
    {ROTATED, true, FAULT_NONE},
    {ROTATED_LONG_AGO, false, FAULT_NONE},
    {ROTATED_LONG_AGO, true, FAULT_bad_key},
    {NOBODY, false, FAULT_bad_key},
};

START_TEST(a_key_is_known_by_its_secret_and_its_state)
{
    enum who who = cases[_i].who;
    struct caller caller = {.key = NULL};

    ck_assert_int_eq(find(cases[_i].old ? old_keys[who] : keys[who], &caller), cases[_i].fault);
    ck_assert_int_eq(caller.key != NULL, cases[_i].fault == FAULT_NONE);
    if (caller.key)
        ck_assert_mem_eq(caller.key->id, keys[who] + strlen(KEY_TEXT_PREFIX), KEY_ID_SIZE);
}

END_TEST

START_TEST(what_is_no_key_is_told_from_none)
{
    struct caller caller = {.key = NULL};
    char cut[KEY_TEXT_SIZE + 1];

    ck_assert_int_eq(caller_find(snapshot, (struct secret){SPAN_NONE}, NOW_MS, NULL, &caller),
                     FAULT_no_key);
    ck_assert_int_eq(find("", &caller), FAULT_no_key);
    ck_assert_int_eq(find("sk-of-another-house", &caller), FAULT_bad_key);
    memcpy(cut, keys[PLAIN], sizeof(cut));
    cut[KEY_TEXT_SIZE - 1] = '\0';
    ck_assert_int_eq(find(cut, &caller), FAULT_bad_key);
    ck_assert_ptr_null(caller.key);
}

END_TEST

static const struct {
    enum who who;
    const char *model;
    bool may;
} permissions[] = {
    {PLAIN, "anything", true},    {FEW_MODELS, "fast", true}, {FEW_MODELS, "p/large", true},
    {FEW_MODELS, "large", false}, {FEW_MODELS, "fas", false}, {FEW_MODELS, "faster", false},
    {FEW_MODELS, "Fast", false},  {FEW_MODELS, "", false},    {NO_MODEL, "fast", false},
    {NO_MODEL, "", false},
};

START_TEST(a_key_may_use_the_models_of_its_list_only)
{
    struct caller caller = {.key = NULL};

    ck_assert_int_eq(find(keys[permissions[_i].who], &caller), FAULT_NONE);
    ck_assert_int_eq(caller_may_use(snapshot, &caller, span_of_text(permissions[_i].model)),
                     permissions[_i].may);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("caller");
    TCase *tests = tcase_create("caller");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_key_is_known_by_its_secret_and_its_state, 0, ARRAY_LEN(cases));
    tcase_add_test(tests, what_is_no_key_is_told_from_none);
    tcase_add_loop_test(tests, a_key_may_use_the_models_of_its_list_only, 0,
                        ARRAY_LEN(permissions));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
