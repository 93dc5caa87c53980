#include "worker/translate/tally.h"

#include "shared/base/check.h"

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

/* ---- what a byte is ---------------------------------------------------------------------- */

enum kind {
    LETTER = 1,
    UPPER = 2, /* beside LETTER */
    DIGIT = 4,
    SPACE = 8,
    NEWLINE = 16,
    MARK = 32,
    HIGH = 64, /* of a character beyond ASCII */
};

/* clang-format off */
#define N8(kind) kind, kind, kind, kind, kind, kind, kind, kind
#define N64(kind) N8(kind), N8(kind), N8(kind), N8(kind), N8(kind), N8(kind), N8(kind), N8(kind)
#define BIG   (LETTER | UPPER)

static const uint8_t kinds[256] = {
    N8(0), 0, SPACE, NEWLINE, 0, 0, NEWLINE, 0, 0, N8(0), N8(0),
    SPACE, MARK, MARK, MARK, MARK, MARK, MARK, MARK, N8(MARK),
    N8(DIGIT), DIGIT, DIGIT, MARK, MARK, MARK, MARK, MARK, MARK,
    MARK, BIG, BIG, BIG, BIG, BIG, BIG, BIG, N8(BIG), N8(BIG),
    BIG, BIG, BIG, MARK, MARK, MARK, MARK, MARK,
    MARK, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, N8(LETTER), N8(LETTER),
    LETTER, LETTER, LETTER, MARK, MARK, MARK, MARK, 0,
    N64(HIGH), N64(HIGH)};
/* clang-format on */

/* ---- sixteen at a time ------------------------------------------------------------------- */

typedef uint8_t lanes __attribute__((vector_size(16)));

struct sixteen {
    lanes now, before, before_that; /* kinds of the bytes, of those before them, ... */
    lanes four, seven, ten;         /* kinds that all of so many have, up to this */
    lanes bytes, bytes_before;
};

static inline lanes load(const uint8_t *at)
{
    lanes ret;

    memcpy(&ret, at, sizeof(ret));
    return ret;
}

static inline lanes all(uint8_t value)
{
    return (lanes){value, value, value, value, value, value, value, value,
                   value, value, value, value, value, value, value, value};
}

/* All bits of the lanes whose kind has one of BITS. */
static inline lanes has(lanes kind, uint8_t bits)
{
    return (lanes)((kind & all(bits)) != all(0));
}

static inline lanes is(lanes bytes, char c)
{
    return (lanes)(bytes == all((uint8_t)c));
}

static inline struct sixteen look(const uint8_t *kind, const uint8_t *bytes)
{
    struct sixteen s = {.now = load(kind), .before = load(kind - 1)};

    s.before_that = load(kind - 2);
    s.four = s.now & s.before & s.before_that & load(kind - 3);
    s.seven = s.four & load(kind - 4) & load(kind - 5) & load(kind - 6);
    s.ten = s.seven & load(kind - 7) & load(kind - 8) & load(kind - 9);
    s.bytes = load(bytes);
    s.bytes_before = load(bytes - 1);
    return s;
}

/* Lanes of all bits are -1. */
#define COUNT(name, mask) sums[TALLY_##name] -= (mask)

static inline void count_words(const struct sixteen *s, lanes *sums)
{
    lanes letter = has(s->now, LETTER), upper = has(s->now, UPPER);

    COUNT(word, letter & ~has(s->before, LETTER | HIGH));
    COUNT(letter, letter);
    COUNT(letter_fourth, has(s->four, LETTER));
    COUNT(letter_seventh, has(s->seven, LETTER));
    COUNT(letter_tenth, has(s->ten, LETTER));
    COUNT(upper, upper);
    COUNT(upper_on, upper & has(s->before, UPPER));
    COUNT(upper_inside, upper & has(s->before, LETTER) & ~has(s->before, UPPER));
    COUNT(letter_after_digit, letter & has(s->before, DIGIT));
    COUNT(letter_after_mark, letter & has(s->before, MARK));
    COUNT(letter_after_high, letter & has(s->before, HIGH));
    COUNT(th, is(s->bytes, 'h') & is(s->bytes_before, 't'));
}

static inline void count_rest(const struct sixteen *s, lanes *sums)
{
    lanes digit = has(s->now, DIGIT), mark = has(s->now, MARK);
    lanes space = has(s->now, SPACE), newline = has(s->now, NEWLINE);

    COUNT(digit, digit);
    COUNT(digit_first, digit & ~has(s->before, DIGIT));
    COUNT(digit_after_space, digit & has(s->before, SPACE));
    COUNT(digit_after_letter, digit & has(s->before, LETTER));
    COUNT(mark, mark);
    COUNT(mark_first, mark & ~has(s->before, MARK));
    COUNT(mark_same, mark & (lanes)(s->bytes == s->bytes_before));
    COUNT(space_on, space & has(s->before, SPACE | NEWLINE));
    COUNT(space_second, space & has(s->before, SPACE) & ~has(s->before_that, SPACE | NEWLINE));
    COUNT(indent, space & has(s->before, NEWLINE));
    COUNT(indent_second, space & has(s->before, SPACE) & has(s->before_that, NEWLINE));
    COUNT(newline, newline);
    COUNT(newline_on, newline & has(s->before, NEWLINE));
    COUNT(newline_after_mark, newline & has(s->before, MARK));
}

#define VECTOR_COUNT (TALLY_newline_after_mark + 1) /* the first rows of the table */

static unsigned sum_of(lanes counts)
{
#ifdef __SSE2__
    __m128i halves = _mm_sad_epu8((__m128i)counts, _mm_setzero_si128());

    return (unsigned)_mm_extract_epi16(halves, 0) + (unsigned)_mm_extract_epi16(halves, 4);
#else
    unsigned sum = 0;

    for (unsigned lane = 0; lane < 16; lane++)
        sum += counts[lane];
    return sum;
#endif
}

static void count_kinds(struct tally *tally, const uint8_t *kind, size_t len)
{
    lanes sums[VECTOR_COUNT] = {{0}};

    for (size_t at = 0; at < len; at += 16) {
        struct sixteen s = look(kind + at, tally->bytes + TALLY_BEFORE + at);

        count_words(&s, sums);
        count_rest(&s, sums);
    }
    for (unsigned i = 0; i < VECTOR_COUNT; i++)
        tally->counts[i] += sum_of(sums[i]);
}

/* ---- scripts ----------------------------------------------------------------------------- */

/* By the first byte of a character, and the second where it says more. */
static unsigned script_of(uint8_t lead, uint8_t second)
{
    if (lead < 0xc2)
        return TALLY_COUNT;
    if (lead < 0xce)
        return lead == 0xc2 ? TALLY_sign : lead == 0xc3 ? TALLY_latin : TALLY_latin_more;
    if (lead < 0xd8)
        return lead < 0xd0 ? TALLY_greek : lead < 0xd4 ? TALLY_cyrillic : TALLY_hebrew;
    if (lead < 0xe0)
        return TALLY_arabic;
    if (lead == 0xe0)
        return second < 0xa8 ? TALLY_indic : second < 0xb8 ? TALLY_indic_more : TALLY_thai;
    if (lead < 0xe3)
        return lead == 0xe1 ? TALLY_latin_long : TALLY_symbol;
    if (lead == 0xe3)
        return second == 0x80 ? TALLY_wide_mark : second <= 0x83 ? TALLY_kana : TALLY_han;
    if (lead < 0xea)
        return TALLY_han;
    return lead < 0xee ? TALLY_hangul : lead < 0xf0 ? TALLY_wide_mark : TALLY_emoji;
}

static unsigned first_of(unsigned script)
{
    switch (script) {
    case TALLY_greek: return TALLY_greek_first;
    case TALLY_cyrillic: return TALLY_cyrillic_first;
    case TALLY_arabic: return TALLY_arabic_first;
    case TALLY_hangul: return TALLY_hangul_first;
    case TALLY_han: return TALLY_han_first;
    default: return TALLY_COUNT;
    }
}

static void count_scripts(struct tally *tally, const uint8_t *kind, size_t len)
{
    const uint8_t *bytes = tally->bytes + TALLY_BEFORE;
    uint64_t counts[TALLY_COUNT + 1] = {0};

    for (size_t at = 0; at < len; at++) {
        unsigned script = script_of(bytes[at], bytes[at + 1]);

        counts[script]++;
        if (script != TALLY_COUNT && *(kind + at - 1) != HIGH)
            counts[first_of(script)]++;
    }
    for (unsigned i = 0; i < TALLY_COUNT; i++)
        tally->counts[i] += counts[i];
}

/* ---- blocks ------------------------------------------------------------------------------ */

void tally_init(struct tally *tally, uint8_t *bytes, uint32_t size)
{
    CHECK(size % 16 == 0 && size <= TALLY_BLOCK);
    *tally = (struct tally){.bytes = bytes, .size = size};
    memset(tally->bytes, 0, TALLY_BEFORE);
}

static void count_block(struct tally *tally)
{
    uint8_t kind[TALLY_BYTES(TALLY_BLOCK)];
    size_t end = TALLY_BEFORE + tally->len;
    uint8_t seen = 0;

    memset(tally->bytes + end, 0, TALLY_AFTER);
    for (size_t i = 0; i < end; i++)
        seen |= kind[i] = kinds[tally->bytes[i]];
    memset(kind + end, 0, TALLY_AFTER);
    count_kinds(tally, kind + TALLY_BEFORE, tally->len);
    if (seen & HIGH)
        count_scripts(tally, kind + TALLY_BEFORE, tally->len);
    memmove(tally->bytes, tally->bytes + tally->len, TALLY_BEFORE);
    tally->len = 0;
}

void tally_add(struct tally *tally, struct span text)
{
    while (text.len > 0) {
        size_t room = tally->size - tally->len, part = text.len < room ? text.len : room;

        memcpy(tally->bytes + TALLY_BEFORE + tally->len, text.ptr, part);
        tally->len += (uint32_t)part;
        text = span_skip(text, part);
        if (tally->len == tally->size)
            count_block(tally);
    }
}

void tally_break(struct tally *tally)
{
    tally_add(tally, span_of("", 1));
}

void tally_finish(struct tally *tally)
{
    if (tally->len > 0)
        count_block(tally);
}

/* ---- escapes ----------------------------------------------------------------------------- */

static unsigned hex_of(char c)
{
    return c >= '0' && c <= '9' ? (unsigned)(c - '0') : ((unsigned)(c | 0x20) - 'a' + 10) & 0xf;
}

static unsigned unit_at(const char *at)
{
    return hex_of(at[0]) << 12 | hex_of(at[1]) << 8 | hex_of(at[2]) << 4 | hex_of(at[3]);
}

static void add_character(struct tally *tally, uint32_t code)
{
    char utf8[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = len; i-- > 1; code >>= 6)
        utf8[i] = (char)(0x80 | (code & 0x3f));
    utf8[0] = (char)(leads[len] | code);
    tally_add(tally, span_of(utf8, len));
}

/* "\uXXXX" at the beginning of TEXT, with its other half when it has one. How long it is. */
static size_t add_unit(struct tally *tally, struct span text)
{
    uint32_t code, low;

    if (text.len < 6)
        return text.len;
    code = unit_at(text.ptr + 2);
    if (code < 0xd800 || code > 0xdbff || text.len < 12 || text.ptr[6] != '\\') {
        add_character(tally, code);
        return 6;
    }
    low = unit_at(text.ptr + 8);
    add_character(tally, 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff)));
    return 12;
}

static size_t add_escape(struct tally *tally, struct span text)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    const char *found;

    if (text.len < 2)
        return text.len;
    if (text.ptr[1] == 'u')
        return add_unit(tally, text);
    found = text.ptr[1] ? strchr(from, text.ptr[1]) : NULL;
    tally_add(tally, span_of(found ? &to[found - from] : text.ptr + 1, 1));
    return 2;
}

void tally_add_escaped(struct tally *tally, struct span inside)
{
    while (inside.len > 0) {
        const char *escape = memchr(inside.ptr, '\\', inside.len);
        size_t plain = escape ? (size_t)(escape - inside.ptr) : inside.len;

        tally_add(tally, span_of(inside.ptr, plain));
        inside = span_skip(inside, plain);
        if (inside.len > 0)
            inside = span_skip(inside, add_escape(tally, inside));
    }
}
