#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/configure/configure.h"

static struct buffer why;
static struct configure_lasting lasting;

static struct settings *parse(const char *text)
{
    struct settings *settings;

    buffer_clear(&why);
    settings = settings_parse(span_of_text(text), "s.yaml", &why);
    ck_assert_msg(settings != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    return settings;
}

static struct snapshot *freeze(const char *text, const struct configure_rows *rows)
{
    struct settings *settings = parse(text);
    struct snapshot *snapshot;
    int fd = configure_snapshot(settings, rows, &lasting, 5, &why);

    ck_assert_msg(fd >= 0, "%.*s", SPAN_ARG(buffer_span(&why)));
    settings_free(settings);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    return snapshot;
}

static const struct snapshot_provider *provider(const struct snapshot *snapshot,
                                                const char *name)
{
    uint32_t index;

    return snapshot_find_provider(snapshot, span_of_text(name), &index);
}

static bool leads_to(const struct snapshot *snapshot, const char *model, const char *name,
                     const char *there)
{
    const struct snapshot_model *row = snapshot_find_model(snapshot, span_of_text(model));
    const struct snapshot_target *target;
    const struct snapshot_provider *to;

    if (!row)
        return false;
    target = SNAPSHOT_ROW(snapshot, row->targets, 0, snapshot_target);
    to = SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->providers, target->provider,
                      snapshot_provider);
    return span_eq(snapshot_span(snapshot, to->name), span_of_text(name)) &&
           span_eq(snapshot_span(snapshot, target->model), span_of_text(there));
}

static const struct configure_rows no_rows;

static const char two[] =
    "listen: [127.0.0.1:8080, {address: \":8443\", tls: {certificate: c, key: k,"
    " more: [{certificate: c2, key: k2}], client_ca: ca}}]\n"
    "tls: {ca_file: /all.pem}\n"
    "timeouts: {connect: 400ms, total: 2s}\n"
    "providers:\n"
    "  - {name: up, kind: openai, base_url: \"https://h:9901/v1/\", api_key: sk-1,"
    " models: [m-1, both], headers: {x-a: b}, timeouts: {connect: 7s}, ca_file: /own.pem}\n"
    "  - {name: key-in-header, kind: azure, base_url: \"https://r/openai/v1\", api_key: sk-2,"
    " models: [both]}\n"
    "models:\n"
    "  - {name: fast, targets: [{provider: up, model: \"m\\\"1\"}, {provider: mock, model: e}]}\n"
    "  - {name: m-1, targets: [{provider: mock, model: echo}]}\n";

static void provider_is_frozen(const struct snapshot *snapshot)
{
    const struct snapshot_provider *up = provider(snapshot, "up");

    ck_assert_ptr_nonnull(up);
    ck_assert_str_eq(snapshot_string(snapshot, up->host), "h");
    ck_assert_str_eq(snapshot_string(snapshot, up->authority), "h:9901");
    ck_assert_str_eq(snapshot_string(snapshot, up->base_path), "/v1");
    ck_assert_str_eq(snapshot_string(snapshot, up->credential), "sk-1");
    ck_assert_str_eq(snapshot_string(snapshot, up->ca_file), "/own.pem");
    ck_assert_uint_eq(up->port, 9901);
    ck_assert_uint_eq(up->tls, 1);
    ck_assert_uint_eq(up->verify, 1);
    ck_assert_uint_eq(up->faces[DIALECT_openai].signer, SIGNER_BEARER);
    ck_assert_uint_eq(up->connect_ms, 7000);
    ck_assert_uint_eq(up->idle_ms, 300000);
    ck_assert_uint_eq(up->headers.count, 1);
    ck_assert_uint_eq(provider(snapshot, "key-in-header")->faces[DIALECT_openai].signer,
                      SIGNER_API_KEY_HEADER);
    ck_assert_str_eq(snapshot_string(snapshot, provider(snapshot, "key-in-header")->ca_file),
                     "/all.pem");
    ck_assert_uint_eq(provider(snapshot, "mock")->mock, 1);
    ck_assert_uint_eq(provider(snapshot, "mock")->faces[DIALECT_openai].signer, SIGNER_NONE);
}

START_TEST(settings_become_rows)
{
    struct snapshot *snapshot = freeze(two, &no_rows);
    const struct snapshot_header_page *page = snapshot_page(snapshot);
    const struct snapshot_listener *tls =
        SNAPSHOT_ROW(snapshot, page->listeners, 1, snapshot_listener);
    const struct snapshot_model *fast = snapshot_find_model(snapshot, SPAN("fast"));

    provider_is_frozen(snapshot);
    ck_assert_uint_eq(page->generation, 5);
    ck_assert_uint_eq(page->times.connect_ms, 400);
    ck_assert_uint_eq(page->limits.body_bytes, 32u << 20);
    ck_assert_uint_eq(page->listeners.count, 2);
    ck_assert_uint_eq(tls->certificates.count, 2);
    ck_assert_uint_eq(tls->client_certificate_needed, 1);
    ck_assert_int_eq(snapshot_string(snapshot, page->state_dir)[0], '/');
    ck_assert_str_eq(snapshot_string(snapshot, page->access_log), "stderr");
    ck_assert_ptr_nonnull(fast);
    ck_assert_uint_eq(fast->targets.count, 2);
    ck_assert_uint_eq(fast->total_ms, 2000);
    ck_assert_uint_eq(SNAPSHOT_ROW(snapshot, fast->targets, 1, snapshot_target)->weight, 0);
    ck_assert_str_eq(
        snapshot_string(snapshot,
                        SNAPSHOT_ROW(snapshot, fast->targets, 0, snapshot_target)->model_json),
        "\"m\\\"1\"");
    snapshot_unref(snapshot);
}

END_TEST

static const struct {
    const char *name;
    bool known, chats, embeds; /* its figures; a model of words, of vectors */
} promises[] = {
    {"o/gpt-5", true, true, false},
    {"gpt-5", true, true, false},
    {"chosen/gpt-4o", true, true, false},
    {"chosen/of-my-own", false, false, false},
    {"alias", true, true, false},
    {"both", true, true, false},
    {"with-a-stranger", false, false, false},
    {"text-embedding-3-small", true, false, true},
    {"mixed", true, false, false},
};

static const char promising[] =
    "providers:\n"
    "  - {name: o, kind: openai, api_key: k}\n"
    "  - {name: chosen, kind: openai, api_key: k, models: [gpt-4o, of-my-own]}\n"
    "models:\n"
    "  - {name: alias, targets: [{provider: o, model: gpt-5}]}\n"
    "  - {name: both, targets: [{provider: o, model: gpt-5}, {provider: o, model: gpt-4o}]}\n"
    "  - {name: with-a-stranger, strict: true, targets: [{provider: o, model: gpt-5},"
    " {provider: chosen, model: of-my-own}]}\n"
    "  - {name: mixed, targets: [{provider: o, model: gpt-5},"
    " {provider: o, model: text-embedding-3-small}]}\n";

START_TEST(a_model_promises_what_the_catalogue_knows_of_all_its_targets)
{
    struct snapshot *snapshot = freeze(promising, &no_rows);
    const struct snapshot_model *row =
        snapshot_find_model(snapshot, span_of_text(promises[_i].name));

    ck_assert_ptr_nonnull(row);
    ck_assert_int_eq(row->context > 0, promises[_i].known);
    ck_assert_int_eq((row->capabilities & CAPABILITY_tools) != 0, promises[_i].chats);
    ck_assert_int_eq((row->capabilities & CAPABILITY_embeddings) != 0, promises[_i].embeds);
    ck_assert_int_eq(row->strict != 0, strcmp(promises[_i].name, "with-a-stranger") == 0);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(of_two_targets_the_smaller_limits_count)
{
    struct snapshot *snapshot = freeze(promising, &no_rows);
    const struct snapshot_model *both = snapshot_find_model(snapshot, SPAN("both"));
    const struct snapshot_model *alias = snapshot_find_model(snapshot, SPAN("alias"));
    const struct snapshot_model *small = snapshot_find_model(snapshot, SPAN("o/gpt-4o"));

    ck_assert_uint_eq(both->context, small->context);
    ck_assert_uint_eq(both->output, small->output);
    ck_assert_uint_lt(both->context, alias->context);
    ck_assert(alias->capabilities & CAPABILITY_reasoning);
    ck_assert(!(both->capabilities & CAPABILITY_reasoning));
    ck_assert(both->capabilities & CAPABILITY_vision);
    snapshot_unref(snapshot);
}

END_TEST

static const struct snapshot_target *target_of(const struct snapshot *snapshot,
                                               const char *model)
{
    const struct snapshot_model *row = snapshot_find_model(snapshot, span_of_text(model));

    ck_assert_ptr_nonnull(row);
    return SNAPSHOT_ROW(snapshot, row->targets, 0, snapshot_target);
}

START_TEST(a_target_has_the_price_in_force_or_none)
{
    struct snapshot *snapshot = freeze(promising, &no_rows);
    const struct snapshot_target *alias = target_of(snapshot, "alias");
    const struct snapshot_price *price = snapshot_price(snapshot, alias->price);
    const struct price_sheet *sheet;

    ck_assert_ptr_nonnull(price);
    ck_assert_uint_eq(alias->price, target_of(snapshot, "o/gpt-5")->price);
    ck_assert_uint_ne(alias->price, target_of(snapshot, "o/gpt-4o")->price);
    ck_assert_uint_eq(target_of(snapshot, "chosen/of-my-own")->price, 0);
    ck_assert_uint_eq(target_of(snapshot, "chosen/of-my-own")->context, 0);
    ck_assert_uint_gt(alias->context, 0);
    ck_assert_uint_gt(alias->output, 0);
    ck_assert(span_eq(snapshot_span(snapshot, price->version), catalogue_built_in()->version));
    sheet = SNAPSHOT_ROW(snapshot, price->sheets, 0, price_sheet);
    ck_assert_uint_eq(sheet->rates[PRICE_input], 1250000000);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(rows_of_the_store_stand_before_the_catalogue_from_their_time_on)
{
    struct price_sheet sheet;
    struct price_row prices[] = {
        {PRICE_ORIGIN_STORE, SPAN("o"), SPAN("gpt-5"), 1, {&sheet, 1}, SPAN("me")},
        {PRICE_ORIGIN_STORE, SPAN("openai"), SPAN("of-my-own"), 1, {&sheet, 1}, SPAN("me")},
        {PRICE_ORIGIN_STORE, SPAN("o"), SPAN("gpt-4o"), INT64_MAX, {&sheet, 1}, SPAN("me")},
    };
    const struct configure_rows rows = {.prices = prices, .price_count = ARRAY_LEN(prices)};
    struct snapshot *snapshot;
    const struct snapshot_price *price;

    price_sheet_clear(&sheet);
    sheet.rates[PRICE_input] = 5;
    snapshot = freeze(promising, &rows);
    price = snapshot_price(snapshot, target_of(snapshot, "alias")->price);
    ck_assert(span_eq(snapshot_span(snapshot, price->version), SPAN("me")));
    ck_assert_uint_eq(SNAPSHOT_ROW(snapshot, price->sheets, 0, price_sheet)->rates[PRICE_input],
                      5);
    /* Another account has the catalogue's, or that of its kind. */
    ck_assert_uint_ne(target_of(snapshot, "chosen/of-my-own")->price, 0);
    price = snapshot_price(snapshot, target_of(snapshot, "o/gpt-4o")->price);
    ck_assert(span_eq(snapshot_span(snapshot, price->version), catalogue_built_in()->version));
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(a_name_leads_to_the_nearest_meaning)
{
    struct snapshot *snapshot = freeze(two, &no_rows);

    ck_assert(leads_to(snapshot, "m-1", "mock", "echo"));
    ck_assert(leads_to(snapshot, "up/m-1", "up", "m-1"));
    ck_assert(leads_to(snapshot, "up/both", "up", "both"));
    ck_assert(leads_to(snapshot, "key-in-header/both", "key-in-header", "both"));
    ck_assert(leads_to(snapshot, "echo", "mock", "echo"));
    ck_assert(leads_to(snapshot, "mock/echo", "mock", "echo"));
    ck_assert_ptr_null(snapshot_find_model(snapshot, SPAN("both")));
    ck_assert_ptr_null(snapshot_find_model(snapshot, SPAN("up/m-2")));
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(a_key_in_the_environment_makes_a_provider)
{
    struct snapshot *snapshot;

    (void)setenv("GROQ_API_KEY", "gk", 1);
    (void)setenv("XAI_API_KEY", "", 1);
    snapshot = freeze("mock: false\n", &no_rows);
    ck_assert_ptr_nonnull(provider(snapshot, "groq"));
    ck_assert_str_eq(snapshot_string(snapshot, provider(snapshot, "groq")->base_path),
                     "/openai/v1");
    ck_assert_ptr_null(provider(snapshot, "xai"));
    ck_assert_ptr_null(provider(snapshot, "mock"));
    snapshot_unref(snapshot);
    snapshot = freeze("environment: false\n", &no_rows);
    ck_assert_ptr_null(provider(snapshot, "groq"));
    snapshot_unref(snapshot);
    snapshot = freeze("providers: [{name: groq, kind: vllm}]\n", &no_rows);
    ck_assert_str_eq(snapshot_string(snapshot, provider(snapshot, "groq")->kind), "vllm");
    ck_assert_uint_eq(provider(snapshot, "groq")->faces[DIALECT_openai].signer, SIGNER_NONE);
    snapshot_unref(snapshot);
    (void)unsetenv("GROQ_API_KEY");
}

END_TEST

START_TEST(credentials_of_the_store_that_do_not_open_are_left_out)
{
    struct configure_credential keys[] = {
        {.name = SPAN("api_key"), .weight = 1},
        {.name = SPAN("b"), .value = secret_of(SPAN("sk-b")), .weight = 3},
        {.name = SPAN("c"), .value = secret_of(SPAN("sk-c")), .weight = 1}};
    struct configure_provider stored = {.name = SPAN("stored"),
                                        .kind = SPAN("openai-compatible"),
                                        .base_url = SPAN("http://s/v1"),
                                        .keys = keys,
                                        .key_count = ARRAY_LEN(keys)};
    struct configure_rows rows = {.providers = &stored, .provider_count = 1};
    struct snapshot *snapshot = freeze("mock: true\n", &rows);
    const struct snapshot_provider *row = provider(snapshot, "stored");
    const struct snapshot_credential *first;

    ck_assert_uint_eq(row->credentials.count, 2);
    first = SNAPSHOT_ROW(snapshot, row->credentials, 0, snapshot_credential);
    ck_assert_str_eq(snapshot_string(snapshot, first->name), "b");
    ck_assert_uint_eq(first->weight, 3);
    ck_assert_str_eq(snapshot_string(snapshot, row->credential), "sk-b");
    ck_assert_uint_eq(row->faces[row->dialect].signer, SIGNER_BEARER);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(rows_of_the_store_are_taken_up)
{
    static const struct span allowed[] = {{"fast", 4}};
    static const struct span models[] = {{"s-1", 3}};
    struct configure_key keys[2] = {{.flags = KEY_REVOKED, .name = SPAN("old")},
                                    {.expires_ms = 9, .models = allowed, .model_count = 1}};
    struct configure_provider providers[2] = {{.name = SPAN("stored"),
                                               .kind = SPAN("openai-compatible"),
                                               .base_url = SPAN("http://s/v1"),
                                               .models = models,
                                               .model_count = 1},
                                              {.name = SPAN("mock"), .kind = SPAN("vllm")}};
    struct configure_rows rows = {
        .keys = keys, .providers = providers, .key_count = 2, .provider_count = 2};
    struct snapshot *snapshot;
    const struct snapshot_key *key;
    struct settings *settings = parse("mock: true\n");

    memcpy(keys[0].id, "aaaaaaaaaaaa", KEY_ID_SIZE);
    memcpy(keys[1].id, "bbbbbbbbbbbb", KEY_ID_SIZE);
    snapshot = freeze("mock: true\n", &rows);
    key = snapshot_find_key(snapshot, SPAN("aaaaaaaaaaaa"));
    ck_assert_ptr_nonnull(key);
    ck_assert_uint_eq(key->flags, KEY_REVOKED);
    ck_assert_uint_eq(key->models_any, 1);
    key = snapshot_find_key(snapshot, SPAN("bbbbbbbbbbbb"));
    ck_assert_uint_eq(key->models_any, 0);
    ck_assert_uint_eq(key->models.count, 1);
    ck_assert(leads_to(snapshot, "s-1", "stored", "s-1"));
    ck_assert_str_eq(snapshot_string(snapshot, provider(snapshot, "mock")->kind), "vllm");
    ck_assert_int_eq(configure_source(settings, &rows, SPAN("stored")), PROVIDER_STORE);
    ck_assert_int_eq(configure_source(settings, &no_rows, SPAN("mock")), PROVIDER_BUILT_IN);
    settings_free(settings);
    snapshot_unref(snapshot);
}

END_TEST

/* What the token service of a kind gives is shown as that says, whatever the kind does with a
 * key. */
static const struct {
    const char *provider;
    enum signer signer;
} fetched[] = {
    {"kind: azure, base_url: \"https://r\", oauth: {tenant: t, client_id: i, client_secret: s}",
     SIGNER_BEARER},
    {"kind: baidu-v1, oauth: {client_id: i, client_secret: s}", SIGNER_ACCESS_TOKEN},
    {"kind: anthropic, oauth: {token_url: \"http://t\", client_id: i, client_secret: s}",
     SIGNER_BEARER},
    {"kind: anthropic, auth: x-api-key, oauth: {token_url: \"http://t\", client_id: i, "
     "client_secret: s}",
     SIGNER_X_API_KEY},
};

START_TEST(a_fetched_token_is_the_credential_and_without_it_the_provider_waits)
{
    struct configure_token token = {
        .provider = SPAN("p"), .value = secret_of(SPAN("tok")), .origin = {.until_ms = 77}};
    struct configure_rows rows = {.tokens = &token, .token_count = 1};
    const struct snapshot_provider *row;
    struct snapshot *snapshot;
    char text[400];

    (void)snprintf(text, sizeof(text), "providers:\n  - {name: p, %s}\n", fetched[_i].provider);
    snapshot = freeze(text, &no_rows);
    row = provider(snapshot, "p");
    ck_assert(row->waiting && row->credential.len == 0 && row->token.until_ms == 0);
    snapshot_unref(snapshot);
    snapshot = freeze(text, &rows);
    row = provider(snapshot, "p");
    ck_assert(!row->waiting && row->token.until_ms == 77);
    ck_assert(span_eq(snapshot_span(snapshot, row->credential), SPAN("tok")));
    ck_assert_uint_eq(row->faces[row->dialect].signer, fetched[_i].signer);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(health_stays_with_the_name)
{
    struct snapshot *one = freeze("providers: [{name: a, kind: vllm}, {name: b, kind: vllm}]\n",
                                  &no_rows),
                    *other =
                        freeze("providers: [{name: b, kind: vllm}, {name: c, kind: vllm}]\n",
                               &no_rows);

    ck_assert_uint_eq(provider(one, "b")->health_row, provider(other, "b")->health_row);
    ck_assert_uint_ne(provider(one, "a")->health_row, provider(other, "c")->health_row);
    ck_assert_uint_ne(provider(other, "b")->health_row, provider(other, "c")->health_row);
    snapshot_unref(one);
    snapshot_unref(other);
}

END_TEST

START_TEST(many_models_are_all_found)
{
    static char text[200000];
    size_t len = 0;
    struct snapshot *snapshot;

    len += (size_t)snprintf(text, sizeof(text), "models:\n");
    for (unsigned i = 0; i < 2000; i++)
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len,
                             "- {name: n%u, targets: [{provider: mock, model: m%u}]}\n", i, i);
    snapshot = freeze(text, &no_rows);
    for (unsigned i = 0; i < 2000; i++) {
        char name[20], there[20];

        (void)snprintf(name, sizeof(name), "n%u", i);
        (void)snprintf(there, sizeof(there), "m%u", i);
        ck_assert(leads_to(snapshot, name, "mock", there));
    }
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(plan_has_addresses_and_says_when_workers_must_change)
{
    struct settings *old = parse("workers: 3\nadmin: {listen: 127.0.0.1:81, socket: a.sock}\n");
    struct settings *now = parse("listen: [\"[::1]:82\", \":83\"]\n");
    struct plan plan = {0};
    struct sockaddr_in6 v6;
    struct sockaddr_in all;
    struct sockaddr_un socket;

    ck_assert(configure_plan(old, "s.yaml", NULL, &plan, &why));
    memcpy(&socket, &plan.admin[1].address, sizeof(socket));
    ck_assert_uint_eq(plan.workers, 3);
    ck_assert_uint_eq(plan.needs_new_workers, 0);
    ck_assert_uint_eq(plan.listener_count, 1);
    ck_assert_uint_eq(plan.admin_count, 2);
    ck_assert_uint_eq(socket.sun_family, AF_UNIX);
    ck_assert_str_eq(socket.sun_path, "a.sock");
    ck_assert_str_eq(plan.listeners[0].name, "127.0.0.1:8080");
    ck_assert(configure_plan(now, "s.yaml", old, &plan, &why));
    memcpy(&v6, &plan.listeners[0].address, sizeof(v6));
    memcpy(&all, &plan.listeners[1].address, sizeof(all));
    ck_assert_uint_eq(plan.needs_new_workers, 1);
    ck_assert_uint_ge(plan.workers, 1);
    ck_assert_uint_eq(plan.admin_count, 1);
    ck_assert_uint_eq(v6.sin6_family, AF_INET6);
    ck_assert_uint_eq(ntohs(v6.sin6_port), 82);
    ck_assert_uint_eq(all.sin_addr.s_addr, INADDR_ANY);
    ck_assert_uint_eq(ntohs(all.sin_port), 83);
    settings_free(old);
    settings_free(now);
}

END_TEST

START_TEST(an_address_that_is_none_is_told_with_its_line)
{
    struct settings *settings = parse("mock: true\nlisten: 999.0.0.1:80\n");
    struct plan plan;

    ck_assert(!configure_plan(settings, "s.yaml", NULL, &plan, &why));
    ck_assert_msg(span_starts(buffer_span(&why), SPAN("s.yaml:2: listen: `999.0.0.1:80`: ")),
                  "%.*s", SPAN_ARG(buffer_span(&why)));
    settings_free(settings);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("configure");
    TCase *tests = tcase_create("configure");
    SRunner *runner;
    int failed;

    (void)clearenv();
    buffer_init(&why, 1 << 16);
    tcase_add_test(tests, settings_become_rows);
    tcase_add_loop_test(tests, a_model_promises_what_the_catalogue_knows_of_all_its_targets, 0,
                        ARRAY_LEN(promises));
    tcase_add_test(tests, a_target_has_the_price_in_force_or_none);
    tcase_add_test(tests, rows_of_the_store_stand_before_the_catalogue_from_their_time_on);
    tcase_add_test(tests, of_two_targets_the_smaller_limits_count);
    tcase_add_test(tests, a_name_leads_to_the_nearest_meaning);
    tcase_add_test(tests, a_key_in_the_environment_makes_a_provider);
    tcase_add_test(tests, rows_of_the_store_are_taken_up);
    tcase_add_test(tests, credentials_of_the_store_that_do_not_open_are_left_out);
    tcase_add_loop_test(tests,
                        a_fetched_token_is_the_credential_and_without_it_the_provider_waits, 0,
                        ARRAY_LEN(fetched));
    tcase_add_test(tests, health_stays_with_the_name);
    tcase_add_test(tests, many_models_are_all_found);
    tcase_add_test(tests, plan_has_addresses_and_says_when_workers_must_change);
    tcase_add_test(tests, an_address_that_is_none_is_told_with_its_line);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    buffer_done(&why);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
