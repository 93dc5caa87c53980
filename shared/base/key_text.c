#include "shared/base/key_text.h"

#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"

#define ID_AT     (sizeof(KEY_TEXT_PREFIX) - 1)
#define SECRET_AT (ID_AT + KEY_TEXT_ID_SIZE + 1)
#define CRC_AT    (SECRET_AT + KEY_TEXT_SECRET_SIZE)

_Static_assert(CRC_AT + KEY_TEXT_CRC_SIZE == KEY_TEXT_SIZE, "the parts make the whole");

static void write_crc(const char *key, char *ret_digits)
{
    struct span checked = span_of(key + ID_AT, CRC_AT - ID_AT);

    encode_base62(crc32_of(checked), ret_digits, KEY_TEXT_CRC_SIZE);
}

static bool is_base62(struct span s)
{
    static const bool digits[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true};

    for (size_t i = 0; i < s.len; i++)
        if (!digits[(unsigned char)s.ptr[i]])
            return false;
    return true;
}

bool key_text_read(struct span text, struct span *ret_id, struct span *ret_secret)
{
    char crc[KEY_TEXT_CRC_SIZE];

    if (text.len != KEY_TEXT_SIZE || !span_starts(text, SPAN(KEY_TEXT_PREFIX)) ||
        text.ptr[SECRET_AT - 1] != '-')
        return false;
    struct span id = span_of(text.ptr + ID_AT, KEY_TEXT_ID_SIZE);
    struct span secret = span_of(text.ptr + SECRET_AT, KEY_TEXT_SECRET_SIZE);

    write_crc(text.ptr, crc);
    if (!is_base62(id) || !is_base62(secret) ||
        memcmp(crc, text.ptr + CRC_AT, sizeof(crc)) != 0)
        return false;
    *ret_id = id;
    *ret_secret = secret;
    return true;
}

void key_text_make_for(struct span id, char ret[KEY_TEXT_SIZE + 1])
{
    CHECK(id.len == KEY_TEXT_ID_SIZE);
    memcpy(ret, KEY_TEXT_PREFIX, ID_AT);
    memcpy(ret + ID_AT, id.ptr, id.len);
    ret[SECRET_AT - 1] = '-';
    random_base62(ret + SECRET_AT, KEY_TEXT_SECRET_SIZE);
    write_crc(ret, ret + CRC_AT);
    ret[KEY_TEXT_SIZE] = '\0';
}

void key_text_make(char ret[KEY_TEXT_SIZE + 1])
{
    char id[KEY_TEXT_ID_SIZE];

    random_base62(id, sizeof(id));
    key_text_make_for(span_of(id, sizeof(id)), ret);
}
