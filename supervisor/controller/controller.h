/* supervisor/controller/controller.h
 *
 * The controller: the part of the supervisor that may fail or block.  It reads the settings,
 * keeps the store, makes snapshots and plans for the parent, carries usage records into the
 * store, sweeps after dead workers, rotates the TLS ticket keys and serves the admin API.  When
 * it dies, traffic goes on and the parent starts another one.
 *
 * Its loop never blocks: files, database and name resolution are jobs on libuv's pool.
 */
#ifndef SUPERVISOR_CONTROLLER_CONTROLLER_H
#define SUPERVISOR_CONTROLLER_CONTROLLER_H

#include "shared/heritage/heritage.h"

#define CONTROLLER_BAD_SETTINGS 78 /* exit code, EX_CONFIG of sysexits.h */

/* Runs until the parent says so or dies; the exit code of the process. */
int controller_main(const struct heritage *heritage);

#endif
