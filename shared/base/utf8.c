#include "shared/base/encode.h"

/* How many bytes the well-formed sequence at AT has (RFC 3629, table of section 4), or 0. */
static unsigned sequence_length(const uint8_t *at, size_t left)
{
    uint8_t lowest = 0x80, highest = 0xbf;
    unsigned length;

    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (left < length)
        return 0;
    if (at[0] == 0xe0)
        lowest = 0xa0;
    else if (at[0] == 0xed)
        highest = 0x9f;
    else if (at[0] == 0xf0)
        lowest = 0x90;
    else if (at[0] == 0xf4)
        highest = 0x8f;
    if (at[1] < lowest || at[1] > highest)
        return 0;
    for (unsigned i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

unsigned utf8_length(struct span s)
{
    return s.len > 0 ? sequence_length((const uint8_t *)s.ptr, s.len) : 0;
}

bool utf8_valid(struct span s)
{
    const uint8_t *at = (const uint8_t *)s.ptr;
    size_t i = 0;

    while (i < s.len) {
        uint64_t word;
        unsigned length;

        while (s.len - i >= sizeof(word)) {
            memcpy(&word, at + i, sizeof(word));
            if (word & 0x8080808080808080U)
                break;
            i += sizeof(word);
        }
        if (i == s.len)
            break;
        length = sequence_length(at + i, s.len - i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}
