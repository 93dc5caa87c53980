/* shared/settings/capability.h
 *
 * What models can do, as bits: rows of capabilities.def. They come from the catalogue, and
 * stand with each model in the snapshot; no bit at all means that nobody told.
 */
#ifndef SHARED_SETTINGS_CAPABILITY_H
#define SHARED_SETTINGS_CAPABILITY_H

enum capability_number {
#define CAPABILITY(name, help) CAPABILITY_NUMBER_##name,
#include "shared/settings/capabilities.def"
#undef CAPABILITY
    CAPABILITY_COUNT
};

enum capability {
#define CAPABILITY(name, help) CAPABILITY_##name = 1u << CAPABILITY_NUMBER_##name,
#include "shared/settings/capabilities.def"
#undef CAPABILITY
};

_Static_assert(CAPABILITY_COUNT <= 32, "capabilities are the bits of a uint32_t");

#endif
