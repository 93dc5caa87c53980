#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/snapshot/address.h"
#include "shared/snapshot/snapshot_build.h"

enum place {
    PLAIN,
    ROOT,
    ANTHROPIC,
    GEMINI,
    AZURE,
    TOKEN,
    DASHSCOPE,
    ERNIE,
    PLACES
};

/* Dialects that answer, with their paths; the first is the preferred. */
static const struct {
    const char *api_version, *credential;

    struct {
        enum dialect_id dialect;
        const char *path;
        enum signer signer;
        bool chats, deployments;
    } faces[2];

    unsigned count;
} places[PLACES] = {
    [PLAIN] = {NULL, "k", {{DIALECT_openai, "/v1", SIGNER_BEARER, true, false}}, 1},
    [ROOT] = {NULL, NULL, {{DIALECT_openai, "", SIGNER_NONE, true, false}}, 1},
    [ANTHROPIC] = {NULL, "k", {{DIALECT_anthropic, "/v1", SIGNER_X_API_KEY, true, false}}, 1},
    [GEMINI] = {NULL,
                "k",
                {{DIALECT_gemini, "/v1beta", SIGNER_GOOGLE_KEY, true, false},
                 {DIALECT_openai, "/v1beta/openai", SIGNER_BEARER, false, false}},
                2},
    [AZURE] = {"2024-10-21",
               "k",
               {{DIALECT_openai, "/openai", SIGNER_API_KEY_HEADER, true, true},
                {DIALECT_responses, "/openai", SIGNER_API_KEY_HEADER, true, true}},
               2},
    [TOKEN] = {NULL, "24.a/b=", {{DIALECT_openai, "/v1", SIGNER_ACCESS_TOKEN, true, false}}, 1},
    [DASHSCOPE] = {NULL, "k", {{DIALECT_dashscope, "/api/v1", SIGNER_BEARER, true, false}}, 1},
    [ERNIE] = {NULL, "24.a", {{DIALECT_ernie, "/w", SIGNER_ACCESS_TOKEN, true, false}}, 1},
};

static struct snapshot *snapshot;
static struct arena arena;

static void fill(struct snapshot_builder *builder, struct snapshot_header_page *page)
{
    struct snapshot_provider rows[PLACES] = {{.port = 1}};

    for (unsigned i = 0; i < PLACES; i++) {
        rows[i].api_version = snapshot_build_text(builder, span_of_text(places[i].api_version));
        rows[i].credential = snapshot_build_text(builder, span_of_text(places[i].credential));
        rows[i].dialect = (uint8_t)places[i].faces[0].dialect;
        for (unsigned j = 0; j < places[i].count; j++)
            rows[i].faces[places[i].faces[j].dialect] = (struct snapshot_face){
                .path = snapshot_build_text(builder, span_of_text(places[i].faces[j].path)),
                .signer = (uint8_t)places[i].faces[j].signer,
                .answers = true,
                .chats = places[i].faces[j].chats,
                .deployments = places[i].faces[j].deployments};
    }
    page->providers = SNAPSHOT_BUILD_ROWS(builder, rows, PLACES);
}

static void set_up(void)
{
    struct snapshot_header_page page = {.generation = 1};
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    int fd;

    buffer_init(&why, 1000);
    snapshot_build_init(&builder);
    fill(&builder, &page);
    fd = snapshot_build_seal(&builder, &page);
    snapshot_build_done(&builder);
    ck_assert_int_ge(fd, 0);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
    snapshot_unref(snapshot);
}

static const struct snapshot_provider *provider(enum place place)
{
    return SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->providers, place, snapshot_provider);
}

static const struct {
    enum place place;
    enum address_kind kind;
    enum dialect_id dialect;
    const char *model, *target; /* NULL: there is none */
} cases[] = {
    {PLAIN, ADDRESS_CHAT, DIALECT_openai, "m", "/v1/chat/completions"},
    {PLAIN, ADDRESS_CHAT_STREAM, DIALECT_openai, "m", "/v1/chat/completions"},
    {PLAIN, ADDRESS_EMBEDDINGS, DIALECT_openai, "m", "/v1/embeddings"},
    {PLAIN, ADDRESS_COMPLETIONS, DIALECT_openai, "m", "/v1/completions"},
    {PLAIN, ADDRESS_MODELS, DIALECT_openai, "", "/v1/models"},
    {PLAIN, ADDRESS_COUNT_TOKENS, DIALECT_openai, "m", NULL},
    {PLAIN, ADDRESS_CHAT, DIALECT_responses, "m", NULL},
    {ROOT, ADDRESS_CHAT, DIALECT_openai, "m", "/chat/completions"},
    {ANTHROPIC, ADDRESS_CHAT, DIALECT_anthropic, "m", "/v1/messages"},
    {ANTHROPIC, ADDRESS_COUNT_TOKENS, DIALECT_anthropic, "m", "/v1/messages/count_tokens"},
    {ANTHROPIC, ADDRESS_EMBEDDINGS, DIALECT_anthropic, "m", NULL},
    {ANTHROPIC, ADDRESS_EMBEDDINGS, DIALECT_openai, "m", NULL},
    {GEMINI, ADDRESS_CHAT, DIALECT_gemini, "g-2.5", "/v1beta/models/g-2.5:generateContent"},
    {GEMINI, ADDRESS_CHAT, DIALECT_gemini, "models/g", "/v1beta/models/g:generateContent"},
    {GEMINI, ADDRESS_CHAT_STREAM, DIALECT_gemini, "g",
     "/v1beta/models/g:streamGenerateContent?alt=sse"},
    {GEMINI, ADDRESS_CHAT, DIALECT_gemini, "../a?b#c:d/\xc3\xa9",
     "/v1beta/models/..%2Fa%3Fb%23c%3Ad%2F%C3%A9:generateContent"},
    {GEMINI, ADDRESS_EMBEDDINGS_BATCH, DIALECT_gemini, "e",
     "/v1beta/models/e:batchEmbedContents"},
    {GEMINI, ADDRESS_EMBEDDINGS, DIALECT_openai, "e", "/v1beta/openai/embeddings"},
    {AZURE, ADDRESS_CHAT, DIALECT_openai, "my dep",
     "/openai/deployments/my%20dep/chat/completions?api-version=2024-10-21"},
    {AZURE, ADDRESS_CHAT, DIALECT_responses, "d", "/openai/responses?api-version=2024-10-21"},
    {AZURE, ADDRESS_MODELS, DIALECT_openai, "", "/openai/models?api-version=2024-10-21"},
    {TOKEN, ADDRESS_CHAT, DIALECT_openai, "m", "/v1/chat/completions?access_token=24.a%2Fb%3D"},
    {DASHSCOPE, ADDRESS_CHAT, DIALECT_dashscope, "qwen-max",
     "/api/v1/services/aigc/text-generation/generation"},
    {DASHSCOPE, ADDRESS_CHAT_STREAM, DIALECT_dashscope, "qwen3-vl-plus",
     "/api/v1/services/aigc/multimodal-generation/generation"},
    {DASHSCOPE, ADDRESS_MODELS, DIALECT_dashscope, "", NULL},
    {ERNIE, ADDRESS_CHAT, DIALECT_ernie, "completions_pro",
     "/w/chat/completions_pro?access_token=24.a"},
};

START_TEST(a_call_has_its_address)
{
    struct span target = address_target(
        snapshot, provider(cases[_i].place),
        snapshot_span(snapshot, provider(cases[_i].place)->credential), cases[_i].kind,
        cases[_i].dialect, span_of_text(cases[_i].model), &arena);

    if (cases[_i].target)
        ck_assert_msg(span_eq(target, span_of_text(cases[_i].target)), "%.*s",
                      SPAN_ARG(target));
    else
        ck_assert_ptr_null(target.ptr);
}

END_TEST

START_TEST(only_a_stream_of_dashscope_has_another_header)
{
    const struct address_field *field = address_stream_field(DIALECT_dashscope);

    ck_assert_ptr_nonnull(field);
    ck_assert(span_eq(field->name, SPAN("x-dashscope-sse")));
    ck_assert(span_eq(field->value, SPAN("enable")));
    ck_assert_ptr_null(address_stream_field(DIALECT_openai));
    ck_assert_ptr_null(address_stream_field(DIALECT_ernie));
}

END_TEST

START_TEST(a_dialect_that_the_provider_speaks_is_kept)
{
    ck_assert_int_eq(address_dialect(provider(AZURE), DIALECT_responses), DIALECT_responses);
    ck_assert_int_eq(address_dialect(provider(AZURE), DIALECT_anthropic), DIALECT_openai);
    ck_assert_int_eq(address_dialect(provider(GEMINI), DIALECT_gemini), DIALECT_gemini);
    ck_assert_int_eq(address_dialect(provider(GEMINI), DIALECT_openai), DIALECT_gemini);
}

END_TEST

static const struct {
    enum place place;
    enum dialect_id dialect;
    const char *fields; /* "name: value\n" each */
} signed_by[] = {
    {PLAIN, DIALECT_openai, "authorization: Bearer k\n"},
    {ROOT, DIALECT_openai, ""},
    {ANTHROPIC, DIALECT_anthropic, "x-api-key: k\nanthropic-version: 2023-06-01\n"},
    {GEMINI, DIALECT_gemini, "x-goog-api-key: k\n"},
    {GEMINI, DIALECT_openai, "authorization: Bearer k\n"},
    {AZURE, DIALECT_openai, "api-key: k\n"},
    {TOKEN, DIALECT_openai, ""},
    {DASHSCOPE, DIALECT_dashscope, "authorization: Bearer k\n"},
};

START_TEST(a_call_is_signed_as_the_provider_wants)
{
    struct address_field fields[ADDRESS_FIELDS_MAX];
    unsigned count =
        address_fields(provider(signed_by[_i].place),
                       snapshot_span(snapshot, provider(signed_by[_i].place)->credential),
                       signed_by[_i].dialect, &arena, fields);
    struct buffer text _buffer_;

    buffer_init(&text, 1000);
    for (unsigned i = 0; i < count; i++)
        (void)buffer_append_format(&text, "%.*s: %.*s\n", SPAN_ARG(fields[i].name),
                                   SPAN_ARG(fields[i].value));
    ck_assert_msg(span_eq(buffer_span(&text), span_of_text(signed_by[_i].fields)), "%.*s",
                  SPAN_ARG(buffer_span(&text)));
}

END_TEST

static const struct {
    enum dialect_id dialect;
    uint32_t quirks;
    const char *body;
} tries[] = {
    {DIALECT_openai, 0,
     "{\"messages\":[{\"role\":\"user\",\"content\":\"1\"}],\"model\":\"m\","
     "\"max_completion_tokens\":16}"},
    {DIALECT_openai, QUIRK_MAX_TOKENS_OLD,
     "{\"messages\":[{\"role\":\"user\",\"content\":\"1\"}],\"model\":\"m\","
     "\"max_tokens\":1}"},
    {DIALECT_responses, 0, "{\"input\":\"1\",\"max_output_tokens\":16,\"model\":\"m\"}"},
    {DIALECT_anthropic, 0,
     "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"1\"}],"
     "\"model\":\"m\"}"},
    {DIALECT_gemini, 0,
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"1\"}]}],"
     "\"generationConfig\":{\"maxOutputTokens\":1}}"},
};

START_TEST(the_smallest_chat_is_one_of_its_dialect)
{
    struct snapshot_provider row = {.quirks = tries[_i].quirks};
    struct buffer body _buffer_;

    buffer_init(&body, 1000);
    address_try(&row, tries[_i].dialect, SPAN("\"m\""), &body);
    ck_assert_msg(span_eq(buffer_span(&body), span_of_text(tries[_i].body)), "%.*s",
                  SPAN_ARG(buffer_span(&body)));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *all = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_loop_test(all, a_call_has_its_address, 0, ARRAY_LEN(cases));
    tcase_add_test(all, only_a_stream_of_dashscope_has_another_header);
    tcase_add_test(all, a_dialect_that_the_provider_speaks_is_kept);
    tcase_add_loop_test(all, a_call_is_signed_as_the_provider_wants, 0, ARRAY_LEN(signed_by));
    tcase_add_loop_test(all, the_smallest_chat_is_one_of_its_dialect, 0, ARRAY_LEN(tries));
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
