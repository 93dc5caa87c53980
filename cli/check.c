/* aigwctl config check, and the one setting that the tool itself needs. */
#include "cli/link.h"
#include "cli/place.h"

int place_of_settings(const struct invocation *invocation, const char **ret_socket)
{
    (void)invocation;
    *ret_socket = "state/admin.sock";
    return EXIT_OK;
}

int config_check(struct invocation *invocation)
{
    return tell_error(invocation, EXIT_FAILED, SPAN("not yet"));
}
