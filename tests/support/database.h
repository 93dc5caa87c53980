/* tests/support/database.h
 *
 * The store of one test. AIGW_TEST_STORE names an empty database of another kind to run the
 * same tests on.
 */
#ifndef TESTS_SUPPORT_DATABASE_H
#define TESTS_SUPPORT_DATABASE_H

#include "supervisor/store/store.h"

/* Open, connected and of the newest schema; the COUNT TABLES are empty. SETTINGS are used where
 * the environment names none. The caller's to close. */
struct store *database_open(const char *settings, const char *const *tables, unsigned count);
/* The same, in memory. */
struct store *database_new(const char *const *tables, unsigned count);

#endif
