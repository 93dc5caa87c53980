/* supervisor/configure/shares.h
 *
 * The shares of the settings as keys have them: the weight of a key's tenant, and its priority.
 * The nearest rule counts: the key's, its user's, its team's, its tenant's, one by name before
 * one of KIND:*. A rule for somebody whom the store does not have yet is for nobody.
 */
#ifndef SUPERVISOR_CONFIGURE_SHARES_H
#define SUPERVISOR_CONFIGURE_SHARES_H

#include "supervisor/configure/scopes.h"

struct share;

struct shares {
    struct share *rows;
    uint32_t count;
};

void shares_begin(struct shares *shares, const struct settings *settings,
                  const struct scopes *scopes);
/* Weight and priority of FROM into TO. */
void shares_of_key(const struct shares *shares, const struct configure_key *from,
                   struct snapshot_key *to);
void shares_done(struct shares *shares);

#endif
