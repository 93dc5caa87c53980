#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/settings/quirk.h"

#include "worker/translate/remote.h"

static struct arena arena;
static struct buffer out;

static void set_up(void)
{
    arena_init(&arena, 0);
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    arena_done(&arena);
    buffer_done(&out);
}

static struct json_value body_of(const char *text)
{
    struct json_value body;
    struct json_error error;

    ck_assert_msg(json_check(span_of_text(text), &body, &error), "%s: %s", text, error.text);
    return body;
}

/* The body with T and D in place of each file, and the places. */
static const char *spliced(const struct remote_search *search, const char *text)
{
    struct json_value body = body_of(text), again;
    struct json_error error;
    unsigned count;
    struct remote *list = remote_find(search, body, &arena, &count);

    buffer_clear(&out);
    for (struct remote *at = list; at; at = at->next) {
        at->type = SPAN("T");
        at->base64 = SPAN("D");
        count--;
    }
    ck_assert_uint_eq(count, 0);
    remote_splice(body.raw, list, &out);
    ck_assert(json_check(buffer_span(&out), &again, &error));
    for (const struct remote *at = list; at; at = at->next)
        (void)buffer_append_format(&out, " %.*s=%.*s", SPAN_ARG(at->path), SPAN_ARG(at->url));
    (void)buffer_append_byte(&out, '\0');
    return out.ptr;
}

/* ---- each client's forms -------------------------------------------------------------------
 */

#define INLINE QUIRK_IMAGES_INLINE

static const struct {
    const char *body, *expected;
    enum dialect_id client, provider;
    uint32_t quirks;
} cases[] = {
    {"{\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h\","
     "\"detail\":\"low\"}}]}]}",
     "{\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
     "\"data:T;base64,D\",\"detail\":\"low\"}}]}]} messages[0].content[0].image_url.url=https://h",
     DIALECT_openai, DIALECT_gemini, 0},
    {"{\"messages\":[{\"content\":\"x\"},{\"content\":[{},1,{\"type\":\"image_url\",\"image_url\":"
     "\"HTTP:\\/\\/h\"}]}]}",
     "{\"messages\":[{\"content\":\"x\"},{\"content\":[{},1,{\"type\":\"image_url\",\"image_url\":"
     "\"data:T;base64,D\"}]}]} messages[1].content[2].image_url=HTTP://h",
     DIALECT_openai, DIALECT_openai, INLINE},
    {"{\"messages\":[{\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"https://h\"}}]}]}",
     "{\"messages\":[{\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"data:T;base64,D\"}}]"
     "}]} messages[0].content[0].file.file_data=https://h",
     DIALECT_openai, DIALECT_gemini, 0},
    {"{\"input\":[{\"content\":[{\"type\":\"input_file\",\"file_url\":\"https://h\"}]},{\"output\":["
     "{\"type\":\"input_image\",\"image_url\":\"https://i\"}]}]}",
     "{\"input\":[{\"content\":[{\"type\":\"input_file\",\"filename\":\"document.pdf\",\"file_data\":"
     "\"data:T;base64,D\"}]},{\"output\":[{\"type\":\"input_image\",\"image_url\":"
     "\"data:T;base64,D\"}]}]} input[0].content[0].file_url=https://h "
     "input[1].output[0].image_url=https://i",
     DIALECT_responses, DIALECT_gemini, 0},
    {"{\"messages\":[{\"content\":[{\"type\":\"tool_result\",\"content\":[{\"type\":\"image\","
     "\"source\": {\"url\":\"https://h\",\"type\":\"url\"} }]}]}]}",
     "{\"messages\":[{\"content\":[{\"type\":\"tool_result\",\"content\":[{\"type\":\"image\","
     "\"source\": {\"type\":\"base64\",\"media_type\":\"T\",\"data\":\"D\"} }]}]}]} "
     "messages[0].content[0].content[0].source.url=https://h",
     DIALECT_anthropic, DIALECT_openai, INLINE},
    {"{\"contents\":[{\"parts\":[{\"file_data\" : {\"fileUri\":\"https://h\"},\"x\":1}]}]}",
     "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"T\",\"data\":\"D\"},\"x\":1}]}]} "
     "contents[0].parts[0].file_data.fileUri=https://h",
     DIALECT_gemini, DIALECT_openai, 0},
    /* one place that is named twice is replaced once */
    {"{\"contents\":[{\"parts\":[{\"fileData\":{\"fileUri\":\"https://h\",\"file_uri\":\"https://i\"}"
     "}]}]}",
     "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"T\",\"data\":\"D\"}}]}]} "
     "contents[0].parts[0].fileData.fileUri=https://h",
     DIALECT_gemini, DIALECT_openai, 0},
};

START_TEST(each_dialect_has_its_forms)
{
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct remote_search search = {cases[i].client, cases[i].provider, cases[i].quirks, 20};

        ck_assert_str_eq(spliced(&search, cases[i].body), cases[i].expected);
    }
}

END_TEST

/* ---- who needs them ------------------------------------------------------------------------
 */

#define OWN_FILE "https://generativelanguage.googleapis.com/v1beta/files/x"
#define PICTURE  "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/x\"}}"

static const struct {
    enum dialect_id client, provider;
    uint32_t quirks;
    bool needed;
} needs[] = {
    {DIALECT_openai, DIALECT_openai, 0, false},
    {DIALECT_openai, DIALECT_openai, INLINE, true},
    {DIALECT_openai, DIALECT_openai, INLINE | QUIRK_NO_IMAGES, false},
    {DIALECT_openai, DIALECT_responses, 0, false},
    {DIALECT_openai, DIALECT_responses, INLINE, true},
    {DIALECT_openai, DIALECT_anthropic, 0, false},
    {DIALECT_openai, DIALECT_anthropic, INLINE, true},
    {DIALECT_openai, DIALECT_gemini, 0, true},
    {DIALECT_openai, DIALECT_dashscope, 0, false},
    {DIALECT_openai, DIALECT_ernie, 0, false},
};

START_TEST(only_those_get_bytes_who_take_no_address)
{
    for (unsigned i = 0; i < ARRAY_LEN(needs); i++) {
        struct remote_search search = {needs[i].client, needs[i].provider, needs[i].quirks, 20};
        unsigned count;

        (void)remote_find(&search, body_of("{\"messages\":[{\"content\":[" PICTURE "]}]}"),
                          &arena, &count);
        ck_assert_msg(count == needs[i].needed, "row %u", i);
    }
}

END_TEST

static const char *const others[] = {
    "{}",
    "{\"messages\":null}",
    "{\"messages\":{\"content\":[" PICTURE "]}}",
    "{\"messages\":[[" PICTURE "]]}",
    "{\"messages\":[{\"content\":" PICTURE "}]}",
    "{\"messages\":[{\"tool_calls\":[" PICTURE "]}]}",
    "{\"tools\":[" PICTURE "],\"messages\":[]}",
    "{\"messages\":[{\"content\":[{\"type\":\"text\",\"image_url\":{\"url\":\"https://h\"}}]}]}",
    "{\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,x\"}}]}]}",
    "{\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"gs://x/y\"}}]}]}",
    "{\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":1}}]}]}",
    "{\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":\"" OWN_FILE "\"}]}]}",
};

START_TEST(nothing_else_is_taken_for_an_address)
{
    struct remote_search search = {DIALECT_openai, DIALECT_gemini, 0, 20};

    for (unsigned i = 0; i < ARRAY_LEN(others); i++)
        ck_assert_str_eq(spliced(&search, others[i]), others[i]);
}

END_TEST

START_TEST(it_stops_when_there_are_too_many)
{
    struct remote_search search = {DIALECT_openai, DIALECT_gemini, 0, 2};
    unsigned count;

    (void)remote_find(&search,
                      body_of("{\"messages\":[{\"content\":[" PICTURE "," PICTURE "," PICTURE
                              "," PICTURE "," PICTURE "]}]}"),
                      &arena, &count);
    ck_assert_uint_eq(count, 3);
}

END_TEST

/* ---- what files are ------------------------------------------------------------------------
 */

static const struct {
    struct span bytes, declared;
    const char *type;
} types[] = {
    {WORD("\x89PNG\r\n\x1a\n...."), WORD("image/png"), "image/png"},
    {WORD("\x89PNG\r\n\x1a\n...."), WORD(""), "image/png"},
    {WORD("\x89PNG\r\n\x1a\n...."), WORD("Application/Octet-Stream; x=y"), "image/png"},
    {WORD("\x89PNG\r\n\x1a\n...."), WORD("image/jpeg"), "image/png"},
    {WORD("\x89PNG\r\n\x1a\n...."), WORD(" IMAGE/webp;q=1"), "image/png"},
    {WORD("\x89PNG\r\n\x1a\n...."), WORD("text/html"), NULL},
    {WORD("\x89PNG\r\n\x1a"), WORD("image/png"), NULL},
    {WORD("\x89PNX\r\n\x1a\n...."), WORD("image/png"), NULL},
    {WORD("\xff\xd8\xff\xe0"), WORD("image/jpg"), "image/jpeg"},
    {WORD("GIF89a"), WORD("image/gif"), "image/gif"},
    {WORD("GIF87a"), WORD("image/gif"), "image/gif"},
    {WORD("GIF88a"), WORD("image/gif"), NULL},
    {WORD("RIFF\x01\x02\x03\x04WEBPVP8 "), WORD("image/webp"), "image/webp"},
    {WORD("RIFF\x01\x02\x03\x04WAVEfmt "), WORD("audio/x-wav"), "audio/wav"},
    {WORD("RIFF\x01\x02\x03\x04WAVEfmt "), WORD("image/webp"), NULL},
    {WORD("RIFF\x01\x02\x03\x04"
          "AVI LIST"),
     WORD("video/avi"), NULL},
    {WORD("%PDF-1.7"), WORD("application/pdf"), "application/pdf"},
    {WORD("%PDF-1.7"), WORD("image/png"), NULL},
    {WORD("ID3\x04"), WORD("audio/mp3"), "audio/mpeg"},
    {WORD("\xff\xfb\x90\x64"), WORD("audio/mpeg"), "audio/mpeg"},
    {WORD("<svg xmlns="), WORD("image/svg+xml"), NULL},
    {WORD("<!DOCTYPE html>"), WORD("image/png"), NULL},
    {WORD(""), WORD("image/png"), NULL},
};

START_TEST(a_file_is_what_its_first_bytes_say)
{
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        struct span type = remote_type(types[i].bytes, types[i].declared);

        ck_assert_msg(span_eq(type, span_of_text(types[i].type ? types[i].type : "")),
                      "row %u: %.*s", i, SPAN_ARG(type));
        ck_assert((type.ptr == NULL) == (types[i].type == NULL));
    }
    ck_assert(remote_type(types[0].bytes, SPAN_NONE).ptr != NULL);
}

END_TEST

START_TEST(a_file_stands_only_where_its_kind_may)
{
    ck_assert(remote_fits(SPAN("image/png"), BLOCK_image));
    ck_assert(!remote_fits(SPAN("application/pdf"), BLOCK_image));
    ck_assert(!remote_fits(SPAN("audio/wav"), BLOCK_image));
    ck_assert(remote_fits(SPAN("audio/wav"), BLOCK_audio));
    ck_assert(!remote_fits(SPAN("image/png"), BLOCK_audio));
    ck_assert(remote_fits(SPAN("application/pdf"), BLOCK_document));
    ck_assert(!remote_fits(SPAN("image/png"), BLOCK_document));
    ck_assert(remote_fits(SPAN("audio/mpeg"), BLOCK_other));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("remote");
    TCase *tests = tcase_create("remote");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_dialect_has_its_forms);
    tcase_add_test(tests, only_those_get_bytes_who_take_no_address);
    tcase_add_test(tests, nothing_else_is_taken_for_an_address);
    tcase_add_test(tests, it_stops_when_there_are_too_many);
    tcase_add_test(tests, a_file_is_what_its_first_bytes_say);
    tcase_add_test(tests, a_file_stands_only_where_its_kind_may);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
