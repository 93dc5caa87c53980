#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"

#include "tests/support/certificates.h"
#include "worker/tls/tls.h"
#include "worker/tls/tls_keys.h"

#define PLAIN_BYTES 100000

/* Two engines, each the other's peer. */
struct duel {
    struct tls *client;
    struct tls *server;
    enum tls_result client_result;
    enum tls_result server_result;
    size_t at_once; /* cipher bytes that travel together */
};

static struct buffer reason;

static void before(void)
{
    buffer_init(&reason, 1000);
}

static void after(void)
{
    buffer_done(&reason);
}

/* ---- settings -------------------------------------------------------------------------- */

static struct tls_certificate certificate(const char *name)
{
    char file[64], key[64];
    bool borrowed = strcmp(name, "expired") == 0;

    (void)snprintf(file, sizeof(file), "%s.pem", name);
    (void)snprintf(key, sizeof(key), "%s.key", borrowed ? "server" : name);
    return (struct tls_certificate){certificates_path(file), certificates_path(key)};
}

static struct tls_settings *server_with(const char *name, struct tls_server_options options)
{
    struct tls_certificate one = certificate(name);
    struct tls_settings *settings;

    options.certificates = &one;
    options.certificate_count = 1;
    settings = tls_server_settings(&options, &reason);
    ck_assert_msg(settings, "%.*s", (int)reason.len, reason.ptr);
    return settings;
}

static struct tls_settings *server(const char *name)
{
    return server_with(name, (struct tls_server_options){.tickets = NULL});
}

static struct tls_settings *client_with(const char *ca, const char *own, bool verify)
{
    struct tls_client_options options = {.ca_file = certificates_path(ca), .verify = verify};
    struct tls_settings *settings;

    if (own) {
        struct tls_certificate mine = certificate(own);

        options.client_certificate_file = mine.certificate_file;
        options.client_key_file = mine.key_file;
    }
    settings = tls_client_settings(&options, &reason);
    ck_assert_msg(settings, "%.*s", (int)reason.len, reason.ptr);
    return settings;
}

static struct tls_settings *client(void)
{
    return client_with("ca.pem", NULL, true);
}

static void keys_init(struct tls_ticket_keys *keys)
{
    *keys = (struct tls_ticket_keys){.version = 0};
    random_bytes(&keys->keys[0], sizeof(keys->keys[0]));
}

static void keys_rotate(struct tls_ticket_keys *keys)
{
    keys->version++;
    keys->keys[2] = keys->keys[1];
    keys->keys[1] = keys->keys[0];
    random_bytes(&keys->keys[0], sizeof(keys->keys[0]));
    keys->version++;
}

/* ---- duels ----------------------------------------------------------------------------- */

static void step(struct tls *tls, enum tls_result *result)
{
    if (*result == TLS_WANTS)
        *result = tls_handshake(tls);
}

/* Carries FROM's output to TO, which steps after each portion. */
static bool carry(struct tls *from, struct tls *to, enum tls_result *result, size_t at_once)
{
    struct buffer cipher;
    struct span rest;

    buffer_init(&cipher, 1U << 20);
    ck_assert(buffer_append(&cipher, tls_output(from)));
    tls_output_done(from);
    for (rest = buffer_span(&cipher); rest.len > 0; rest = span_skip(rest, at_once)) {
        tls_push(to, span_of(rest.ptr, rest.len < at_once ? rest.len : at_once));
        step(to, result);
    }
    rest = buffer_span(&cipher);
    buffer_done(&cipher);
    return rest.len > 0;
}

static struct duel duel(struct tls_settings *for_client, struct tls_settings *for_server,
                        const char *name, size_t at_once)
{
    struct duel duel = {
        .client = tls_new(for_client, span_of_text(name)),
        .server = tls_new(for_server, SPAN_NONE),
        .client_result = TLS_WANTS,
        .server_result = TLS_WANTS,
        .at_once = at_once,
    };
    bool moved = true;

    step(duel.client, &duel.client_result);
    while (moved) {
        moved = carry(duel.client, duel.server, &duel.server_result, at_once);
        moved = carry(duel.server, duel.client, &duel.client_result, at_once) || moved;
    }
    return duel;
}

static void duel_done(struct duel *duel)
{
    tls_free(duel->client);
    tls_free(duel->server);
}

static void must_open(const struct duel *duel)
{
    ck_assert_msg(duel->client_result == TLS_OK, "client: %s", tls_error(duel->client));
    ck_assert_msg(duel->server_result == TLS_OK, "server: %s", tls_error(duel->server));
}

/* Sends what TLS from one engine to the other and compares. */
static void send_through(struct tls *from, struct tls *to, struct span plain, size_t at_once)
{
    char *got = malloc(plain.len + 1);
    size_t len = 0, count;
    enum tls_result none = TLS_OK;

    for (struct span rest = plain; rest.len > 0; rest = span_skip(rest, 60000)) {
        enum tls_result result = TLS_OK;

        ck_assert_int_eq(
            tls_write(from, span_of(rest.ptr, rest.len < 60000 ? rest.len : 60000)), TLS_OK);
        ck_assert(carry(from, to, &none, at_once));
        while (result == TLS_OK) {
            result = tls_read(to, got + len, plain.len + 1 - len, &count);
            len += result == TLS_OK ? count : 0;
        }
        ck_assert_int_eq(result, TLS_WANTS);
    }
    ck_assert_uint_eq(len, plain.len);
    ck_assert_mem_eq(got, plain.ptr, len);
    ck_assert(!tls_has_input(to));
    free(got);
}

/* One exchange each way, so that a client gets the tickets that follow a TLS 1.3 handshake. */
static void talk(struct duel *duel)
{
    send_through(duel->client, duel->server, SPAN("question"), duel->at_once);
    send_through(duel->server, duel->client, SPAN("answer"), duel->at_once);
}

START_TEST(engines_talk_whatever_the_size_of_the_portions)
{
    static const size_t portions[] = {1, 7, 1000, 1U << 20};
    struct tls_settings *for_server = server("server"), *for_client = client();
    struct duel both = duel(for_client, for_server, "server.test", portions[_i]);
    char plain[PLAIN_BYTES];

    must_open(&both);
    ck_assert(!tls_resumed(both.client) && !tls_resumed(both.server));
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (char)(i * 7);
    talk(&both);
    send_through(both.client, both.server, span_of(plain, sizeof(plain)), portions[_i]);
    tls_shrink(both.client);
    tls_shrink(both.server);
    send_through(both.server, both.client, span_of(plain, sizeof(plain)), portions[_i]);
    tls_shrink(both.client);
    tls_shrink(both.server);
    talk(&both);
    duel_done(&both);
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

START_TEST(close_notify_is_a_clean_end)
{
    struct tls_settings *for_server = server("server"), *for_client = client();
    struct duel both = duel(for_client, for_server, "server.test", 100);
    enum tls_result none = TLS_OK;
    char text[10];
    size_t count;

    must_open(&both);
    ck_assert_int_eq(tls_write(both.server, SPAN("last")), TLS_OK);
    tls_close_notify(both.server);
    ck_assert(carry(both.server, both.client, &none, 100));
    ck_assert_int_eq(tls_read(both.client, text, sizeof(text), &count), TLS_OK);
    ck_assert_uint_eq(count, 4);
    ck_assert_int_eq(tls_read(both.client, text, sizeof(text), &count), TLS_CLOSED);
    ck_assert_int_eq(tls_read(both.client, text, sizeof(text), &count), TLS_CLOSED);
    duel_done(&both);
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

static const struct {
    const char *certificate, *ca, *name;
    bool verify, opens;
} servers[] = {
    {"server", "ca.pem", "server.test", true, true},
    {"server", "ca.pem", "SERVER.test", true, true},
    {"server", "ca.pem", "a.wild.test", true, true},
    {"server", "ca.pem", "a.b.wild.test", true, false},
    {"server", "ca.pem", "wild.test", true, false},
    {"server", "ca.pem", "127.0.0.1", true, true},
    {"server", "ca.pem", "127.0.0.2", true, false},
    {"server", "ca.pem", "::1", true, false},
    {"server", "ca.pem", "bad.test", true, false},
    {"second", "ca.pem", "second.test", true, true},
    {"expired", "ca.pem", "server.test", true, false},
    {"self", "ca.pem", "server.test", true, false},
    {"server", "other-ca.pem", "server.test", true, false},
    {"self", "ca.pem", "bad.test", false, true},
    {"expired", "ca.pem", "server.test", false, true},
};

START_TEST(a_server_is_believed_only_with_the_right_certificate)
{
    struct tls_settings *for_server = server(servers[_i].certificate);
    struct tls_settings *for_client = client_with(servers[_i].ca, NULL, servers[_i].verify);
    struct duel both = duel(for_client, for_server, servers[_i].name, 1000);

    if (servers[_i].opens) {
        must_open(&both);
        talk(&both);
    } else {
        ck_assert_int_eq(both.client_result, TLS_FAILED);
        ck_assert_str_ne(tls_error(both.client), "");
        ck_assert_int_eq(tls_handshake(both.client), TLS_FAILED);
    }
    duel_done(&both);
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

START_TEST(the_server_name_chooses_the_certificate)
{
    static const struct {
        const char *name, *common_name;
    } names[] = {{"server.test", "CN=server.test"},
                 {"second.test", "CN=second.test"},
                 {"x.wild.test", "CN=server.test"},
                 {"unknown.test", "CN=second.test"}};
    struct tls_certificate certificates[] = {certificate("second"), certificate("server")};
    struct tls_server_options options = {.certificates = certificates, .certificate_count = 2};
    struct tls_settings *for_server = tls_server_settings(&options, &reason);
    struct tls_settings *for_client = client_with("ca.pem", NULL, false);

    ck_assert_ptr_nonnull(for_server);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct duel both = duel(for_client, for_server, names[i].name, 1000);

        must_open(&both);
        ck_assert(span_eq(tls_peer_subject(both.client), span_of_text(names[i].common_name)));
        duel_done(&both);
    }
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

static const struct {
    const char *own;
    bool needed, opens;
    const char *subject;
} clients[] = {
    {"client", true, true, "CN=client one"},
    {"client", false, true, "CN=client one"},
    {NULL, false, true, NULL},
    {NULL, true, false, NULL},
    {"stranger", true, false, NULL},
    {"stranger", false, false, NULL},
};

START_TEST(a_client_certificate_is_optional_or_needed_and_always_checked)
{
    struct tls_settings *for_server = server_with(
        "server", (struct tls_server_options){.client_ca_file = certificates_path("ca.pem"),
                                              .client_certificate_needed = clients[_i].needed});
    struct tls_settings *for_client = client_with("ca.pem", clients[_i].own, true);
    struct duel both = duel(for_client, for_server, "server.test", 1000);

    if (clients[_i].opens) {
        must_open(&both);
        ck_assert(span_eq(tls_peer_subject(both.server), span_of_text(clients[_i].subject)));
        ck_assert_int_eq(tls_peer_subject(both.server).ptr != NULL,
                         clients[_i].subject != NULL);
        talk(&both);
    } else {
        ck_assert_int_eq(both.server_result, TLS_FAILED);
    }
    duel_done(&both);
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

static bool resumes(struct tls_settings *for_client, struct tls_settings *for_server,
                    const char *name)
{
    struct duel both = duel(for_client, for_server, name, 1000);
    bool resumed;

    must_open(&both);
    talk(&both);
    resumed = tls_resumed(both.client);
    ck_assert_int_eq(tls_resumed(both.server), resumed);
    duel_done(&both);
    return resumed;
}

START_TEST(workers_resume_each_others_sessions_as_long_as_a_key_is_there)
{
    struct tls_ticket_keys keys;
    struct tls_settings *one, *other, *for_client = client();

    keys_init(&keys);
    one = server_with("server", (struct tls_server_options){.tickets = &keys});
    other = server_with("server", (struct tls_server_options){.tickets = &keys});
    ck_assert(!resumes(for_client, one, "server.test"));
    ck_assert(resumes(for_client, other, "server.test"));
    keys_rotate(&keys);
    keys_rotate(&keys);
    ck_assert(resumes(for_client, one, "server.test"));
    ck_assert(resumes(for_client, other, "server.test"));
    keys_rotate(&keys);
    keys_rotate(&keys);
    keys_rotate(&keys);
    ck_assert(!resumes(for_client, one, "server.test"));
    ck_assert(resumes(for_client, other, "server.test"));
    /* Another name is another session. */
    ck_assert(!resumes(for_client, one, "a.wild.test"));
    tls_settings_unref(for_client);
    tls_settings_unref(one);
    tls_settings_unref(other);
}

END_TEST

/* Behind one name, some servers give tickets and some do not; and a ticket may be refused. */
START_TEST(servers_with_and_without_tickets_may_alternate)
{
    struct tls_ticket_keys keys;
    struct tls_settings *with, *without = server("server"), *for_client = client();

    keys_init(&keys);
    with = server_with("server", (struct tls_server_options){.tickets = &keys});
    for (int i = 0; i < 3; i++) {
        ck_assert(!resumes(for_client, without, "server.test"));
        (void)resumes(for_client, with, "server.test");
        ck_assert(resumes(for_client, with, "server.test"));
    }
    tls_settings_unref(for_client);
    tls_settings_unref(with);
    tls_settings_unref(without);
}

END_TEST

START_TEST(without_keys_there_are_no_tickets)
{
    struct tls_ticket_keys none = {.version = 0};
    struct tls_settings *for_client = client();
    struct tls_settings *for_server =
        server_with("server", (struct tls_server_options){.tickets = _i ? &none : NULL});

    ck_assert(!resumes(for_client, for_server, "server.test"));
    ck_assert(!resumes(for_client, for_server, "server.test"));
    none.version = 1; /* being written for ever */
    ck_assert(!resumes(for_client, for_server, "server.test"));
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

START_TEST(a_changed_ticket_key_opens_nothing)
{
    struct tls_ticket_keys keys;
    struct tls_settings *for_client = client(), *for_server;

    keys_init(&keys);
    for_server = server_with("server", (struct tls_server_options){.tickets = &keys});
    ck_assert(!resumes(for_client, for_server, "server.test"));
    keys.keys[0].key[5] ^= 1;
    ck_assert(!resumes(for_client, for_server, "server.test"));
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

START_TEST(many_names_do_not_grow_the_cache)
{
    struct tls_ticket_keys keys;
    struct tls_settings *for_client = client(), *for_server;
    char name[32];

    keys_init(&keys);
    for_server = server_with("server", (struct tls_server_options){.tickets = &keys});
    for (int i = 0; i < 70; i++) {
        (void)snprintf(name, sizeof(name), "n%d.wild.test", i);
        ck_assert(!resumes(for_client, for_server, name));
    }
    ck_assert(resumes(for_client, for_server, "n69.wild.test"));
    ck_assert(!resumes(for_client, for_server, "n0.wild.test"));
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

START_TEST(garbage_fails_and_says_why)
{
    static const char *const garbage[] = {
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n", "\x16\x03\x01\xff\xff\x01\x00\x00\x00",
        "\x15\x03\x03\x01\x01\x02\x28", "\xff\xff\xff\xff\xff\xff"};
    struct tls_settings *settings = _i % 2 ? client() : server("server");
    struct tls *tls = tls_new(settings, _i % 2 ? SPAN("server.test") : SPAN_NONE);
    enum tls_result result = tls_handshake(tls);

    ck_assert_int_eq(result, TLS_WANTS);
    tls_push(tls, span_of_text(garbage[_i / 2]));
    for (int i = 0; i < 2 && result == TLS_WANTS; i++) {
        char zeros[70000] = "";

        result = tls_handshake(tls);
        if (result == TLS_WANTS)
            tls_push(tls, span_of(zeros, sizeof(zeros)));
    }
    if (result == TLS_WANTS)
        result = tls_handshake(tls);
    ck_assert_int_eq(result, TLS_FAILED);
    ck_assert_str_ne(tls_error(tls), "");
    tls_free(tls);
    tls_settings_unref(settings);
}

END_TEST

START_TEST(a_changed_byte_fails)
{
    struct tls_settings *for_server = server("server"), *for_client = client();
    struct duel both = duel(for_client, for_server, "server.test", 1000);
    char cipher[200], text[10];
    struct span sealed;
    size_t count;

    must_open(&both);
    ck_assert_int_eq(tls_write(both.client, SPAN("abc")), TLS_OK);
    sealed = tls_output(both.client);
    ck_assert_uint_le(sealed.len, sizeof(cipher));
    memcpy(cipher, sealed.ptr, sealed.len);
    cipher[sealed.len - 1] = (char)(cipher[sealed.len - 1] ^ 1);
    tls_push(both.server, span_of(cipher, sealed.len));
    ck_assert_int_eq(tls_read(both.server, text, sizeof(text), &count), TLS_FAILED);
    ck_assert_int_eq(tls_write(both.server, SPAN("x")), TLS_FAILED);
    duel_done(&both);
    tls_settings_unref(for_client);
    tls_settings_unref(for_server);
}

END_TEST

START_TEST(bad_files_are_named)
{
    struct tls_certificate bad[] = {
        {certificates_path("none.pem"), certificates_path("server.key")},
        {certificates_path("server.pem"), certificates_path("none.key")},
        {certificates_path("server.pem"), certificates_path("client.key")},
        {certificates_path("server.key"), certificates_path("server.key")},
    };
    struct tls_server_options options = {.certificates = &bad[_i], .certificate_count = 1};
    struct tls_client_options wrong = {.ca_file = certificates_path("none.pem"),
                                       .verify = true};

    ck_assert_ptr_null(tls_server_settings(&options, &reason));
    ck_assert_uint_lt(span_find(buffer_span(&reason), SPAN("aigw-certificates")), reason.len);
    buffer_clear(&reason);
    ck_assert_ptr_null(tls_client_settings(&wrong, &reason));
    ck_assert_uint_lt(span_find(buffer_span(&reason), SPAN("none.pem")), reason.len);
}

END_TEST

START_TEST(names_match_by_label)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"a.b", "a.b", true}, {"a.b", "A.B", true},     {"a.b", "a.bc", false},
        {"*.b", "a.b", true}, {"*.b", "a.c.b", false},  {"*.b", "b", false},
        {"*.b", ".b", false}, {"*", "a", false},        {"*.", "a.", false},
        {"", "", false},      {"*.b.c", "x.b.c", true}, {"a*.b", "ab.b", false},
    };

    uint8_t bytes[16];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_msg(tls_name_matches(span_of_text(cases[i].pattern),
                                       span_of_text(cases[i].name)) == cases[i].matches,
                      "%s %s", cases[i].pattern, cases[i].name);
    ck_assert_uint_eq(tls_name_address("10.0.0.1", bytes), 4);
    ck_assert_uint_eq(tls_name_address("fe80::1", bytes), 16);
    ck_assert_uint_eq(tls_name_address("a.b", bytes), 0);
}

END_TEST

static void add_tests(TCase *tls)
{
    tcase_add_checked_fixture(tls, before, after);
    tcase_add_loop_test(tls, engines_talk_whatever_the_size_of_the_portions, 0, 4);
    tcase_add_test(tls, close_notify_is_a_clean_end);
    tcase_add_loop_test(tls, a_server_is_believed_only_with_the_right_certificate, 0,
                        ARRAY_LEN(servers));
    tcase_add_test(tls, the_server_name_chooses_the_certificate);
    tcase_add_loop_test(tls, a_client_certificate_is_optional_or_needed_and_always_checked, 0,
                        ARRAY_LEN(clients));
    tcase_add_test(tls, workers_resume_each_others_sessions_as_long_as_a_key_is_there);
    tcase_add_test(tls, servers_with_and_without_tickets_may_alternate);
    tcase_add_loop_test(tls, without_keys_there_are_no_tickets, 0, 2);
    tcase_add_test(tls, a_changed_ticket_key_opens_nothing);
    tcase_add_test(tls, many_names_do_not_grow_the_cache);
    tcase_add_loop_test(tls, garbage_fails_and_says_why, 0, 8);
    tcase_add_test(tls, a_changed_byte_fails);
    tcase_add_loop_test(tls, bad_files_are_named, 0, 4);
    tcase_add_test(tls, names_match_by_label);
}

int main(void)
{
    Suite *suite = suite_create("tls");
    TCase *tls = tcase_create("tls");
    SRunner *runner = srunner_create(suite);
    int failures;

    (void)certificates_make();
    tcase_set_timeout(tls, 60);
    add_tests(tls);
    suite_add_tcase(suite, tls);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    certificates_remove();
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
