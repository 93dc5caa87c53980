/* The CRC-32 of hash.h: eight bytes a step by tables, for long texts after the processor has
 * folded most of them into sixteen bytes. */
#include <endian.h>

#include "shared/base/crc32_fold.h"
#include "shared/base/hash.h"

#define CRC_TABLES 8 /* bytes of one step */

static uint32_t crc_tables[CRC_TABLES][256];

/* Before main, so that threads find the tables done. */
__attribute__((constructor)) static void crc_build(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;

        for (unsigned bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320U : 0);
        crc_tables[0][i] = value;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (unsigned t = 1; t < CRC_TABLES; t++)
            crc_tables[t][i] =
                crc_tables[t - 1][i] >> 8 ^ crc_tables[0][crc_tables[t - 1][i] & 0xff];
    }
}

static uint32_t get_u32(const uint8_t *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof(word));
    return le32toh(word);
}

static uint32_t go_on(uint32_t crc, const uint8_t *at, size_t left)
{
    for (; left >= CRC_TABLES; left -= CRC_TABLES, at += CRC_TABLES) {
        uint32_t low = crc ^ get_u32(at), high = get_u32(at + 4);

        crc = crc_tables[7][low & 0xff] ^ crc_tables[6][low >> 8 & 0xff] ^
              crc_tables[5][low >> 16 & 0xff] ^ crc_tables[4][low >> 24] ^
              crc_tables[3][high & 0xff] ^ crc_tables[2][high >> 8 & 0xff] ^
              crc_tables[1][high >> 16 & 0xff] ^ crc_tables[0][high >> 24];
    }
    for (; left > 0; left--)
        crc = crc >> 8 ^ crc_tables[0][(crc ^ *at++) & 0xff];
    return crc;
}

uint32_t crc32_of(struct span bytes)
{
    uint8_t folded[CRC32_FOLDED];
    uint32_t crc = 0xffffffffU;
    size_t count = crc32_fold(bytes, crc, folded);

    if (count > 0)
        crc = go_on(0, folded, sizeof(folded));
    return ~go_on(crc, (const uint8_t *)bytes.ptr + count, bytes.len - count);
}
