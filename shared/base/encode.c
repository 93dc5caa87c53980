#include "shared/base/encode.h"

#include "shared/base/check.h"
#include "shared/base/hash.h"

void encode_hex(const void *bytes, size_t count, char *ret_text)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < count; i++) {
        ret_text[2 * i] = "0123456789abcdef"[at[i] >> 4];
        ret_text[2 * i + 1] = "0123456789abcdef"[at[i] & 15];
    }
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool decode_hex(struct span text, uint8_t *ret_bytes, size_t count)
{
    if (text.len % 2 != 0 || text.len / 2 != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const char base62_digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int base62_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 36;
    return -1;
}

void random_base62(char *ret_text, size_t count)
{
    uint8_t bytes[64];
    size_t at = sizeof(bytes);

    for (size_t i = 0; i < count;) {
        if (at == sizeof(bytes)) {
            random_bytes(bytes, sizeof(bytes));
            at = 0;
        }
        /* 248 = 4 * 62: bytes over it would make some digits more likely. */
        if (bytes[at] < 248)
            ret_text[i++] = base62_digits[bytes[at] % 62];
        at++;
    }
}

void encode_base62(uint64_t number, char *ret_text, size_t digits)
{
    for (size_t i = digits; i-- > 0; number /= 62)
        ret_text[i] = base62_digits[number % 62];
    CHECK(number == 0);
}

bool decode_base62(struct span text, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base62_digit(text.ptr[i]);

        if (digit < 0 || __builtin_mul_overflow(number, 62U, &number) ||
            __builtin_add_overflow(number, (uint64_t)digit, &number))
            return false;
    }
    *ret_number = number;
    return true;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool encode_base64(struct span bytes, struct buffer *out)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    char *room = bytes.len > SIZE_MAX / 2 ? NULL : buffer_reserve(out, (bytes.len + 2) / 3 * 4);
    size_t written = 0;

    if (!room)
        return false;
    for (size_t i = 0; i < bytes.len; i += 3, written += 4) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)at[i + 2] : 0);

        room[written] = base64_digits[group >> 18];
        room[written + 1] = base64_digits[group >> 12 & 63];
        room[written + 2] = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        room[written + 3] = left > 2 ? base64_digits[group & 63] : '=';
    }
    buffer_grew(out, written);
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool decode_base64(struct span text, struct buffer *out)
{
    size_t padding = 0, digits, written = 0;
    uint32_t group = 0;
    char *room;

    if (text.len % 4 != 0)
        return false;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    digits = text.len - padding;
    room = buffer_reserve(out, text.len / 4 * 3);
    if (!room)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = i < digits ? base64_digit(text.ptr[i]) : 0;

        if (digit < 0)
            return false;
        group = group << 6 | (uint32_t)digit;
        if (i % 4 != 3)
            continue;
        room[written++] = (char)(group >> 16);
        room[written++] = (char)(group >> 8);
        room[written++] = (char)group;
        group &= 0xffffff;
    }
    /* Bits that the padding leaves over must be zero: one text for one value. */
    if (padding > 0 && (group & (padding == 1 ? 0xffU : 0xffffU)) != 0)
        return false;
    buffer_grew(out, written - padding);
    return true;
}

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
           byte == '~';
}

bool encode_percent(struct span plain, struct buffer *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < plain.len; i++) {
        unsigned char byte = (unsigned char)plain.ptr[i];

        if (is_unreserved(byte)) {
            (void)buffer_append_byte(out, (char)byte);
            continue;
        }
        (void)buffer_append_byte(out, '%');
        (void)buffer_append_byte(out, digits[byte >> 4]);
        (void)buffer_append_byte(out, digits[byte & 15]);
    }
    return !out->failed;
}
