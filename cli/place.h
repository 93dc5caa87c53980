/* cli/place.h
 *
 * Where the daemon is reached and how the caller shows who it is: the admin socket of the
 * settings file, or --server with a token.  Lives until the program ends.
 */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include "shared/base/secret.h"

#include "cli/command.h"

struct place {
    const char *base;   /* "http://localhost", no slash at the end */
    const char *socket; /* Unix socket, or NULL */
    const char *shown;  /* for messages */
    struct secret token;
};

/* EXIT_OK, or the exit code of an error that was told. */
int place_find(const struct invocation *invocation, struct place *ret);
/* The admin socket that the settings name (cli/check.c).  EXIT_OK, or an error was told. */
int place_of_settings(const struct invocation *invocation, const char **ret_socket);
/* `socket` below `admin` in the text of a settings file that cannot be read as a whole; not
 * there when it names none. */
struct span place_scan_socket(struct span text);
/* The settings file: --config, ./aigw.yaml when it is there, or the installed one. */
struct span place_settings_file(const struct invocation *invocation);
/* The content of FILE ("-": standard input) up to 64 KiB without white space at its ends, or
 * ptr NULL with errno. */
struct span place_read_file(struct span file);

#endif
