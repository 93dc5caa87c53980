/* worker/accept/listener.h
 *
 * Takes connections from the listening sockets that the parent owns and all workers share.
 * Libuv's own accept loop empties the queue, so that whoever wakes first gets everything; this
 * one accepts politely: a worker takes a connection only while its count of connections is at
 * most one (and an eighth) above the lowest count of all live workers; else it looks again a
 * millisecond later. A worker that has waited LISTENER_PATIENCE times takes one all the same,
 * so that a worker that died or hangs with a low count holds nobody up.
 *
 * The counts live in memory that the workers share; how the others are found is a function of
 * the owner's. The own count is raised before accept4 and belongs to the connection from then
 * on: its owner calls listener_left when it is closed.
 *
 * Without descriptors (EMFILE, ENFILE), or when fewer than LISTENER_RESERVE are left for the
 * rest of the worker, it pauses for LISTENER_PAUSE_MS; the queue in the kernel waits.
 *
 * Lifetime: embedded in the worker. The descriptors stay the caller's and must stay open until
 * `closed` was called.
 */
#ifndef WORKER_ACCEPT_LISTENER_H
#define WORKER_ACCEPT_LISTENER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "worker/wire/reactor.h"

#define LISTENER_SOCKETS_MAX 16
#define LISTENER_PER_TURN    8 /* connections taken in one turn of the loop, from each socket */
#define LISTENER_LEAD        1 /* how far above the lowest count a worker may be and still take, */
#define LISTENER_LEAD_PART   8 /* and this part of the lowest count */
#define LISTENER_STEP_MS     1
#define LISTENER_PATIENCE    10 /* steps */
#define LISTENER_PAUSE_MS    100
#define LISTENER_RESERVE     64 /* descriptors */

struct listener;

struct listener_owner {
    /* A connection; FD is non-blocking and close-on-exec, and now the owner's. WHICH: index of
     * the listening socket. */
    void (*accepted)(struct listener *listener, int fd, unsigned which);
    /* The lowest connection count of all live workers, this one included. */
    uint32_t (*lowest)(struct listener *listener);
    void (*closed)(struct listener *listener);
    _Atomic uint32_t
        *connections; /* of this worker, in shared memory; it writes, others read */
};

struct listener_socket {
    uv_poll_t poll;
    struct listener *listener;
    int fd;
};

struct listener {
    struct listener_owner owner;
    struct reactor *reactor;
    uv_timer_t again; /* after a step back or a pause */
    unsigned count;
    unsigned handles;        /* not closed yet */
    unsigned steps;          /* back, since the last connection taken */
    uint64_t accepted_total; /* for metrics */
    uint64_t steps_total;    /* back */
    uint64_t pauses_total;   /* for want of descriptors */
    bool scarce;             /* the last descriptor was one of the reserve */
    bool stepping;           /* back; not a pause */
    bool stopped;
    struct listener_socket sockets[LISTENER_SOCKETS_MAX];
};

/* Begins to accept from COUNT listening sockets.  0 or a negative errno (then nothing is open).
 */
int listener_open(struct listener *listener, struct reactor *reactor,
                  const struct listener_owner *owner, const int *fds, unsigned count);
/* A connection that was accepted has been closed. */
void listener_left(struct listener *listener);
/* Takes no more: the worker drains.  Other workers go on with the same sockets. `closed`
 * follows. May be called again. */
void listener_close(struct listener *listener);

#endif
