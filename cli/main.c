/* aigwctl: the operator's tool. */
#include <signal.h>

#include "shared/base/log.h"

#include "cli/link.h"

int main(int argc, char **argv)
{
    struct invocation invocation;
    struct buffer error;
    int code;

    (void)signal(SIGPIPE, SIG_IGN);
    log_open("aigwctl", LOG_WARNING, LOG_AUTO);
    buffer_init(&error, 4096);
    code = command_read(argc, argv, &invocation, &error);
    if (code == EXIT_OK)
        code = invocation.command->run(&invocation);
    else
        (void)tell_error(&invocation, EXIT_USAGE, buffer_span(&error));
    buffer_done(&error);
    return code;
}
