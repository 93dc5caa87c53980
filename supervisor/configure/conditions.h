/* supervisor/configure/conditions.h
 *
 * `when` of the settings' targets as terms of a snapshot under construction.
 */
#ifndef SUPERVISOR_CONFIGURE_CONDITIONS_H
#define SUPERVISOR_CONFIGURE_CONDITIONS_H

#include "shared/settings/condition.h"
#include "shared/snapshot/snapshot_build.h"

#include "supervisor/configure/scopes.h"

/* Of all models; the names point at the settings. */
struct conditions {
    struct snapshot_builder *builder;
    struct scopes *scopes;
    int64_t now_ms;
    struct span headers[CONDITION_HEADERS_MAX];
    uint32_t header_count;
};

/* The terms of WHEN; their kinds are added to *KINDS as bits. */
struct snapshot_table conditions_put(struct conditions *conditions,
                                     const struct settings_when *when, uint32_t *kinds);
/* Writes the headers that they ask for. */
void conditions_end(struct conditions *conditions, struct snapshot_header_page *page);

#endif
