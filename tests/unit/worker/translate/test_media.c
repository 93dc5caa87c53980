#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"

#include "worker/translate/media.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

static struct text text_from(const char *s)
{
    return (struct text){s, strlen(s)};
}

static void is_text(struct text text, const char *expected, const char *name)
{
    if (!expected) {
        ck_assert_msg(!text.ptr, "%s: not nothing", name);
        return;
    }
    ck_assert_msg(span_eq(span_of(text.ptr, text.len), span_of_text(expected)),
                  "%s: %.*s, not %s", name, (int)text.len, text.ptr ? text.ptr : "", expected);
}

static const struct {
    const char *name, *in;
    bool accepted;
    uint8_t form;
    const char *type, *data;
} addresses[] = {
    {"a plain data URL", "data:image/png;base64,iVBORw0KGgo=", true, MEDIA_DATA, "image/png",
     "iVBORw0KGgo="},
    {"type in capitals, with a parameter", "data:image/PNG;charset=utf-8;base64,AAAA", true,
     MEDIA_DATA, "image/png", "AAAA"},
    {"jpg is jpeg", "data:image/jpg;base64,AAAA", true, MEDIA_DATA, "image/jpeg", "AAAA"},
    {"percent-encoded data is encoded again", "data:text/plain,hello%20world", true, MEDIA_DATA,
     "text/plain", "aGVsbG8gd29ybGQ="},
    {"base64 with percents", "data:image/png;base64,AA%3D%3d", true, MEDIA_DATA, "image/png",
     "AA=="},
    {"no type is plain text", "data:,A", true, MEDIA_DATA, "text/plain", "QQ=="},
    {"white space in the data", "data:image/png;base64,AA A\\nA\\r\\n=", true, MEDIA_DATA,
     "image/png", "AAAA="},
    {"escaped slashes", "data:image\\/png;base64,A\\/A\\/", true, MEDIA_DATA, "image/png",
     "A/A/"},
    {"the scheme in capitals", "DATA:image/png;BASE64,AAAA", true, MEDIA_DATA, "image/png",
     "AAAA"},
    {"no data at all", "data:image/png;base64,", true, MEDIA_DATA, "image/png", ""},
    {"no comma", "data:image/png;base64", false, 0, NULL, NULL},
    {"an https address", "https://a.example/b.JPG?x=1.txt", true, MEDIA_URL, "image/jpeg",
     "https://a.example/b.JPG?x=1.txt"},
    {"an https address without an ending", "https://a.example/b", true, MEDIA_URL, NULL,
     "https://a.example/b"},
    {"a bucket", "gs://bucket/x.pdf", true, MEDIA_URL, "application/pdf", "gs://bucket/x.pdf"},
    {"another scheme", "ftp://a/b.png", false, 0, NULL, NULL},
    {"a file id", "file-abc", false, 0, NULL, NULL},
    {"nothing", "", false, 0, NULL, NULL},
};

START_TEST(addresses_are_read)
{
    struct media media = {.form = 99};
    bool accepted = media_read_address(text_from(addresses[_i].in), &arena, &media);

    ck_assert_msg(accepted == addresses[_i].accepted, "%s", addresses[_i].name);
    if (!accepted) {
        ck_assert_uint_eq(media.form, 99);
        return;
    }
    ck_assert_uint_eq(media.form, addresses[_i].form);
    is_text(media.type, addresses[_i].type, addresses[_i].name);
    is_text(media.data, addresses[_i].data, addresses[_i].name);
}

END_TEST

START_TEST(data_in_place_is_no_copy)
{
    struct text url = TEXT("data:image/png;base64,AAAABBBB");
    struct media media = {.form = 99};
    size_t before;

    before = arena.used_bytes;
    ck_assert(media_read_address(url, &arena, &media));
    ck_assert_ptr_eq(media.data.ptr, url.ptr + strlen("data:image/png;base64,"));
    ck_assert_uint_eq(arena.used_bytes, before);
}

END_TEST

static const struct {
    struct media in;
    const char *out;
} written[] = {
    {{.form = MEDIA_DATA, .type = {"image/png", 9}, .data = {"AA==", 4}},
     "\"data:image/png;base64,AA==\""},
    {{.form = MEDIA_DATA, .data = {"AA==", 4}}, "\"data:;base64,AA==\""},
    {{.form = MEDIA_URL, .type = {"image/png", 9}, .data = {"http://x", 8}}, "\"http://x\""},
};

START_TEST(addresses_are_written)
{
    struct buffer out _buffer_;
    struct json_writer json;

    buffer_init(&out, 1000);
    json_write_init(&json, &out);
    media_write_address(&json, &written[_i].in);
    ck_assert(span_eq(buffer_span(&out), span_of_text(written[_i].out)));
}

END_TEST

START_TEST(types_have_their_kind)
{
    ck_assert_int_eq(media_block_kind(TEXT("image/heic")), BLOCK_image);
    ck_assert_int_eq(media_block_kind(TEXT("audio/wav")), BLOCK_audio);
    ck_assert_int_eq(media_block_kind(TEXT("application/pdf")), BLOCK_document);
    ck_assert_int_eq(media_block_kind(TEXT_NONE), BLOCK_document);
    ck_assert(media_is_common_image(TEXT("image/gif")));
    ck_assert(!media_is_common_image(TEXT("image/svg+xml")));
    ck_assert(media_is_words(TEXT("text/csv")));
    ck_assert(!media_is_words(TEXT("application/pdf")));
}

END_TEST

START_TEST(audio_formats_are_types_and_back)
{
    is_text(media_type_of_format(TEXT("mp3"), &arena), "audio/mpeg", "mp3");
    is_text(media_type_of_format(TEXT("wav"), &arena), "audio/wav", "wav");
    is_text(media_format_of_type(TEXT("audio/mpeg")), "mp3", "mpeg");
    is_text(media_format_of_type(TEXT("audio/flac")), "flac", "flac");
    is_text(media_format_of_type(TEXT("image/png")), NULL, "png");
}

END_TEST

START_TEST(words_are_base64_and_back)
{
    is_text(media_encode_words(TEXT("a\\nb"), &arena), "YQpi", "encoded");
    is_text(media_decode_words(TEXT("YQpi"), &arena), "a\\nb", "decoded");
    is_text(media_decode_words(TEXT("Y*"), &arena), NULL, "broken");
    is_text(media_clean_base64(TEXT("A\\nA AA"), &arena), "AAAA", "cleaned");
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/media");
    TCase *cases = tcase_create("media");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, addresses_are_read, 0, ARRAY_LEN(addresses));
    tcase_add_loop_test(cases, addresses_are_written, 0, ARRAY_LEN(written));
    tcase_add_test(cases, data_in_place_is_no_copy);
    tcase_add_test(cases, types_have_their_kind);
    tcase_add_test(cases, audio_formats_are_types_and_back);
    tcase_add_test(cases, words_are_base64_and_back);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
