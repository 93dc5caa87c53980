/* cli/command.h
 *
 * aigwctl: one row of commands.def is one command.  The words of a command line become a struct
 * invocation; its command's function does the work and returns the exit code.  stdout is data
 * only, stderr is messages.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_NO_ACCESS = 4,
    EXIT_CONFLICT = 5,
    EXIT_UNREACHABLE = 7,
    EXIT_TIMEOUT = 8,
};

enum option {
#define OPTION(id, name, letter, value, help) OPTION_##id,
#include "cli/options.def"
#undef OPTION
    OPTION_COUNT
};

#define OPT(id) (UINT64_C(1) << OPTION_##id)
#define OPTIONS_GLOBAL                                                                       \
    (OPT(CONFIG) | OPT(SERVER) | OPT(TOKEN_FILE) | OPT(OUTPUT) | OPT(QUIET) | OPT(TIMEOUT) | \
     OPT(HELP))

struct option_row {
    const char *name;
    char letter;
    const char *value; /* NULL: a flag */
    const char *help;
};

extern const struct option_row option_rows[OPTION_COUNT];

#define ARGUMENTS_MAX 4

struct invocation;
typedef int run_command_f(struct invocation *invocation);

struct command {
    const char *noun, *verb; /* verb "": the noun alone; "a b": two words */
    const char *arguments;
    int fewest, most;
    uint64_t options; /* besides the global ones */
    run_command_f *run;
    const char *help;
};

extern const struct command commands[];
extern const unsigned command_count;

struct invocation {
    const struct command *command;
    struct span options[OPTION_COUNT]; /* ptr NULL: not given; flags: empty */
    struct span arguments[ARGUMENTS_MAX];
    int argument_count;
    bool json, quiet;
    uint64_t timeout_ms;
    struct span help_noun; /* for help */
};

/* A copy of S with a NUL behind it, until the program ends. */
struct span keep_text(struct span s);

/* Reads the words.  EXIT_OK, or EXIT_USAGE with one sentence in *reterr.  Values of secret
 * options are copied and wiped from ARGV, so that no process list shows them for long. */
int command_read(int argc, char **argv, struct invocation *ret, struct buffer *reterr);

#define COMMAND(noun, verb, arguments, fewest, most, options, function, help) \
    run_command_f function;
#include "cli/commands.def"
#undef COMMAND

#endif
