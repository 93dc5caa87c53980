/* shared/settings/priority.h
 *
 * The classes of requests that wait for a place at a provider account.
 */
#ifndef SHARED_SETTINGS_PRIORITY_H
#define SHARED_SETTINGS_PRIORITY_H

enum priority {
#define PRIORITY(name, help) PRIORITY_##name,
#include "shared/settings/priorities.def"
#undef PRIORITY
    PRIORITY_COUNT
};

#endif
