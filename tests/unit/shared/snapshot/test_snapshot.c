#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/snapshot/snapshot.h"
#include "shared/snapshot/snapshot_build.h"

#define KEYS   500
#define MODELS 70

static void fill_keys(struct snapshot_builder *builder, struct snapshot_header_page *page)
{
    static struct snapshot_key keys[KEYS];
    struct snapshot_text allowed[1];

    for (unsigned i = 0; i < KEYS; i++) {
        char id[KEY_ID_SIZE + 1];

        (void)snprintf(id, sizeof(id), "key%09u", i);
        memcpy(keys[i].id, id, KEY_ID_SIZE);
        keys[i].models_any = i % 2;
        keys[i].name = snapshot_build_text(builder, span_of_text(id));
        allowed[0] = snapshot_build_text(builder, SPAN("fast"));
        keys[i].models =
            i % 2 ? (struct snapshot_table){0, 0} : SNAPSHOT_BUILD_ROWS(builder, allowed, 1);
    }
    page->keys = SNAPSHOT_BUILD_ROWS(builder, keys, KEYS);
}

static void fill_models(struct snapshot_builder *builder, struct snapshot_header_page *page,
                        uint32_t provider)
{
    static struct snapshot_model models[MODELS];

    for (unsigned i = 0; i < MODELS; i++) {
        struct snapshot_target target[1] = {{.provider = provider, .weight = i * i * 210}};
        char name[32];

        (void)snprintf(name, sizeof(name), "model-%u", i);
        target[0].model = snapshot_build_text(builder, SPAN("there"));
        target[0].model_json = snapshot_build_text(builder, SPAN("\"there\""));
        models[i] = (struct snapshot_model){
            .name = snapshot_build_text(builder, span_of_text(name)),
            .targets = SNAPSHOT_BUILD_ROWS(builder, target, 1),
        };
    }
    page->models = SNAPSHOT_BUILD_ROWS(builder, models, MODELS);
}

static int sealed(uint32_t target_provider, struct snapshot_header_page *page)
{
    struct snapshot_builder builder;
    struct snapshot_provider provider[1] = {
        {.port = 443, .tls = 1, .health_row = 5, .waiting = 1}};
    struct snapshot_certificate certificate[1];
    struct snapshot_listener listener[1] = {{.client_certificate_needed = 1}};
    int fd;

    snapshot_build_init(&builder);
    *page = (struct snapshot_header_page){.generation = 7, .limits.body_bytes = 1234};
    provider[0].name = snapshot_build_text(&builder, SPAN("up"));
    provider[0].credential = snapshot_build_text(&builder, SPAN("secret"));
    page->providers = SNAPSHOT_BUILD_ROWS(&builder, provider, 1);
    certificate[0].certificate_file = snapshot_build_text(&builder, SPAN("/c.pem"));
    certificate[0].key_file = snapshot_build_text(&builder, SPAN("/k.pem"));
    listener[0].address = snapshot_build_text(&builder, SPAN("127.0.0.1:8080"));
    listener[0].certificates = SNAPSHOT_BUILD_ROWS(&builder, certificate, 1);
    page->listeners = SNAPSHOT_BUILD_ROWS(&builder, listener, 1);
    fill_models(&builder, page, target_provider);
    fill_keys(&builder, page);
    fd = snapshot_build_seal(&builder, page);
    snapshot_build_done(&builder);
    return fd;
}

static void rows_are_as_written(const struct snapshot *snapshot)
{
    const struct snapshot_header_page *page = snapshot_page(snapshot);
    const struct snapshot_listener *listener =
        SNAPSHOT_ROW(snapshot, page->listeners, 0, snapshot_listener);
    const struct snapshot_certificate *certificate =
        SNAPSHOT_ROW(snapshot, listener->certificates, 0, snapshot_certificate);
    const struct snapshot_provider *provider;
    uint32_t index = 9;

    ck_assert_uint_eq(page->generation, 7);
    ck_assert_uint_eq(page->limits.body_bytes, 1234);
    ck_assert_str_eq(snapshot_string(snapshot, certificate->key_file), "/k.pem");
    ck_assert_ptr_null(snapshot_string(snapshot, listener->client_ca_file));
    ck_assert_ptr_null(snapshot_span(snapshot, listener->client_ca_file).ptr);
    provider = snapshot_find_provider(snapshot, SPAN("up"), &index);
    ck_assert_ptr_nonnull(provider);
    ck_assert_uint_eq(index, 0);
    ck_assert(span_eq(snapshot_span(snapshot, provider->credential), SPAN("secret")));
    ck_assert_ptr_null(snapshot_find_provider(snapshot, SPAN("down"), &index));
}

START_TEST(what_was_written_is_found)
{
    struct buffer why;
    struct snapshot_header_page page;
    int fd = sealed(0, &page);
    struct snapshot *snapshot;

    buffer_init(&why, 1000);
    ck_assert_int_ge(fd, 0);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    rows_are_as_written(snapshot);
    for (unsigned i = 0; i < KEYS; i++) {
        char id[KEY_ID_SIZE + 1];
        const struct snapshot_key *key;

        (void)snprintf(id, sizeof(id), "key%09u", i);
        key = snapshot_find_key(snapshot, span_of(id, KEY_ID_SIZE));
        ck_assert_ptr_nonnull(key);
        ck_assert_uint_eq(key->models_any, i % 2);
        id[0] = 'x';
        ck_assert_ptr_null(snapshot_find_key(snapshot, span_of(id, KEY_ID_SIZE)));
    }
    ck_assert_ptr_null(snapshot_find_key(snapshot, SPAN("short")));
    ck_assert_ptr_nonnull(snapshot_find_model(snapshot, SPAN("model-69")));
    ck_assert_ptr_null(snapshot_find_model(snapshot, SPAN("model-70")));
    ck_assert_ptr_null(snapshot_find_model(snapshot, SPAN_NONE));
    ck_assert_ptr_eq(snapshot_ref(snapshot), snapshot);
    snapshot_unref(snapshot);
    rows_are_as_written(snapshot);
    snapshot_unref(snapshot);
    buffer_done(&why);
}

END_TEST

static uint64_t divided(uint64_t value, const struct snapshot_target *target)
{
    return (uint64_t)((unsigned __int128)value * target->inverse >> 64);
}

/* A product with the inverse is a division, for all that routing divides by a weight. */
static void divides_exactly(const struct snapshot_target *target)
{
    const uint64_t most = (1ULL << 42) - 1;

    ck_assert_uint_eq(target->inverse == 0, target->weight <= 1);
    for (uint64_t times = 1; target->weight > 1 && times * target->weight <= most; times *= 3) {
        uint64_t value = times * target->weight;

        ck_assert_uint_eq(divided(value, target), times);
        ck_assert_uint_eq(divided(value - 1, target), times - 1);
    }
}

START_TEST(a_target_knows_what_routing_asks_of_its_provider)
{
    struct snapshot_header_page page;
    struct buffer why _buffer_;
    struct snapshot *snapshot;
    int fd;

    buffer_init(&why, 1000);
    fd = sealed(0, &page);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_int_eq(close(fd), 0);
    for (uint32_t i = 0; i < MODELS; i++) {
        const struct snapshot_model *model =
            SNAPSHOT_ROW(snapshot, page.models, i, snapshot_model);
        const struct snapshot_target *target =
            SNAPSHOT_ROW(snapshot, model->targets, 0, snapshot_target);

        ck_assert_uint_eq(target->health_row, 5);
        ck_assert_uint_eq(target->waiting, 1);
        ck_assert_uint_eq(target->name_hash, hash_fast(SPAN("up")));
        divides_exactly(target);
    }
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(a_target_of_no_provider_is_not_sealed)
{
    struct snapshot_header_page page;

    ck_assert_int_eq(sealed(1, &page), -EINVAL);
}

END_TEST

static int memory_file(struct span bytes, int seals)
{
    int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void refused(struct span bytes, int seals, const char *part)
{
    int fd = memory_file(bytes, seals);
    struct buffer why;

    buffer_init(&why, 1000);
    ck_assert_ptr_null(snapshot_attach(fd, &why));
    ck_assert_msg(span_find(buffer_span(&why), span_of_text(part)) != SIZE_MAX, "%.*s",
                  SPAN_ARG(buffer_span(&why)));
    buffer_done(&why);
    (void)close(fd);
}

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* A good snapshot's bytes, to spoil. */
static size_t good_bytes(char *bytes, size_t size)
{
    struct snapshot_header_page page;
    int fd = sealed(0, &page);
    ssize_t count = pread(fd, bytes, size, 0);

    ck_assert_int_gt(count, 0);
    ck_assert_uint_lt((size_t)count, size);
    (void)close(fd);
    return (size_t)count;
}

static char copy[1 << 20] __attribute__((aligned(8)));

START_TEST(what_is_no_snapshot_is_refused_with_a_sentence)
{
    struct snapshot_header_page *page = (void *)copy;
    struct snapshot_header_page whole;
    size_t size = good_bytes(copy, sizeof(copy));

    whole = *page;
    refused(span_of(copy, size), F_SEAL_SHRINK, "sealed");
    refused(span_of(copy, 0), ALL_SEALS, "0 bytes");
    refused(span_of(copy, size - 1), ALL_SEALS, "says");
    page->magic++;
    refused(span_of(copy, size), ALL_SEALS, "not a snapshot");
    *page = whole;
    page->version++;
    refused(span_of(copy, size), ALL_SEALS, "version");
    *page = whole;
    page->models.offset = (uint32_t)size;
    refused(span_of(copy, size), ALL_SEALS, "models");
    *page = whole;
    page->keys.count = UINT32_MAX;
    refused(span_of(copy, size), ALL_SEALS, "keys");
    *page = whole;
    page->key_index.count--;
    refused(span_of(copy, size), ALL_SEALS, "index of keys");
    *page = whole;
    page->access_log = (struct snapshot_text){(uint32_t)size - 1, 5};
    refused(span_of(copy, size), ALL_SEALS, "settings");
}

END_TEST

START_TEST(any_changed_word_is_refused_or_harmless)
{
    size_t size = good_bytes(copy, sizeof(copy));
    struct buffer why;

    buffer_init(&why, 1000);
    for (size_t at = 0; at + 4 <= size; at += 4 * 37) {
        uint32_t word, wrong = 0xfffffff7;
        struct snapshot *snapshot;
        int fd;

        memcpy(&word, copy + at, 4);
        memcpy(copy + at, &wrong, 4);
        fd = memory_file(span_of(copy, size), ALL_SEALS);
        snapshot = snapshot_attach(fd, &why);
        if (snapshot) {
            (void)snapshot_find_key(snapshot, SPAN("key000000001"));
            (void)snapshot_find_model(snapshot, SPAN("model-1"));
        }
        snapshot_unref(snapshot);
        (void)close(fd);
        buffer_clear(&why);
        memcpy(copy + at, &word, 4);
    }
    buffer_done(&why);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tests = tcase_create("snapshot");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, what_was_written_is_found);
    tcase_add_test(tests, a_target_knows_what_routing_asks_of_its_provider);
    tcase_add_test(tests, a_target_of_no_provider_is_not_sealed);
    tcase_add_test(tests, what_is_no_snapshot_is_refused_with_a_sentence);
    tcase_add_test(tests, any_changed_word_is_refused_or_harmless);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
