/* The memory of answers: of the size that the plan says, kept as long as that is the same. */
#include "shared/cache/cache.h"

#include <unistd.h>

#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

bool cache_differs(const struct parent *parent, const struct plan *plan)
{
    const struct plan *now = &parent->kept.plan;

    return plan->cache_bytes != now->cache_bytes ||
           (plan->cache_bytes > 0 && plan->cache_entries != now->cache_entries);
}

static void tell_controller(struct parent *parent)
{
    struct control_message message = {.kind = CONTROL_CACHE};
    const struct child *controller = controller_of(parent);

    if (controller && controller->control_fd >= 0)
        (void)control_send(controller->control_fd, &message, parent->kept.cache_fd);
}

/* Workers that run keep the memory before until they have gone. Without memory the gateway
 * works all the same. */
void cache_adopt(struct parent *parent, const struct plan *plan)
{
    int fd;

    if (parent->kept.planned && !cache_differs(parent, plan))
        return;
    if (parent->kept.cache_fd >= 0)
        (void)close(parent->kept.cache_fd);
    parent->kept.cache_fd = -1;
    if (plan->cache_bytes > 0) {
        fd = cache_create(plan->cache_bytes, plan->cache_entries);
        if (fd < 0)
            log_event(LOG_ERROR, "no memory for the cache", LOG_ERRNO_FIELD(fd));
        parent->kept.cache_fd = fd < 0 ? -1 : fd;
    }
    tell_controller(parent);
}
