#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/configure/configure.h"

/* What the settings of a provider `p` say, and what becomes of it: for each dialect that
 * answers, in the order of dialects.def, its path, then '+' when chats of its clients go there
 * untranslated, '*' the preferred, 'd' Azure's deployments. */
static const struct {
    const char *settings, *faces;
} cases[] = {
    {"kind: openai", "openai=/v1+* responses=/v1+"},
    {"kind: openai, base_url: \"https://h/x\"", "openai=/x+* responses=/x+"},
    {"kind: openai, dialects: [openai]", "openai=/v1+* responses=/v1"},
    {"kind: anthropic", "anthropic=/v1+*"},
    {"kind: gemini", "openai=/v1beta/openai gemini=/v1beta+*"},
    {"kind: gemini, dialects: [openai]", "openai=/v1beta/openai+* gemini=/v1beta"},
    {"kind: deepseek", "openai=/v1+* anthropic=/anthropic/v1+"},
    {"kind: moonshot, base_url: \"https://api.moonshot.cn/v1\"",
     "openai=/v1+* anthropic=/anthropic/v1+"},
    {"kind: deepseek, base_url: \"https://proxy/deepseek\"", "openai=/deepseek+*"},
    {"kind: deepseek, base_url: \"https://proxy/deepseek\", dialects: [anthropic, openai]",
     "openai=/deepseek+ anthropic=/anthropic/v1+*"},
    {"kind: openai-compatible, base_url: \"http://h/v1\", paths: {anthropic: /a/v1}",
     "openai=/v1+* anthropic=/a/v1+"},
    {"kind: openai-compatible, base_url: \"http://h\", dialects: [responses]",
     "openai= responses=+*"},
    {"kind: azure, base_url: \"https://r.openai.azure.com\"",
     "openai=/openai/v1+* responses=/openai/v1+"},
    {"kind: azure, base_url: \"https://r.openai.azure.com/openai/v1\", api_version: preview",
     "openai=/openai/v1+* responses=/openai/v1+"},
    {"kind: azure, base_url: \"https://r.openai.azure.com/\", api_version: 2024-10-21",
     "openai=/openai+*d responses=/openai+d"},
    {"kind: mock", "openai=+*"},
};

static void describe(const struct snapshot *snapshot, struct buffer *out)
{
    uint32_t index;
    const struct snapshot_provider *row = snapshot_find_provider(snapshot, SPAN("p"), &index);

    ck_assert_ptr_nonnull(row);
    for (unsigned i = 0; i < DIALECT_COUNT; i++) {
        const struct snapshot_face *face = &row->faces[i];

        ck_assert(face->answers || !face->chats);
        if (!face->answers)
            continue;
        (void)buffer_append_format(out, "%s%.*s=%.*s%s%s%s", out->len > 0 ? " " : "",
                                   SPAN_ARG(dialect_name((enum dialect_id)i)),
                                   SPAN_ARG(snapshot_span(snapshot, face->path)),
                                   face->chats ? "+" : "", row->dialect == i ? "*" : "",
                                   face->deployments ? "d" : "");
    }
}

static struct snapshot *freeze(const char *provider, struct buffer *why)
{
    static struct configure_lasting lasting;
    static const struct configure_rows no_rows;
    struct settings *settings;
    struct snapshot *snapshot;
    struct buffer text _buffer_;
    int fd;

    buffer_init(&text, 4096);
    (void)buffer_append_format(&text, "providers: [{name: p, %s}]\n", provider);
    settings = settings_parse(buffer_span(&text), "s.yaml", why);
    ck_assert_msg(settings != NULL, "%.*s", SPAN_ARG(buffer_span(why)));
    fd = configure_snapshot(settings, &no_rows, &lasting, 1, why);
    ck_assert_msg(fd >= 0, "%.*s", SPAN_ARG(buffer_span(why)));
    settings_free(settings);
    snapshot = snapshot_attach(fd, why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(why)));
    (void)close(fd);
    return snapshot;
}

START_TEST(kind_and_settings_say_what_a_provider_speaks)
{
    struct buffer why _buffer_, faces _buffer_;
    struct snapshot *snapshot;

    buffer_init(&why, 4096);
    buffer_init(&faces, 4096);
    snapshot = freeze(cases[_i].settings, &why);
    describe(snapshot, &faces);
    ck_assert_msg(span_eq(buffer_span(&faces), span_of_text(cases[_i].faces)), "%s: %.*s",
                  cases[_i].settings, SPAN_ARG(buffer_span(&faces)));
    snapshot_unref(snapshot);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("faces");
    TCase *all = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(all, kind_and_settings_say_what_a_provider_speaks, 0, ARRAY_LEN(cases));
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
