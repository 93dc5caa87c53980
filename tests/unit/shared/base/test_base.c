#include <check.h>
#include <stdio.h>

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/base/fault.h"
#include "shared/base/hash.h"
#include "shared/base/wheel.h"

static bool is_hex(const uint8_t *bytes, size_t count, const char *text)
{
    char hex[128];

    encode_hex(bytes, count, hex);
    return span_eq(span_of(hex, 2 * count), span_of_text(text));
}

START_TEST(spans_are_cut_trimmed_and_compared)
{
    struct span rest = SPAN("a,,b"), piece;
    uint64_t number = 7;

    ck_assert(span_cut(&rest, ',', &piece) && span_eq(piece, SPAN("a")));
    ck_assert(span_cut(&rest, ',', &piece) && piece.len == 0 && piece.ptr);
    ck_assert(span_cut(&rest, ',', &piece) && span_eq(piece, SPAN("b")));
    ck_assert(!span_cut(&rest, ',', &piece));
    ck_assert(span_eq(span_trim(SPAN(" \t x y\t ")), SPAN("x y")));
    ck_assert(span_eq_nocase(SPAN("Content-LENGTH"), SPAN("content-length")));
    ck_assert(!span_eq_nocase(SPAN("@"), SPAN("`")));
    ck_assert_uint_eq(span_find(SPAN("abcabd"), SPAN("abd")), 3);
    ck_assert_uint_eq(span_find(SPAN("abc"), SPAN("x")), SIZE_MAX);
    ck_assert_uint_eq(span_find(SPAN("abc"), SPAN("c")), 2);
    ck_assert_uint_eq(span_find(SPAN_NONE, SPAN("c")), SIZE_MAX);
    ck_assert(span_read_u64(SPAN("18446744073709551615"), &number) && number == UINT64_MAX);
    ck_assert(!span_read_u64(SPAN("18446744073709551616"), &number) && number == UINT64_MAX);
    ck_assert(!span_read_u64(SPAN("+1"), &number) && !span_read_u64(SPAN(""), &number));
    ck_assert(span_eq_secret(SPAN("abc"), SPAN("abc")));
    ck_assert(!span_eq_secret(SPAN("abc"), SPAN("abd")));
}

END_TEST

START_TEST(a_buffer_over_its_limit_fails_and_stays_as_it_was)
{
    struct buffer buffer;

    buffer_init(&buffer, 10);
    ck_assert(buffer_append(&buffer, SPAN("12345678")));
    ck_assert(!buffer_append(&buffer, SPAN("901")));
    ck_assert(!buffer_append_byte(&buffer, '9'));
    ck_assert(span_eq(buffer_span(&buffer), SPAN("12345678")));
    buffer_clear(&buffer);
    ck_assert(buffer_append_format(&buffer, "%d-%s", 12, "3456789"));
    ck_assert(!buffer_append_format(&buffer, "%d", 1));
    ck_assert(span_eq(buffer_span(&buffer), SPAN("12-3456789")));
    buffer_done(&buffer);
}

END_TEST

/* Against a search of the plainest kind: every place, needle and length about a block's. */
static size_t found_at(struct span hay, struct span needle)
{
    for (size_t at = 0; at + needle.len <= hay.len; at++) {
        if (memcmp(hay.ptr + at, needle.ptr, needle.len) == 0)
            return at;
    }
    return SIZE_MAX;
}

START_TEST(a_needle_is_found_wherever_it_is)
{
    char bytes[80], text[8];

    for (unsigned round = 0; round < 200000; round++) {
        size_t len = random_u64() % sizeof(bytes), needle_len = 1 + random_u64() % sizeof(text);
        struct span hay = span_of(bytes + sizeof(bytes) - len, len); /* reads behind show */
        struct span needle = span_of(text, needle_len);

        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = "ab"[random_u64() % 2];
        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = "ab"[random_u64() % 2];
        ck_assert_uint_eq(span_find(hay, needle), found_at(hay, needle));
    }
}

END_TEST

START_TEST(numbers_are_written_in_full)
{
    struct buffer buffer;

    buffer_init(&buffer, 200);
    (void)buffer_append_u64(&buffer, UINT64_MAX);
    (void)buffer_append_i64(&buffer, INT64_MIN);
    (void)buffer_append_u64(&buffer, 0);
    (void)buffer_append_hex(&buffer, 0xab, 4);
    ck_assert(span_eq(buffer_span(&buffer), SPAN("18446744073709551615-92233720368547758080"
                                                 "00ab")));
    buffer_drop(&buffer, 20);
    ck_assert(span_starts(buffer_span(&buffer), SPAN("-9223")));
    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
        char expected[48];

        buffer_clear(&buffer);
        (void)buffer_append_u64(&buffer, power - 1);
        (void)buffer_append_u64(&buffer, power + power / 7);
        (void)snprintf(expected, sizeof(expected), "%llu%llu", (unsigned long long)(power - 1),
                       (unsigned long long)(power + power / 7));
        ck_assert(span_eq(buffer_span(&buffer), span_of_text(expected)));
    }
    buffer_done(&buffer);
}

END_TEST

static unsigned cleanups;

static void cleaned(void *what)
{
    cleanups = cleanups * 10 + *(unsigned *)what;
}

START_TEST(an_arena_keeps_every_piece_apart_until_it_is_done)
{
    struct arena arena;
    char *pieces[200];
    unsigned first = 1, second = 2;

    arena_init(&arena, 64);
    arena_on_done(&arena, cleaned, &first);
    arena_on_done(&arena, cleaned, &second);
    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++) {
        pieces[i] = arena_take(&arena, i * 37 + 1);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i * 37 + 1);
        (void)arena_copy(&arena, SPAN("x"));
    }
    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++) {
        ck_assert_int_eq((unsigned char)pieces[i][0], (int)i);
        ck_assert_int_eq((unsigned char)pieces[i][i * 37], (int)i);
    }
    arena_done(&arena);
    ck_assert_uint_eq(cleanups, 21);
    ck_assert_uint_eq(arena.used_bytes, 0);
    ck_assert_uint_eq(*(unsigned char *)arena_take_zeroed(&arena, 1), 0);
    arena_done(&arena);
}

END_TEST

START_TEST(an_arena_that_is_reset_gives_its_first_block_again)
{
    struct arena arena;
    unsigned first = 1;
    char *piece;

    cleanups = 0;
    arena_init(&arena, 64);
    arena_reset(&arena);
    piece = arena_take(&arena, 64);
    memset(piece, 'x', 64);
    for (unsigned i = 1; i < 50; i++)
        memset(arena_take(&arena, i * 37), (int)i, i * 37);
    arena_on_done(&arena, cleaned, &first);
    arena_reset(&arena);
    ck_assert_uint_eq(cleanups, 1);
    ck_assert_uint_eq(arena.used_bytes, 0);
    ck_assert_ptr_eq(arena_take_zeroed(&arena, 64), piece);
    ck_assert_int_eq(piece[63], 0);
    ck_assert_ptr_ne(arena_take(&arena, 64), piece);
    arena_done(&arena);
    /* A piece too large for a first block leaves nothing to keep. */
    (void)arena_take(&arena, 1000);
    arena_reset(&arena);
    ck_assert_ptr_null(arena.blocks);
    arena_done(&arena);
}

END_TEST

static const struct {
    const char *text;
    bool good;
    uint64_t ms;
} durations[] = {
    {"90s", true, 90000},  {"250ms", true, 250},    {"5m", true, 300000},
    {"2h", true, 7200000}, {"7d", true, 604800000}, {"0", true, 0},
    {"", false, 0},        {"s", false, 0},         {"5x", false, 0},
    {"-5s", false, 0},     {"5 s", false, 0},       {"99999999999999999d", false, 0},
};

START_TEST(durations_are_read)
{
    uint64_t ms = 0;

    ck_assert(clock_read_duration_ms(span_of_text(durations[_i].text), &ms) ==
              durations[_i].good);
    if (durations[_i].good)
        ck_assert_uint_eq(ms, durations[_i].ms);
}

END_TEST

static const struct {
    const char *text;
    int64_t ms; /* negative: it is none */
} dates[] = {
    {"1970-01-01", 0},
    {"2026-12-01", 1796083200000},
    {"2026-12-01T08:15:30Z", 1796112930000},
    {"2028-02-29", 1835395200000},
    {"9999-12-31T23:59:59Z", 253402300799000},
    {"2026-02-29", -1},
    {"2026-04-31", -1},
    {"2026-13-01", -1},
    {"2026-00-01", -1},
    {"2026-01-00", -1},
    {"1969-12-31", -1},
    {"2026-1-1", -1},
    {"2026-12-01T24:00:00Z", -1},
    {"2026-12-01T08:60:00Z", -1},
    {"2026-12-01T08:00:00", -1},
    {"2026-12-01T08:00:00Zz", -1},
    {"2026-12-01 ", -1},
    {"+026-12-01", -1},
    {"", -1},
};

START_TEST(dates_are_read)
{
    int64_t ms = 77;

    ck_assert_int_eq(clock_read_date_ms(span_of_text(dates[_i].text), &ms), dates[_i].ms >= 0);
    ck_assert_int_eq(ms, dates[_i].ms >= 0 ? dates[_i].ms : 77);
}

END_TEST

START_TEST(times_are_written)
{
    char text[CLOCK_TEXT_SIZE];

    clock_write_rfc3339(1764000000123, text);
    ck_assert(span_eq(span_of(text, sizeof(text)), SPAN("2025-11-24T16:00:00.123Z")));
    clock_write_rfc3339(-1, text);
    ck_assert(span_eq(span_of(text, sizeof(text)), SPAN("1969-12-31T23:59:59.999Z")));
}

END_TEST

/* FIPS 180-2 B.1, RFC 4231 case 2, the usual check value of CRC-32. */
static uint32_t crc_bit_by_bit(struct span bytes)
{
    uint32_t crc = 0xffffffffU;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.ptr[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
    }
    return ~crc;
}

START_TEST(a_checksum_of_any_length_and_place_is_that_of_its_bits)
{
    char bytes[200];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 151 + 7);
    for (size_t at = 0; at < 8; at++) {
        for (size_t len = 0; at + len <= sizeof(bytes); len++) {
            struct span part = span_of(bytes + at, len);

            ck_assert_uint_eq(crc32_of(part), crc_bit_by_bit(part));
        }
    }
}

END_TEST

START_TEST(a_remembered_digest_is_that_of_the_bytes_asked_for)
{
    static const struct span asked[] = {{"one", 3}, {"one", 3}, {"two", 3}, {"one", 3},
                                        {"", 0},    {"on", 2},  {"one", 3}, {NULL, 0}};
    char longer[SHA256_MEMO_BYTES + 1];
    struct sha256_memo memo = {0};
    uint8_t expected[SHA256_SIZE], got[SHA256_SIZE];

    for (unsigned i = 0; i < ARRAY_LEN(asked); i++) {
        hash_sha256(asked[i], expected);
        hash_sha256_again(&memo, asked[i], got);
        ck_assert_mem_eq(got, expected, SHA256_SIZE);
        hash_sha256_again(NULL, asked[i], got);
        ck_assert_mem_eq(got, expected, SHA256_SIZE);
    }
    memset(longer, 'l', sizeof(longer));
    for (size_t len = sizeof(longer) - 2; len <= sizeof(longer); len++) {
        hash_sha256(span_of(longer, len), expected);
        hash_sha256_again(&memo, span_of(longer, len), got);
        ck_assert_mem_eq(got, expected, SHA256_SIZE);
    }
}

END_TEST

START_TEST(a_secret_that_differs_in_any_one_bit_is_another)
{
    char ours[40], theirs[40];

    for (unsigned i = 0; i < sizeof(ours); i++)
        ours[i] = theirs[i] = (char)(i * 31);
    for (size_t len = 0; len <= sizeof(ours); len++) {
        ck_assert(span_eq_secret(span_of(ours, len), span_of(theirs, len)));
        ck_assert(len == 0 || !span_eq_secret(span_of(ours, len), span_of(theirs, len - 1)));
        for (size_t bit = 0; bit < len * 8; bit++) {
            theirs[bit / 8] ^= (char)(1 << bit % 8);
            ck_assert(!span_eq_secret(span_of(ours, len), span_of(theirs, len)));
            theirs[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
}

END_TEST

START_TEST(hashes_have_their_published_values)
{
    uint8_t digest[SHA256_SIZE];

    hash_sha256(SPAN("abc"), digest);
    ck_assert(
        is_hex(digest, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    hash_sha256(SPAN_NONE, digest);
    ck_assert(
        is_hex(digest, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    hash_hmac_sha256(SPAN("Jefe"), SPAN("what do ya want for nothing?"), digest);
    ck_assert(
        is_hex(digest, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    ck_assert_uint_eq(crc32_of(SPAN("123456789")), 0xcbf43926);
    ck_assert_uint_eq(crc32_of(SPAN_NONE), 0);
    ck_assert_uint_ne(hash_fast(SPAN("a")), hash_fast(SPAN("b")));
    ck_assert_uint_ne(hash_fast(SPAN("a")), hash_fast(SPAN("a\0")));
}

END_TEST

/* The GCM specification, test case 14 (key, nonce and text of zeros). */
/* RFC 2104 by hand: the library's digests under its HMAC, and ours, of all ways to end a block.
 */
START_TEST(digests_of_every_length_are_the_librarys)
{
    char inner[64 + 300], outer[64 + SHA256_SIZE];
    uint8_t got[SHA256_SIZE], expected[SHA256_SIZE];

    for (size_t len = 0; len <= 300; len++) {
        memset(inner, 'k' ^ 0x36, 64);
        memset(outer, 'k' ^ 0x5c, 64);
        for (size_t i = 0; i < len; i++)
            inner[64 + i] = (char)(i * 7 + len);
        hash_sha256(span_of(inner, 64 + len), (uint8_t *)outer + 64);
        hash_sha256(span_of(outer, sizeof(outer)), got);
        hash_hmac_sha256(
            SPAN("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"),
            span_of(inner + 64, len), expected);
        ck_assert_mem_eq(got, expected, SHA256_SIZE);
    }
}

END_TEST

START_TEST(sealed_bytes_open_only_unchanged)
{
    uint8_t key[AES_KEY_SIZE] = {0}, nonce[GCM_NONCE_SIZE] = {0}, tag[GCM_TAG_SIZE];
    uint8_t cipher[16], plain[16];
    struct span zeros = SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    gcm_seal(key, nonce, SPAN_NONE, zeros, cipher, tag);
    ck_assert(is_hex(cipher, 16, "cea7403d4d606b6e074ec5d3baf39d18"));
    ck_assert(is_hex(tag, 16, "d0d1c8a799996bf0265b98b5d48ab919"));
    ck_assert(gcm_open(key, nonce, SPAN_NONE, span_of((char *)cipher, 16), tag, plain));
    ck_assert(span_eq(span_of((char *)plain, 16), zeros));
    ck_assert(!gcm_open(key, nonce, SPAN("x"), span_of((char *)cipher, 16), tag, plain));
    cipher[3] ^= 1;
    ck_assert(!gcm_open(key, nonce, SPAN_NONE, span_of((char *)cipher, 16), tag, plain));
}

END_TEST

START_TEST(encodings_go_there_and_back)
{
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
    static const char *const bad[] = {"Zg=", "Zh==", "Z===", "Zm9v\n", "====", "Zm8=Zm8="};
    char digits[20];
    uint64_t number = 0;
    struct buffer out;

    buffer_init(&out, 100);
    for (unsigned i = 0; i < ARRAY_LEN(pairs); i++) {
        buffer_clear(&out);
        ck_assert(encode_base64(span_of_text(pairs[i][0]), &out));
        ck_assert(span_eq(buffer_span(&out), span_of_text(pairs[i][1])));
        buffer_clear(&out);
        ck_assert(decode_base64(span_of_text(pairs[i][1]), &out));
        ck_assert(span_eq(buffer_span(&out), span_of_text(pairs[i][0])));
    }
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!decode_base64(span_of_text(bad[i]), &out), "%s", bad[i]);
    encode_base62(UINT64_MAX, digits, 11);
    ck_assert(decode_base62(span_of(digits, 11), &number) && number == UINT64_MAX);
    ck_assert(!decode_base62(SPAN("zzzzzzzzzzz"), &number) &&
              !decode_base62(SPAN("-"), &number));
    random_base62(digits, sizeof(digits));
    ck_assert(decode_base62(span_of(digits, 10), &number));
    buffer_done(&out);
}

END_TEST

START_TEST(utf8_is_judged)
{
    ck_assert(utf8_valid(SPAN("plain text, long enough for words")));
    ck_assert(utf8_valid(SPAN("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf")));
    ck_assert(!utf8_valid(SPAN("\xc0\x80")) && !utf8_valid(SPAN("\xed\xa0\x80")));
    ck_assert(!utf8_valid(SPAN("\xf4\x90\x80\x80")) && !utf8_valid(SPAN("12345678\xe2\x82")));
    ck_assert(!utf8_valid(SPAN("\x80")) && !utf8_valid(SPAN("\xe0\x9f\xbf")));
}

END_TEST

struct alarm {
    struct deadline deadline;
    struct wheel *wheel;
    uint64_t rang_ms;
    bool again;
};

static uint64_t now_ms;

static void rang(struct deadline *deadline)
{
    struct alarm *alarm = (struct alarm *)(void *)deadline;

    alarm->rang_ms = now_ms;
    if (alarm->again)
        wheel_arm(alarm->wheel, deadline, now_ms + 100);
}

START_TEST(deadlines_pass_once_never_early_and_soon)
{
    static const uint64_t delays_ms[] = {0, 1, 7, 8, 9, 1000, 8191, 8192, 8193, 20000, 100000};
    static struct wheel wheel;
    struct alarm alarms[ARRAY_LEN(delays_ms)] = {0}, disarmed = {0};

    now_ms = 1000003;
    wheel_init(&wheel, now_ms);
    for (unsigned i = 0; i < ARRAY_LEN(delays_ms); i++) {
        alarms[i].deadline.passed = rang;
        wheel_arm(&wheel, &alarms[i].deadline, now_ms + delays_ms[i]);
    }
    disarmed.deadline.passed = rang;
    wheel_arm(&wheel, &disarmed.deadline, now_ms + 50);
    wheel_disarm(&wheel, &disarmed.deadline);
    for (; now_ms < 1000003 + 110000; now_ms += 3)
        wheel_advance(&wheel, now_ms);
    for (unsigned i = 0; i < ARRAY_LEN(delays_ms); i++) {
        ck_assert_uint_ge(alarms[i].rang_ms, 1000003 + delays_ms[i]);
        ck_assert_uint_le(alarms[i].rang_ms, 1000003 + delays_ms[i] + 2 * WHEEL_TICK_MS + 3);
    }
    ck_assert_uint_eq(disarmed.rang_ms, 0);
    ck_assert_uint_eq(wheel.armed, 0);
}

END_TEST

START_TEST(a_deadline_may_arm_itself_again_and_a_long_pause_is_survived)
{
    static struct wheel wheel;
    struct alarm alarm = {.deadline = {.passed = rang}, .wheel = &wheel, .again = true};

    now_ms = 500;
    wheel_init(&wheel, now_ms);
    wheel_arm(&wheel, &alarm.deadline, 600);
    now_ms = 10000000;
    wheel_advance(&wheel, now_ms);
    ck_assert_uint_eq(alarm.rang_ms, now_ms);
    ck_assert(deadline_armed(&alarm.deadline));
    ck_assert_uint_eq(wheel.armed, 1);
}

END_TEST

START_TEST(every_fault_has_a_row)
{
    for (unsigned i = 1; i < FAULT_COUNT; i++) {
        const struct fault_row *row = fault_row((enum fault)i);

        ck_assert_uint_ge(row->status, 400);
        ck_assert(row->name[0] && row->type[0] && row->message[0]);
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, spans_are_cut_trimmed_and_compared);
    tcase_add_test(tests, a_buffer_over_its_limit_fails_and_stays_as_it_was);
    tcase_add_test(tests, a_needle_is_found_wherever_it_is);
    tcase_add_test(tests, numbers_are_written_in_full);
    tcase_add_test(tests, an_arena_keeps_every_piece_apart_until_it_is_done);
    tcase_add_loop_test(tests, durations_are_read, 0, (int)ARRAY_LEN(durations));
    tcase_add_loop_test(tests, dates_are_read, 0, (int)ARRAY_LEN(dates));
    tcase_add_test(tests, times_are_written);
    tcase_add_test(tests, an_arena_that_is_reset_gives_its_first_block_again);
    tcase_add_test(tests, a_checksum_of_any_length_and_place_is_that_of_its_bits);
    tcase_add_test(tests, a_remembered_digest_is_that_of_the_bytes_asked_for);
    tcase_add_test(tests, a_secret_that_differs_in_any_one_bit_is_another);
    tcase_add_test(tests, hashes_have_their_published_values);
    tcase_add_test(tests, sealed_bytes_open_only_unchanged);
    tcase_add_test(tests, digests_of_every_length_are_the_librarys);
    tcase_add_test(tests, encodings_go_there_and_back);
    tcase_add_test(tests, utf8_is_judged);
    tcase_add_test(tests, deadlines_pass_once_never_early_and_soon);
    tcase_add_test(tests, a_deadline_may_arm_itself_again_and_a_long_pause_is_survived);
    tcase_add_test(tests, every_fault_has_a_row);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
