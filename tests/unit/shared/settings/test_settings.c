#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/log.h"
#include "shared/settings/settings.h"

#define OUTPUT_MAX (1u << 20)

static struct buffer errors;

static struct settings *parse(const char *text)
{
    buffer_done(&errors);
    buffer_init(&errors, OUTPUT_MAX);
    return settings_parse(span_of_text(text), "s.yaml", &errors);
}

static const char *said(void)
{
    (void)buffer_append_byte(&errors, '\0');
    return errors.ptr;
}

static const char whole[] =
    "listen:\n"
    "  - 127.0.0.1:8080\n"
    "  - address: \"[::1]:8443\"\n"
    "    tls:\n"
    "      certificate: a.pem\n"
    "      key: a.key\n"
    "      more: [{certificate: b.pem, key: b.key}]\n"
    "      client_ca: ca.pem\n"
    "admin: {listen: 127.0.0.1:8081, socket: /run/x.sock}\n"
    "state_dir: there\n"
    "workers: 3\n"
    "store: \"postgresql://me:${TEST_PASSWORD}@db/aigw?sslmode=disable\"\n"
    "redis: redis://127.0.0.1:6379\n"
    "log: {level: debug, format: json, access: off}\n"
    "limits: {body: 1MB, head: 16KiB, headers: 50}\n"
    "timeouts: {connect: 400ms, idle: 2s, total: 0, drain: 10m}\n"
    "tls: {ca_file: /ca.pem}\n"
    "providers:\n"
    "  - {name: up, kind: openai, base_url: \"http://h:9901/v1/\", api_key: \"${TEST_KEY}\",\n"
    "     headers: {x-a: \"b${TEST_KEY}c\"}, models: [m-1, m-2], verify: false,\n"
    "     timeouts: {connect: 1s}, proxy: \"http://proxy:3128\", auth: x-api-key}\n"
    "  - {name: local, kind: ollama}\n"
    "models:\n"
    "  - {name: fast, total: 5s, targets: [{provider: up, model: m-1, weight: 3},\n"
    "                                      {provider: local, model: m/2, priority: 1}]}\n"
    "  - {name: \"$${x}\", targets: [{provider: mock, model: echo}]}\n"
    "rate_limits:\n"
    "  - {scope: \"team:acme/blue\", requests: 600/minute, total_tokens: 100k/10s, burst: 2M}\n"
    "budgets:\n"
    "  - {name: monthly, scope: \"key:*\", amount: 0.000000001, period: month,\n"
    "     zone: Europe/Berlin, soft: 80%, mode: shadow, cut: true}\n"
    "  - {name: last, scope: \"model:fast\", amount: 7, period: rolling, window: 30d}\n";

static void rules_are_read(const struct settings *s)
{
    const struct rate_text *rate = &SETTINGS_ROW(s->rate_limits, 0, settings_rate_limit)->text;
    const struct budget_text *monthly = &SETTINGS_ROW(s->budgets, 0, settings_budget)->text;
    const struct budget_text *last = &SETTINGS_ROW(s->budgets, 1, settings_budget)->text;

    ck_assert(span_eq(rate->scope, SPAN("team:acme/blue")));
    ck_assert(span_eq(rate->of[LIMIT_UNIT_total_tokens], SPAN("100k/10s")));
    ck_assert_ptr_null(rate->of[LIMIT_UNIT_concurrent].ptr);
    ck_assert(span_eq(rate->algorithm, SPAN("token_bucket")));
    ck_assert(span_eq(monthly->amount, SPAN("0.000000001")));
    ck_assert(span_eq(monthly->zone, SPAN("Europe/Berlin")));
    ck_assert(span_eq(monthly->mode, SPAN("shadow")));
    ck_assert(monthly->cut == 1 && monthly->strict == 0);
    ck_assert_uint_eq(last->window_ms, 30ULL * 86400000);
    ck_assert(span_eq(last->zone, SPAN("UTC")));
}

static void lists_are_read(const struct settings *s)
{
    const struct settings_listener *second = SETTINGS_ROW(s->listeners, 1, settings_listener);
    const struct settings_provider *up = SETTINGS_ROW(s->providers, 0, settings_provider);
    const struct settings_model *fast = SETTINGS_ROW(s->models, 0, settings_model);
    const struct settings_header *header = SETTINGS_ROW(up->headers, 0, settings_header);

    ck_assert_uint_eq(s->listeners.count, 2);
    ck_assert(span_eq(second->address, SPAN("[::1]:8443")));
    ck_assert_uint_eq(second->tls.more.count, 1);
    ck_assert_uint_eq(second->tls.client_required, 1);
    ck_assert_uint_eq(SETTINGS_ROW(s->listeners, 0, settings_listener)->tls.line, 0);
    ck_assert(span_eq(secret_reveal(up->api_key.value), SPAN("sk-canary")));
    ck_assert(span_eq(secret_reveal(header->value.value), SPAN("bsk-canaryc")));
    ck_assert_uint_eq(up->models.count, 2);
    ck_assert(span_eq(((struct span *)up->models.rows)[1], SPAN("m-2")));
    ck_assert_uint_eq(up->verify, 0);
    ck_assert_uint_eq(up->auth, SIGNER_X_API_KEY + 1);
    ck_assert_uint_eq(up->timeouts.connect, 1000);
    ck_assert_uint_eq(fast->targets.count, 2);
    ck_assert_uint_eq(SETTINGS_ROW(fast->targets, 0, settings_target)->weight, 3);
    ck_assert_uint_eq(SETTINGS_ROW(fast->targets, 1, settings_target)->priority, 1);
    ck_assert(span_eq(SETTINGS_ROW(s->models, 1, settings_model)->name, SPAN("${x}")));
}

static void values_are_read(const struct settings *s)
{
    ck_assert_uint_eq(s->workers, 3);
    ck_assert_uint_eq(s->log.level, LOG_DEBUG);
    ck_assert_uint_eq(s->log.format, LOG_JSON);
    ck_assert_ptr_null(s->log.access.ptr);
    ck_assert_uint_eq(s->limits.body, 1000000);
    ck_assert_uint_eq(s->limits.head, 16384);
    ck_assert_uint_eq(s->limits.exchanges, 16384);
    ck_assert_uint_eq(s->timeouts.connect, 400);
    ck_assert_uint_eq(s->timeouts.total, 0);
    ck_assert_uint_eq(s->timeouts.drain, 600000);
    ck_assert_uint_eq(s->timeouts.client_idle, 75000);
    ck_assert(span_eq(secret_reveal(s->store.value),
                      SPAN("postgresql://me:p4ss-canary@db/aigw?sslmode=disable")));
}

START_TEST(a_good_file_is_read_as_written)
{
    struct settings *s = parse(whole);

    ck_assert_msg(s != NULL, "%s", said());
    lists_are_read(s);
    rules_are_read(s);
    values_are_read(s);
    settings_free(s);
}

END_TEST

static const char priced[] = "prices:\n"
                             "  - provider: openai\n"
                             "    model: m\n"
                             "    from: 2026-12-01T08:15:30Z\n"
                             "    rates: {input: 2.5, output: 15, cache_read: 0.25}\n"
                             "    tiers:\n"
                             "      - {service: batch, rates: {input: 1.25}}\n"
                             "      - {above_input: 200000, rates: {input: 5}}\n";

START_TEST(prices_become_sheets_and_are_printed_as_they_were)
{
    struct settings *s = parse(priced), *again;
    struct price_sheet sheets[PRICE_SHEETS_MAX], same[PRICE_SHEETS_MAX];
    const struct settings_price *price;
    struct buffer text;

    buffer_init(&text, OUTPUT_MAX);
    ck_assert_msg(s != NULL, "%s", said());
    price = SETTINGS_ROW(s->prices, 0, settings_price);
    ck_assert_uint_eq(price->from, 1796112930000);
    ck_assert_uint_eq(settings_price_sheets(price, sheets), 3);
    ck_assert_uint_eq(sheets[0].rates[PRICE_cache_read], 250000000);
    ck_assert_uint_eq(sheets[0].rates[PRICE_cache_write], PRICE_NOT_GIVEN);
    ck_assert_uint_eq(sheets[1].service, PRICE_SERVICE_batch);
    ck_assert_uint_eq(sheets[1].rates[PRICE_input], 1250000000);
    ck_assert_uint_eq(sheets[2].above_input, 200000);
    settings_print(s, &text);
    again = settings_parse(buffer_span(&text), "again", &errors);
    ck_assert_msg(again != NULL, "%s", said());
    price = SETTINGS_ROW(again->prices, 0, settings_price);
    ck_assert_uint_eq(price->from, 1796112930000);
    ck_assert_uint_eq(settings_price_sheets(price, same), 3);
    ck_assert_int_eq(memcmp(sheets, same, 3 * sizeof(sheets[0])), 0);
    settings_free(again);
    settings_free(s);
    buffer_done(&text);
}

END_TEST

START_TEST(printed_settings_have_no_secret_and_are_read_again_the_same)
{
    struct settings *s = parse(whole), *again;
    struct buffer first, second;

    buffer_init(&first, OUTPUT_MAX);
    buffer_init(&second, OUTPUT_MAX);
    ck_assert_ptr_nonnull(s);
    settings_print(s, &first);
    settings_free(s);
    ck_assert_uint_eq(span_find(buffer_span(&first), SPAN("canary")), SIZE_MAX);
    ck_assert_uint_ne(span_find(buffer_span(&first), SPAN("me:********@db")), SIZE_MAX);
    ck_assert_uint_ne(span_find(buffer_span(&first), SPAN("\"${TEST_KEY}\"")), SIZE_MAX);
    again = settings_parse(buffer_span(&first), "again", &errors);
    ck_assert_msg(again != NULL, "%s", said());
    settings_print(again, &second);
    settings_free(again);
    ck_assert(span_eq(buffer_span(&first), buffer_span(&second)));
    buffer_done(&first);
    buffer_done(&second);
}

END_TEST

START_TEST(what_is_not_said_has_its_default)
{
    struct settings *s = parse("state_dir: /var/x\n");

    ck_assert_msg(s != NULL, "%s", said());
    ck_assert_uint_eq(s->listeners.count, 1);
    ck_assert(span_eq(SETTINGS_ROW(s->listeners, 0, settings_listener)->address,
                      SPAN("127.0.0.1:8080")));
    ck_assert(span_eq(secret_reveal(s->store.value), SPAN("sqlite:/var/x/aigw.db")));
    ck_assert(span_eq(s->admin.socket, SPAN("/var/x/admin.sock")));
    ck_assert_ptr_null(s->admin.listen.ptr);
    ck_assert_uint_eq(s->workers, 0);
    ck_assert_uint_eq(s->mock, 1);
    settings_free(s);
}

END_TEST

#define TARGET       "{provider: mock, model: x}"
#define FOUR_TARGETS TARGET ", " TARGET ", " TARGET ", " TARGET
#define FIVE_FOURS \
    FOUR_TARGETS ", " FOUR_TARGETS ", " FOUR_TARGETS ", " FOUR_TARGETS ", " FOUR_TARGETS
#define MANY_TARGETS \
    FIVE_FOURS ", " FIVE_FOURS ", " FIVE_FOURS ", " FIVE_FOURS ", " FIVE_FOURS ", " TARGET

static const struct {
    const char *text, *expected;
} broken[] = {
    {"", "s.yaml:1: there is no setting in it\n"},
    {"- a\n", "s.yaml:1: the file must be a mapping of settings, name: value\n"},
    {"words\n", "s.yaml:1: the file must be a mapping of settings, name: value\n"},
    {"workers: many\n",
     "s.yaml:1: workers: `many` is neither auto nor a number from 1 to 32\n"},
    {"workers: 33\n", "s.yaml:1: workers: `33` is neither auto nor a number from 1 to 32\n"},
    {"workers:\n", "s.yaml:1: workers: has no value\n"},
    {"workers: [1]\n", "s.yaml:1: workers: must be one value\n"},
    {"mock: yes\n", "s.yaml:1: mock: `yes` is neither true nor false\n"},
    {"a: &x 1\n", "s.yaml:1: anchors, aliases and tags are not used here\n"},
    {"\nlisten: *x\n", "s.yaml:2: anchors, aliases and tags are not used here\n"},
    {"listen: !!str x\n", "s.yaml:1: anchors, aliases and tags are not used here\n"},
    {"--- {mock: true}\n--- {mock: true}\n", "s.yaml:2: a second document; one file has one\n"},
    {"? [a]\n: 1\n", "s.yaml:1: a name must be a text\n"},
    {"lisen: 1\n", "s.yaml:1: lisen: no such setting; is `listen` meant?\n"},
    {"tls: {nothing: 1}\n", "s.yaml:1: tls.nothing: no such setting; there are ca_file\n"},
    {"mock: true\nmock: true\n", "s.yaml:2: mock: stands here twice\n"},
    {"listen: 127.0.0.1:0\n",
     "s.yaml:1: listen: `127.0.0.1:0` is not HOST:PORT, [IPV6]:PORT or :PORT (ports are 1 to "
     "65535)\n"},
    {"listen: []\n", "s.yaml:1: listen: has 0 items; it must have 1 to 16\n"},
    {"listen: [127.0.0.1:1, 127.0.0.1:1]\n",
     "s.yaml:1: listen: `127.0.0.1:1` stands here twice\n"},
    {"listen:\n  - address: :1\n    tls: {key: k}\n",
     "s.yaml:3: listen[0].tls: `certificate` is missing\n"},
    {"timeouts: {idle: 5}\n",
     "s.yaml:1: timeouts.idle: `5` has no unit (like 500ms, 2s, 10m); from 10ms to 1d\n"},
    {"timeouts: {idle: -1s}\n",
     "s.yaml:1: timeouts.idle: `-1s` is not a time (like 500ms, 2s, 10m); from 10ms to 1d\n"},
    {"timeouts: {idle: 2d}\n",
     "s.yaml:1: timeouts.idle: `2d` is out of bounds; from 10ms to 1d\n"},
    {"limits: {body: 2GiB}\n",
     "s.yaml:1: limits.body: `2GiB` is out of bounds; from 1KiB to 1GiB\n"},
    {"limits: {body: 99999999999999999999KiB}\n",
     "s.yaml:1: limits.body: `99999999999999999999KiB` is not a size (like 64KiB, 32MiB, 1MB); "
     "from 1KiB to 1GiB\n"},
    {"media: {allow: [10.0.0.0/40]}\n",
     "s.yaml:1: media: `allow` has `10.0.0.0/40`, which is neither ADDRESS nor ADDRESS/BITS\n"},
    {"media: {allow: [10.0.0.0/8, localhost]}\n",
     "s.yaml:1: media: `allow` has `localhost`, which is neither ADDRESS nor ADDRESS/BITS\n"},
    {"limits: 5\n", "s.yaml:1: limits: must be a mapping, {name: value, ...}\n"},
    {"providers: {a: b}\n", "s.yaml:1: providers: must be a list\n"},
    {"prices: [{provider: a, rates: {input: 1}}]\n",
     "s.yaml:1: prices[0]: `model` is missing\n"},
    {"prices: [{provider: a, model: m}]\n",
     "s.yaml:1: prices: rates: there is no rate for input\n"},
    {"prices: [{provider: a, model: m, rates: {input: -1}}]\n",
     "s.yaml:1: prices[0].rates.input: `-1` is no number of dollars from 0 to 10000\n"
     "s.yaml:1: prices: rates: there is no rate for input\n"},
    {"prices: [{provider: a, model: m, rates: {input: 10000.5, output: 1}}]\n",
     "s.yaml:1: prices[0].rates.input: `10000.5` is no number of dollars from 0 to 10000\n"
     "s.yaml:1: prices: rates: there is no rate for input\n"},
    {"prices: [{provider: a, model: m, from: 2026-02-30, rates: {input: 1}}]\n",
     "s.yaml:1: prices[0].from: `2026-02-30` is no date like 2026-12-01 or "
     "2026-12-01T08:00:00Z\n"},
    {"prices: [{provider: a, model: m, rates: {input: 1}, tiers: [{service: slow, "
     "rates: {input: 1}}]}]\n",
     "s.yaml:1: prices[0].tiers[0].service: `slow` is none of standard, batch, flex, "
     "priority\ns.yaml:1: prices: tiers: it stands twice\n"},
    {"prices:\n- {provider: a, model: m, rates: {input: 1}}\n"
     "- {provider: a, model: m, rates: {input: 2}}\n",
     "s.yaml:3: prices: `m` of `a` stands in line 2 already\n"},
    {"prices_sha256: "
     "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n",
     "s.yaml:1: prices_sha256: it is not 64 hexadecimal digits\n"},
    {"providers: [a]\n", "s.yaml:1: providers[0]: must be a mapping, {name: value, ...}\n"},
    {"providers: [{name: a, kind: openai-compatible}]\n",
     "s.yaml:1: providers: a provider of kind openai-compatible needs a `base_url`\n"},
    {"providers: [{name: a/b, kind: mock}]\n",
     "s.yaml:1: providers[0].name: `a/b` may have letters, digits, `-`, `_` and `.` only\n"},
    {"providers: [{name: a, kind: mok}]\n",
     "s.yaml:1: providers[0].kind: `mok` is no known kind of provider (docs/settings.md has the "
     "list)\n"},
    {"providers: [{name: a, kind: openai, api_key: \"${NO_SUCH}\"}]\n",
     "s.yaml:1: providers[0].api_key: the environment has no variable `NO_SUCH`\n"},
    {"providers: [{name: a, kind: openai, api_key: \"file:/no/such\"}]\n",
     "s.yaml:1: providers[0].api_key: /no/such cannot be read: No such file or directory\n"},
    {"providers: [{name: a, kind: openai, api_key: \"can ary\"}]\n",
     "s.yaml:1: providers[0].api_key: the value has a space, control or non-ASCII character\n"},
    {"providers: [{name: a, kind: mock, headers: {Host: x}}]\n",
     "s.yaml:1: providers[0].headers.Host: is no header field that can be added\n"},
    {"providers: [{name: a, kind: mock}]\nmodels:\n- {name: m, targets: [{provider: b, model: x}]}"
     "\n",
     "s.yaml:3: models: there is no provider `b`; one of the store (aigwctl providers add) is named "
     "in `providers` too, with kind: store\n"},
    {"providers:\n- name: a\n  kind: azure\n  base_url: http://h\n  api_key: k\n"
     "  oauth: {tenant: t, client_id: i, client_secret: s}\n",
     "s.yaml:6: providers: `api_key` and `oauth` exclude each other: leave one out\n"},
    {"providers:\n- name: a\n  kind: azure\n  base_url: http://h\n"
     "  oauth: {tenant: t}\n",
     "s.yaml:5: providers[0].oauth: `client_id` is missing\n"
     "s.yaml:5: providers[0].oauth: `client_secret` is missing\n"},
    {"providers:\n- name: a\n  kind: azure\n  base_url: http://h\n"
     "  oauth: {client_id: i, client_secret: s}\n",
     "s.yaml:5: providers: oauth: kind azure needs a `tenant` (or a `token_url`)\n"},
    {"providers:\n- name: a\n  kind: openai\n  oauth: {client_id: i, client_secret: s}\n",
     "s.yaml:4: providers: oauth: kind openai needs a `token_url`, the address that gives tokens\n"},
    {"providers:\n- name: a\n  kind: baidu-v1\n  oauth: {client_id: i, client_secret: s, tenant: t}\n",
     "s.yaml:4: providers: oauth: `tenant` has no place in the URL of the token service\n"},
    {"providers:\n- name: a\n  kind: baidu-v1\n  oauth: {client_id: i, client_secret: \"\"}\n",
     "s.yaml:4: providers: oauth: the `client_secret` is empty\n"},
    {"providers:\n- name: a\n  kind: store\n"
     "  oauth: {client_id: i, client_secret: s, token_url: \"http://h/t\"}\n",
     "s.yaml:4: providers: the credential of a provider of kind store is in the store: `oauth` "
     "needs another kind\n"},
    {"providers:\n- name: a\n  kind: openai\n  api_key: x\n  api_keys: [y]\n",
     "s.yaml:2: providers: `api_key` and `api_keys` exclude each other: leave one out\n"},
    {"providers:\n- name: a\n  kind: openai\n  api_keys:\n  - x\n  - {key: x}\n",
     "s.yaml:6: providers: api_keys[1]: the same key stands in line 5 already\n"},
    {"providers:\n- name: a\n  kind: openai\n  api_keys:\n  - {key: x, name: n}\n  - {key: y, name: n}\n",
     "s.yaml:6: providers: api_keys[1]: the name `n` stands in line 5 already\n"},
    {"providers:\n- name: a\n  kind: openai\n  api_keys: [\"\"]\n",
     "s.yaml:4: providers: api_keys[0]: the `key` is empty\n"},
    {"providers: [{name: a, kind: store, api_key: x}]\n",
     "s.yaml:1: providers: the store has the `base_url` and `api_key` of a provider of kind store: "
     "aigwctl providers edit\n"},
    {"providers: [{name: a, kind: store, base_url: \"http://h/v1\"}]\n",
     "s.yaml:1: providers: the store has the `base_url` and `api_key` of a provider of kind store: "
     "aigwctl providers edit\n"},
    {"models: [{name: m, targets: []}]\n",
     "s.yaml:1: models[0]: `targets` is missing, and so is `auto`\n"},
    {"models: [{name: m, targets: [" MANY_TARGETS "]}]\n",
     "s.yaml:1: models[0].targets: has 101 items; it must have 0 to 100\n"},
    {"models: [{targets: [{provider: mock, model: x}]}]\n",
     "s.yaml:1: models[0]: `name` is missing\n"},
    {"mock: false\nmodels: [{name: m, targets: [{provider: mock, model: x}]}]\n",
     "s.yaml:2: models: there is no provider `mock`; one of the store (aigwctl providers add) is "
     "named in `providers` too, with kind: store\n"},
    {"models: [{name: m, targets: [{provider: groq, model: x}]}]\n",
     "s.yaml:1: models: there is no provider `groq`, and GROQ_API_KEY is not set\n"},
    {"rate_limits: [{scope: \"city:x\", requests: 1/minute}]\n",
     "s.yaml:1: rate_limits[0].scope: `city:x` is not KIND:NAME with tenant, team, user, key, tag, "
     "model, provider or target\n"},
    {"rate_limits: [{scope: \"target:mock\", requests: 1/minute}]\n",
     "s.yaml:1: rate_limits[0].scope: `target:mock` is not target:PROVIDER/MODEL\n"},
    {"rate_limits: [{scope: \"target:none/x/y\", requests: 1/minute}]\n",
     "s.yaml:1: rate_limits: scope: there is no provider `none`; one of the store is named in "
     "`providers` too, with kind: store\n"},
    {"rate_limits:\n- {scope: \"team:blue\", requests: 1/minute}\n",
     "s.yaml:2: rate_limits[0].scope: `team:blue` has no name of the form TENANT/NAME\n"},
    {"rate_limits: [{scope: \"key:*\"}]\n",
     "s.yaml:1: rate_limits: `requests` is missing, and so are input_tokens, output_tokens, "
     "total_tokens and concurrent: a limit needs one of them\n"},
    {"rate_limits: [{scope: \"key:*\", concurrent: 1, requests: -1/minute}]\n",
     "s.yaml:1: rate_limits[0].requests: `-1/minute` is negative; leave it out for no limit, 0 lets "
     "nothing in\n"},
    {"rate_limits: [{scope: \"key:*\", concurrent: 1, requests: 1/year}]\n",
     "s.yaml:1: rate_limits[0].requests: `1/year` is not a rate like 600/minute (second, minute, "
     "hour, day, or a time like 10s)\n"},
    {"rate_limits: [{scope: \"key:*\", concurrent: 1, burst: 5, algorithm: sliding_window}]\n",
     "s.yaml:1: rate_limits: `burst` belongs to the algorithm token_bucket\n"},
    {"rate_limits: [{scope: \"model:none\", concurrent: 1}]\n",
     "s.yaml:1: rate_limits: scope: there is no model `none`\n"},
    {"rate_limits: [{scope: \"provider:none\", concurrent: 1}]\n",
     "s.yaml:1: rate_limits: scope: there is no provider `none`; one of the store is named in "
     "`providers` too, with kind: store\n"},
    {"rate_limits:\n"
     "- {scope: \"key:*\", requests: 1/1s, input_tokens: 1/1s, total_tokens: 1/1s, "
     "output_tokens: 1/1s, concurrent: 1}\n"
     "- {scope: \"key:a\", requests: 1/2s, input_tokens: 1/2s, total_tokens: 1/2s, "
     "output_tokens: 1/2s}\n"
     "- {scope: \"tenant:a\", requests: 1/2s}\n",
     "s.yaml:3: rate_limits: `key:a` has more than 8 limits, those of KIND:* included\n"},
    {"budgets: [{name: a, scope: \"key:*\", amount: -1, period: day}]\n",
     "s.yaml:1: budgets[0].amount: `-1` is negative; 0 lets nothing in\n"},
    {"budgets: [{name: a, scope: \"key:*\", amount: 0.0000000001, period: day}]\n",
     "s.yaml:1: budgets[0].amount: `0.0000000001` is not dollars like 100 or 0.25, with at most 9 "
     "digits after the point\n"},
    {"budgets: [{name: a, scope: \"key:*\", amount: 1, period: day, zone: Moon/Base}]\n",
     "s.yaml:1: budgets[0].zone: `Moon/Base` is no time zone like Europe/Berlin (the system's tzdata "
     "has the list)\n"},
    {"budgets: [{name: a, scope: \"key:*\", amount: 1, period: rolling}]\n",
     "s.yaml:1: budgets: `window` is missing: the period rolling needs one, like 30d\n"},
    {"budgets: [{name: a, scope: \"key:*\", amount: 1, period: day, soft: 2}]\n",
     "s.yaml:1: budgets: `soft` is over the amount\n"},
    {"budgets:\n- {name: a, scope: \"tag:x\", amount: 1, period: day}\n"
     "- {name: a, scope: \"tag:x\", amount: 2, period: week}\n",
     "s.yaml:3: budgets: `tag:x` has the name `a` in line 2 already\n"},
    {"store: mysql:x\n",
     "s.yaml:1: store: the value is neither sqlite:FILE nor postgresql://USER@HOST/NAME\n"},
    {"state_dir: \"a\\nb\"\n", "s.yaml:1: state_dir: `a?b` has a control character\n"},
    {"mock: 1\nlimits: {head: x}\nworkers: 0\nmodel: []\n",
     "s.yaml:1: mock: `1` is neither true nor false\n"
     "s.yaml:2: limits.head: `x` is not a size (like 64KiB, 32MiB, 1MB); from 1KiB to 1MiB\n"
     "s.yaml:3: workers: `0` is neither auto nor a number from 1 to 32\n"
     "s.yaml:4: model: no such setting; is `models` meant?\n"},
};

START_TEST(each_broken_file_is_told_with_its_line)
{
    struct settings *s = parse(broken[_i].text);

    ck_assert_ptr_null(s);
    ck_assert_str_eq(said(), broken[_i].expected);
}

END_TEST

START_TEST(what_is_no_text_is_refused)
{
    static const struct span cases[] = {
        {"mock: true\n\0x", 13}, {"\xff\xfe", 2}, {"a: \"\xc0\x80\"\n", 8}};

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&errors);
        ck_assert_ptr_null(settings_parse(cases[i], "s.yaml", &errors));
        ck_assert_ptr_nonnull(strstr(said(), "not a text file in UTF-8"));
    }
}

END_TEST

START_TEST(depth_and_number_of_errors_are_limited)
{
    static char text[200000];
    size_t len = 0;

    memset(text, '[', 5000);
    memcpy(text, "a: ", 3);
    text[5000] = '\0';
    ck_assert_ptr_null(parse(text));
    ck_assert_str_eq(said(), "s.yaml:1: more than 16 levels\n");
    for (unsigned i = 0; i < 5000; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "unknown%u: 1\n", i);
    ck_assert_ptr_null(parse(text));
    ck_assert_str_eq(said(), "s.yaml:1001: more than 1000 names in one mapping\n");
    len = 0;
    for (unsigned i = 0; i < 900; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "unknown%u: 1\n", i);
    ck_assert_ptr_null(parse(text));
    ck_assert_ptr_nonnull(strstr(said(), "s.yaml: and 800 more errors\n"));
}

END_TEST

START_TEST(a_secret_file_loses_its_newline)
{
    char name[] = P_tmpdir "/aigw-secret.XXXXXX", text[200];
    int fd = mkstemp(name);
    struct settings *s;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "sk-1\n", 5), 5);
    ck_assert_int_eq(close(fd), 0);
    (void)snprintf(text, sizeof(text),
                   "providers: [{name: a, kind: openai, api_key: file:%s}]\n", name);
    s = parse(text);
    ck_assert_int_eq(unlink(name), 0);
    ck_assert_msg(s != NULL, "%s", said());
    ck_assert(
        span_eq(secret_reveal(SETTINGS_ROW(s->providers, 0, settings_provider)->api_key.value),
                SPAN("sk-1")));
    settings_free(s);
    buffer_clear(&errors);
    ck_assert_ptr_null(settings_read(name, &errors));
    ck_assert_ptr_nonnull(strstr(said(), "cannot be read: No such file or directory"));
}

END_TEST

static const struct {
    const char *url;
    bool good, tls;
    const char *host, *authority, *path;
    uint16_t port;
} urls[] = {
    {"http://h", true, false, "h", "h", "", 80},
    {"https://h/", true, true, "h", "h", "", 443},
    {"https://h:8443/v1/", true, true, "h", "h:8443", "/v1", 8443},
    {"http://[::1]:9/a/b", true, false, "::1", "[::1]:9", "/a/b", 9},
    {.url = "ftp://h"},
    {.url = "http://"},
    {.url = "http://u:p@h/"},
    {.url = "http://h:0/"},
    {.url = "http://h:65536/"},
    {.url = "http://h/a b"},
    {.url = "http://h/?q"},
    {.url = "http://[::1/"},
    {.url = "http://h\r\n/"},
};

START_TEST(urls_are_split_or_refused)
{
    struct settings_url url;

    ck_assert_int_eq(settings_split_url(span_of_text(urls[_i].url), &url), urls[_i].good);
    if (!urls[_i].good)
        return;
    ck_assert_int_eq(url.tls, urls[_i].tls);
    ck_assert_uint_eq(url.port, urls[_i].port);
    ck_assert(span_eq(url.host, span_of_text(urls[_i].host)));
    ck_assert(span_eq(url.authority, span_of_text(urls[_i].authority)));
    ck_assert(span_eq(url.path, span_of_text(urls[_i].path)));
}

END_TEST

START_TEST(only_sockets_and_places_need_new_workers)
{
    static const char *const texts[] = {"mock: true\n", "workers: 2\n",
                                        "timeouts: {idle: 1s}\n", "state_dir: x\n",
                                        "listen: 127.0.0.1:1\n"};
    struct settings *old = parse(texts[0]);

    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        struct settings *now = parse(texts[i]);

        ck_assert_int_eq(settings_need_new_workers(old, now), i >= 3);
        settings_free(now);
    }
    settings_free(old);
}

END_TEST

START_TEST(sample_is_read_and_reference_is_in_step)
{
    static char text[1 << 17];
    struct buffer out;
    struct settings *s;
    int fd = open("docs/settings.md", O_RDONLY);
    ssize_t count = read(fd, text, sizeof(text));

    buffer_init(&out, OUTPUT_MAX);
    settings_print_reference(&out);
    ck_assert_int_gt(count, 0);
    ck_assert_msg(span_eq(buffer_span(&out), span_of(text, (size_t)count)),
                  "docs/settings.md: make it anew with aigw --print-settings-reference");
    (void)close(fd);
    buffer_clear(&out);
    settings_print_sample(&out);
    s = settings_parse(buffer_span(&out), "sample", &errors);
    ck_assert_msg(s != NULL, "%s", said());
    settings_free(s);
    buffer_done(&out);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *tests = tcase_create("settings");
    SRunner *runner;
    int failed;

    buffer_init(&errors, OUTPUT_MAX);
    (void)clearenv();
    (void)setenv("TEST_KEY", "sk-canary", 1);
    (void)setenv("TEST_PASSWORD", "p4ss-canary", 1);
    tcase_add_test(tests, a_good_file_is_read_as_written);
    tcase_add_test(tests, prices_become_sheets_and_are_printed_as_they_were);
    tcase_add_test(tests, printed_settings_have_no_secret_and_are_read_again_the_same);
    tcase_add_test(tests, what_is_not_said_has_its_default);
    tcase_add_loop_test(tests, each_broken_file_is_told_with_its_line, 0,
                        (int)ARRAY_LEN(broken));
    tcase_add_test(tests, what_is_no_text_is_refused);
    tcase_add_test(tests, depth_and_number_of_errors_are_limited);
    tcase_add_test(tests, a_secret_file_loses_its_newline);
    tcase_add_loop_test(tests, urls_are_split_or_refused, 0, (int)ARRAY_LEN(urls));
    tcase_add_test(tests, only_sockets_and_places_need_new_workers);
    tcase_add_test(tests, sample_is_read_and_reference_is_in_step);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    buffer_done(&errors);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
