/* supervisor/events/event_log.h
 *
 * The last changes of the provider accounts, in memory, and which of them the store does not
 * have yet.  Any thread.  When the store is away for longer than there is room, the oldest go
 * and are counted.
 */
#ifndef SUPERVISOR_EVENTS_EVENT_LOG_H
#define SUPERVISOR_EVENTS_EVENT_LOG_H

#include "supervisor/events/watch.h"
#include "supervisor/store/store.h"

#define EVENT_LOG_ROOM   256
#define EVENT_HOST_BYTES 65

struct event_log;

/* One change as it is kept: of any host. The spans live until the function returns. */
struct event_row {
    int64_t at_ms, until_ms; /* wall; 0: nobody knows */
    struct span host, provider, from, to, cause;
    struct span why; /* a fault's name; ptr NULL: not known */
};

typedef void event_row_f(void *who, const struct event_row *row);

/* Each start of a controller is told apart by START. */
struct event_log *event_log_new(struct span host, uint64_t start);
void event_log_free(struct event_log *log);
void event_log_add(struct event_log *log, const struct watch_event *event);
/* How many the store does not have. */
unsigned event_log_waiting(struct event_log *log);
/* How many were lost since the start. */
uint64_t event_log_lost(struct event_log *log);

/* The following block on the store. Brings those that wait into it: 0, or a negative errno. */
int event_log_store(struct event_log *log, struct store *store);
/* The newest first, of PROVIDER (ptr NULL: of all), at most LIMIT. */
int event_log_each(struct event_log *log, struct store *store, struct span provider,
                   unsigned limit, event_row_f *function, void *who);
/* The same from memory alone: what this host saw since its start. */
void event_log_recent(struct event_log *log, struct span provider, unsigned limit,
                      event_row_f *function, void *who);
/* Removes what is older than BEFORE_MS, and the oldest beyond MOST rows; a step at a time. How
 * many went, or a negative errno. */
int64_t event_log_retain(struct store *store, int64_t before_ms, uint64_t most);

#endif
