/* supervisor/admin/admin_providers.h
 *
 * What the routes of provider accounts and of their credentials share. Loop thread.
 */
#ifndef SUPERVISOR_ADMIN_ADMIN_PROVIDERS_H
#define SUPERVISOR_ADMIN_ADMIN_PROVIDERS_H

#include "supervisor/admin/routes.h"

#define ADMIN_NAME_MAX 40
#define ADMIN_NAME_SAY "1 to 40 letters, digits, dots, dashes and underscores"

/* Whether NAME is ADMIN_NAME_SAY. */
bool admin_name_fits(struct span name);
bool admin_provider_in_force(const struct house *house, struct span name, uint32_t *ret_index);
/* admin_change for the account that the route's first argument names. Only accounts of the
 * store can be changed; the answer says so for others. */
void admin_change_stored(struct admin_request *request, admin_route_f *function);

#endif
