/* supervisor/configure/check.h
 *
 * What `aigw --check`, `--print-config`, `--print-sample` and `--print-settings-reference` do:
 * each prints and returns the exit code (0, or 1 when the settings are wrong).
 */
#ifndef SUPERVISOR_CONFIGURE_CHECK_H
#define SUPERVISOR_CONFIGURE_CHECK_H

/* "FILE: ok" on stdout, or each error on a line of stderr. */
int configure_check(const char *file);
/* The settings as in force on stdout, secrets masked. */
int configure_print(const char *file);
int configure_print_sample(void);
int configure_print_reference(void);

#endif
