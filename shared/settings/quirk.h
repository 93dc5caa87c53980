/* shared/settings/quirk.h
 *
 * Where a provider differs from the dialect that it speaks, as bits: rows of quirks.def. They
 * come with the provider in the snapshot and reach the dialect as `target.quirks`.
 */
#ifndef SHARED_SETTINGS_QUIRK_H
#define SHARED_SETTINGS_QUIRK_H

enum quirk_number {
#define QUIRK(name, help) QUIRK_NUMBER_##name,
#include "shared/settings/quirks.def"
#undef QUIRK
    QUIRK_COUNT
};

enum quirk {
#define QUIRK(name, help) QUIRK_##name = 1u << QUIRK_NUMBER_##name,
#include "shared/settings/quirks.def"
#undef QUIRK
};

_Static_assert(QUIRK_COUNT <= 32, "quirks are the bits of a uint32_t");

#endif
