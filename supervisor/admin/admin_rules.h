/* supervisor/admin/admin_rules.h
 *
 * Limits and budgets as members of JSON objects, for their routes.
 */
#ifndef SUPERVISOR_ADMIN_ADMIN_RULES_H
#define SUPERVISOR_ADMIN_ADMIN_RULES_H

#include "supervisor/admin/routes.h"
#include "supervisor/rules/rules.h"

/* The members of a rule, as they are written; of an object that is open. */
void admin_write_limit(struct json_writer *writer, const struct rate_text *text);
void admin_write_budget(struct json_writer *writer, const struct budget_text *text);

#endif
