#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/oauth/oauth.h"

#define NOW    1000000000LL
#define MINUTE 60000LL

static struct oauth_rows rows;
static struct settings *settings;
static struct buffer text;

/* The provider `p` as PROVIDER says becomes what the rows follow. */
static struct oauth_row *follow(const char *provider)
{
    struct settings *before = settings;

    buffer_clear(&text);
    (void)buffer_append_format(&text, "providers:\n  - {name: p, %s}\n", provider);
    settings = settings_parse(buffer_span(&text), "s.yaml", &text);
    ck_assert_msg(settings != NULL, "%.*s", SPAN_ARG(buffer_span(&text)));
    oauth_follow(&rows, settings);
    settings_free(before);
    return oauth_find(&rows, SPAN("p"));
}

static void start(void)
{
    buffer_init(&text, 65536);
}

static void finish(void)
{
    oauth_done(&rows);
    settings_free(settings);
    settings = NULL;
    buffer_done(&text);
}

static struct outbound_answer answer_of(unsigned status, const char *body)
{
    struct outbound_answer answer = {.ok = status / 100 == 2, .status = status};

    answer.body_len = strlen(body);
    memcpy(answer.body, body, answer.body_len);
    if (status == 0)
        (void)snprintf(answer.message, sizeof(answer.message), "Could not connect");
    return answer;
}

static bool take(struct oauth_row *row, unsigned status, const char *body, int64_t now_ms)
{
    struct outbound_answer answer = answer_of(status, body);

    return oauth_take_answer(row, &answer, now_ms, 0);
}

#define PLAIN                                                                                   \
    "kind: openai-compatible, base_url: \"http://h/v1\", oauth: {token_url: \"http://t:1/x\", " \
    "client_id: i, client_secret: s"

/* ---- times ------------------------------------------------------------------------------- */

static const struct {
    int64_t life_ms, due_ms;
} lives[] = {
    {30 * 24 * 60 * MINUTE, 24 * 24 * 60 * MINUTE},
    {60 * MINUTE, 48 * MINUTE},
    {25 * MINUTE, 20 * MINUTE},
    {20 * MINUTE, 15 * MINUTE}, /* five minutes before its end */
    {10 * MINUTE, 5 * MINUTE},
    {6 * MINUTE, 3 * MINUTE}, /* not before half of it */
    {4000, 2000},
    {1000, 1000},
};

START_TEST(a_token_is_asked_for_ahead_of_its_end)
{
    ck_assert_int_eq(oauth_due_after_ms(lives[_i].life_ms), lives[_i].due_ms);
}

END_TEST

static const struct {
    uint32_t failures;
    int64_t most_ms;
} retries[] = {{1, 1000}, {2, 2000}, {3, 4000}, {6, 32000}, {7, 60000}, {UINT32_MAX, 60000}};

START_TEST(failures_are_repeated_later_and_later)
{
    int64_t most_ms = retries[_i].most_ms;

    ck_assert_int_eq(oauth_retry_after_ms(retries[_i].failures, 0), most_ms / 2);
    ck_assert_int_eq(oauth_retry_after_ms(retries[_i].failures, (uint64_t)most_ms / 2),
                     most_ms);
    for (uint64_t random = 1; random < UINT64_MAX / 3; random *= 3) {
        int64_t after_ms = oauth_retry_after_ms(retries[_i].failures, random);

        ck_assert(after_ms >= most_ms / 2 && after_ms <= most_ms);
    }
}

END_TEST

/* ---- questions --------------------------------------------------------------------------- */

static const struct {
    const char *provider, *url, *body;
} questions[] = {
    {PLAIN "}", "http://t:1/x", "grant_type=client_credentials&client_id=i&client_secret=s"},
    {PLAIN ", scope: \"a b/c\"}", "http://t:1/x",
     "grant_type=client_credentials&client_id=i&client_secret=s&scope=a%20b%2Fc"},
    {"kind: azure, base_url: \"https://r\", oauth: {tenant: my.tenant, client_id: i, "
     "client_secret: \"a+b&c=%\"}",
     "https://login.microsoftonline.com/my.tenant/oauth2/v2.0/token",
     "grant_type=client_credentials&client_id=i&client_secret=a%2Bb%26c%3D%25"
     "&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default"},
    {"kind: azure, base_url: \"https://r\", oauth: {token_url: \"http://t/\", client_id: i, "
     "client_secret: s, scope: other}",
     "http://t/", "grant_type=client_credentials&client_id=i&client_secret=s&scope=other"},
    {"kind: baidu-v1, oauth: {client_id: i, client_secret: \"s&\"}",
     "https://aip.baidubce.com/oauth/2.0/token?grant_type=client_credentials&client_id=i"
     "&client_secret=s%26",
     ""},
};

START_TEST(the_question_has_the_form_of_its_service)
{
    struct oauth_row *row = follow(questions[_i].provider);
    struct outbound_question question;

    outbound_question_init(&question);
    oauth_write_question(&rows, row, &question);
    ck_assert(span_eq(buffer_span(&question.url), span_of_text(questions[_i].url)));
    ck_assert_msg(span_eq(buffer_span(&question.body), span_of_text(questions[_i].body)),
                  "%.*s", SPAN_ARG(buffer_span(&question.body)));
    ck_assert(question.post && question.verify);
    outbound_question_done(&question);
}

END_TEST

START_TEST(the_service_has_authorities_of_its_own_and_the_provider_s_proxy)
{
    struct oauth_row *row =
        follow(PLAIN ", ca_file: /t.pem}, ca_file: /p.pem, proxy: \"http://between:3128\"");
    struct outbound_question question;

    outbound_question_init(&question);
    oauth_write_question(&rows, row, &question);
    ck_assert(span_eq(buffer_span(&question.ca_file), SPAN("/t.pem")));
    ck_assert(span_eq(buffer_span(&question.proxy), SPAN("http://between:3128")));
    outbound_question_done(&question);
}

END_TEST

/* ---- answers ----------------------------------------------------------------------------- */

static const struct {
    const char *body, *token;
    int64_t life_ms;
} good[] = {
    {"{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"ey.J\"}", "ey.J",
     3599000},
    {"{\"access_token\":\"a\",\"expires_in\":\"120\"}", "a", 120000},
    {"{\"access_token\":\"a\",\"expires_in\":2592000,\"refresh_token\":\"r\"}", "a",
     2592000000},
    {"{\"access_token\":\"a\"}", "a", OAUTH_LIFE_MS},
    {"{\"access_token\":\"a\",\"expires_in\":0}", "a", OAUTH_LIFE_MS},
    {"{\"access_token\":\"a\",\"expires_in\":-5}", "a", OAUTH_LIFE_MS},
    {"{\"access_token\":\"a\",\"expires_in\":1e300}", "a", OAUTH_LIFE_MS},
    {"{\"access_token\":\"a\",\"expires_in\":\"soon\"}", "a", OAUTH_LIFE_MS},
};

START_TEST(an_answer_gives_token_and_life)
{
    struct oauth_row *row = follow(PLAIN "}");

    ck_assert(take(row, 200, good[_i].body, NOW));
    ck_assert(span_eq(buffer_span(&row->token), span_of_text(good[_i].token)));
    ck_assert_int_eq(row->until_ms, NOW + good[_i].life_ms);
    ck_assert_int_eq(row->due_ms, NOW + oauth_due_after_ms(good[_i].life_ms));
    buffer_clear(&text);
    oauth_write_trouble(row, &text);
    ck_assert_uint_eq(text.len, 0);
}

END_TEST

static const struct {
    unsigned status;
    const char *body, *why;
} bad[] = {
    {0, "", "Could not connect from t:1"},
    {401,
     "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: no\\r\\nTrace: 1\"}",
     "HTTP 401 from t:1: invalid_client: AADSTS7000215: no"},
    {200, "{\"error\":\"invalid_client\",\"error_description\":\"unknown client id\"}",
     "HTTP 200 from t:1: invalid_client: unknown client id"},
    {200, "{}", "HTTP 200 from t:1: an answer without an access_token that can be used"},
    {200, "[\"access_token\"]",
     "HTTP 200 from t:1: an answer without an access_token that can be used"},
    {200, "{\"access_token\":\"a b\"}",
     "HTTP 200 from t:1: an answer without an access_token that can be used"},
    {200, "{\"access_token\":\"a\\r\\nx: y\"}",
     "HTTP 200 from t:1: an answer without an access_token that can be used"},
    {200, "{\"access_token\":\"\"}",
     "HTTP 200 from t:1: an answer without an access_token that can be used"},
    {200, "{\"access_token\":7}",
     "HTTP 200 from t:1: an answer without an access_token that can be used"},
    {200, "<html>", "HTTP 200 from t:1: an answer without an access_token that can be used"},
    {302, "", "HTTP 302 from t:1"},
    {503, "<html>", "HTTP 503 from t:1"},
    {400, "{\"access_token\":\"a\"}", "HTTP 400 from t:1"},
};

START_TEST(an_answer_without_a_token_says_why)
{
    struct oauth_row *row = follow(PLAIN "}");

    ck_assert(!take(row, bad[_i].status, bad[_i].body, NOW));
    ck_assert_str_eq(row->why, bad[_i].why);
    ck_assert_uint_eq(row->token.len, 0);
    ck_assert_uint_eq(row->failures, 1);
    ck_assert_int_eq(row->due_ms, NOW + 500);
    buffer_clear(&text);
    oauth_write_trouble(row, &text);
    ck_assert(span_starts(buffer_span(&text), SPAN("waiting for a token: ")));
    ck_assert(span_ends(buffer_span(&text), span_of_text(bad[_i].why)));
}

END_TEST

START_TEST(words_that_repeat_the_secret_are_left_out)
{
    struct oauth_row *row =
        follow("kind: openai-compatible, base_url: \"http://h/v1\", oauth: {token_url: "
               "\"http://t/x\", client_id: i, client_secret: canary}");

    ck_assert(!take(row, 401,
                    "{\"error\":\"no\",\"error_description\":\"not the secret canary of i\"}",
                    NOW));
    ck_assert_str_eq(row->why, "HTTP 401 from t: no");
}

END_TEST

/* ---- over time --------------------------------------------------------------------------- */

#define GIVES(token) "{\"access_token\":\"" token "\",\"expires_in\":3600}"

START_TEST(a_failure_keeps_the_token_until_its_end)
{
    struct oauth_row *row = follow(PLAIN "}");
    int64_t due_ms = NOW + 48 * MINUTE;

    ck_assert_ptr_eq(oauth_due(&rows, NOW), row);
    row->asking = true;
    ck_assert_ptr_null(oauth_due(&rows, NOW));
    ck_assert(take(row, 200, GIVES("a"), NOW));
    ck_assert_ptr_null(oauth_due(&rows, due_ms - 1));
    ck_assert_ptr_eq(oauth_due(&rows, due_ms), row);
    ck_assert(!take(row, 503, "", due_ms));
    ck_assert_ptr_null(oauth_due(&rows, due_ms + 499));
    ck_assert_ptr_eq(oauth_due(&rows, due_ms + 500), row);
    buffer_clear(&text);
    oauth_write_trouble(row, &text);
    ck_assert(span_eq(buffer_span(&text), SPAN("no new token: HTTP 503 from t:1")));
    ck_assert(!oauth_end(row, NOW + 60 * MINUTE - 1));
    ck_assert_uint_eq(row->token.len, 1);
    ck_assert(oauth_end(row, NOW + 60 * MINUTE));
    ck_assert(!oauth_end(row, NOW + 60 * MINUTE));
    ck_assert_uint_eq(row->token.len, 0);
}

END_TEST

START_TEST(a_refusal_brings_the_question_forward_once_the_token_is_not_new)
{
    struct oauth_row *row = follow(PLAIN "}");

    oauth_refused(row, 1, NOW); /* without a token: it is asked for anyway */
    ck_assert(take(row, 200, GIVES("a"), NOW));
    oauth_refused(row, 2, NOW + OAUTH_REFUSED_MS - 1); /* may be of the one before */
    oauth_refused(row, 2, NOW + OAUTH_REFUSED_MS);     /* nothing new */
    ck_assert_ptr_null(oauth_due(&rows, NOW + OAUTH_REFUSED_MS));
    oauth_refused(row, 3, NOW + OAUTH_REFUSED_MS);
    ck_assert_ptr_eq(oauth_due(&rows, NOW + OAUTH_REFUSED_MS), row);
    ck_assert(!take(row, 503, "", NOW + OAUTH_REFUSED_MS));
    oauth_refused(row, 4, NOW + OAUTH_REFUSED_MS); /* back-off goes first */
    ck_assert_ptr_null(oauth_due(&rows, NOW + OAUTH_REFUSED_MS));
    ck_assert_uint_eq(row->token.len, 1);
}

END_TEST

/* What other settings do to a token: kept or not, asked for anew at once or when it was due. */
static const struct {
    const char *provider;
    bool kept, at_once;
} changes[] = {
    {PLAIN "}", true, false},
    {PLAIN "}, headers: {x-a: b}", true, false},
    {"kind: openai-compatible, base_url: \"http://h/v1\", oauth: {token_url: \"http://t:1/x\", "
     "client_id: other, client_secret: s}",
     true, true},
    {"kind: openai-compatible, base_url: \"http://h/v1\", oauth: {token_url: \"http://t:1/x\", "
     "client_id: i, client_secret: other}",
     true, true},
    {PLAIN ", scope: other}", true, true},
    {"kind: openai-compatible, base_url: \"http://other/v1\", oauth: {token_url: "
     "\"http://t:1/x\", client_id: i, client_secret: s}",
     false, true},
    {"kind: openai-compatible, base_url: \"http://h/v1\", oauth: {token_url: \"http://t:2/x\", "
     "client_id: i, client_secret: s}",
     false, true},
};

START_TEST(other_settings_keep_a_token_where_it_is_good)
{
    struct oauth_row *row = follow(PLAIN "}");
    struct configure_token tokens[1];

    ck_assert(take(row, 200, GIVES("a"), NOW));
    row = follow(changes[_i].provider);
    ck_assert_uint_eq(row->token.len, changes[_i].kept ? 1 : 0);
    ck_assert_ptr_eq(oauth_due(&rows, NOW), changes[_i].at_once ? row : NULL);
    ck_assert_uint_eq(oauth_tokens(&rows, tokens), changes[_i].kept ? 1 : 0);
    if (changes[_i].kept)
        ck_assert(span_eq(secret_reveal(tokens[0].value), SPAN("a")) &&
                  tokens[0].origin.until_ms == NOW + 60 * MINUTE);
}

END_TEST

START_TEST(a_provider_without_oauth_has_no_row)
{
    ck_assert_ptr_nonnull(follow(PLAIN "}"));
    ck_assert_ptr_null(follow("kind: openai, api_key: k"));
}

END_TEST

START_TEST(a_new_controller_adopts_the_token_of_the_same_place_only)
{
    struct oauth_row *row = follow(PLAIN "}");
    struct configure_token before[1];
    struct snapshot_token token;

    ck_assert(take(row, 200, GIVES("a"), NOW));
    ck_assert_uint_eq(oauth_tokens(&rows, before), 1);
    token = before[0].origin;
    ck_assert_ptr_null(follow("kind: openai, api_key: k")); /* forgets all */
    row = follow(PLAIN "}");
    oauth_adopt(&rows, SPAN("q"), &token, SPAN("a"));
    oauth_adopt(&rows, SPAN("p"), &(struct snapshot_token){.until_ms = 0}, SPAN("sk-key"));
    token.place[0] ^= 1;
    oauth_adopt(&rows, SPAN("p"), &token, SPAN("a"));
    ck_assert_uint_eq(row->token.len, 0);
    token.place[0] ^= 1;
    oauth_adopt(&rows, SPAN("p"), &token, SPAN("a"));
    ck_assert(span_eq(buffer_span(&row->token), SPAN("a")));
    ck_assert_int_eq(row->until_ms, NOW + 60 * MINUTE);
    ck_assert_ptr_eq(oauth_due(&rows, NOW), row);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("oauth");
    TCase *cases = tcase_create("oauth");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, start, finish);
    tcase_add_loop_test(cases, a_token_is_asked_for_ahead_of_its_end, 0, ARRAY_LEN(lives));
    tcase_add_loop_test(cases, failures_are_repeated_later_and_later, 0, ARRAY_LEN(retries));
    tcase_add_loop_test(cases, the_question_has_the_form_of_its_service, 0,
                        ARRAY_LEN(questions));
    tcase_add_test(cases, the_service_has_authorities_of_its_own_and_the_provider_s_proxy);
    tcase_add_loop_test(cases, an_answer_gives_token_and_life, 0, ARRAY_LEN(good));
    tcase_add_loop_test(cases, an_answer_without_a_token_says_why, 0, ARRAY_LEN(bad));
    tcase_add_test(cases, words_that_repeat_the_secret_are_left_out);
    tcase_add_test(cases, a_failure_keeps_the_token_until_its_end);
    tcase_add_test(cases, a_refusal_brings_the_question_forward_once_the_token_is_not_new);
    tcase_add_loop_test(cases, other_settings_keep_a_token_where_it_is_good, 0,
                        ARRAY_LEN(changes));
    tcase_add_test(cases, a_provider_without_oauth_has_no_row);
    tcase_add_test(cases, a_new_controller_adopts_the_token_of_the_same_place_only);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
