/* supervisor/configure/choices.h
 *
 * The targets of a model that has `auto` instead of some: each model of the catalogue that
 * fits, at each account that offers it. What a request needs beyond that is left to routing.
 */
#ifndef SUPERVISOR_CONFIGURE_CHOICES_H
#define SUPERVISOR_CONFIGURE_CHOICES_H

#include "supervisor/configure/configure_inside.h"

struct choice {
    uint32_t account;  /* index */
    struct span model; /* its name there */
    uint64_t cost;     /* of a million tokens asked and answered each; UINT64_MAX: unknown */
    const struct catalogue_model *known;
};

/* The cheapest first, by the catalogue, at most SNAPSHOT_TARGETS_MAX; how many. */
uint32_t choices_gather(const struct account_list *accounts,
                        const struct settings_model_auto *wanted,
                        struct choice ret[SNAPSHOT_TARGETS_MAX]);

#endif
