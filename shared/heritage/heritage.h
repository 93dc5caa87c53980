/* shared/heritage/heritage.h
 *
 * All that a process inherits from the parent: a struct in a memfd whose number stands in argv
 * (`aigw --role worker
 * --heritage 5`).  Every descriptor that is not named here is closed on exec.  And the messages
 * on the control socket (SOCK_SEQPACKET) between the parent and each child.
 */
#ifndef SHARED_HERITAGE_HERITAGE_H
#define SHARED_HERITAGE_HERITAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define HERITAGE_MAGIC      0x6169677768657274ULL
#define HERITAGE_VERSION    3
#define HERITAGE_LISTENERS  16
#define HERITAGE_PATH_BYTES 512
#define CONTROL_REPLACED    UINT32_MAX
#define HERITAGE_ADMIN_MAX  2 /* TCP and Unix socket */

enum role {
    ROLE_PARENT,
    ROLE_CONTROLLER,
    ROLE_WORKER
};

struct heritage {
    uint64_t magic;
    uint32_t version, size;
    uint32_t role;
    uint32_t slot;   /* workers: index in the segment */
    uint32_t number; /* workers: 0.. */
    uint32_t parent_pid;
    uint32_t
        strict; /* workers: of a crew that has not served yet; start with all or not at all */
    int32_t control_fd; /* SOCK_SEQPACKET to the parent; EOF = the parent died */
    int32_t segment_fd;
    int32_t snapshot_fd; /* the newest one, or -1 */
    int32_t cache_fd;    /* or -1: there is none */
    int32_t listener_count;
    int32_t listeners[HERITAGE_LISTENERS];   /* workers */
    char settings_path[HERITAGE_PATH_BYTES]; /* absolute */
};

enum control_kind {
    CONTROL_READY, /* child -> parent: it serves */
    CONTROL_PLAN, /* controller -> parent: plan below; descriptor: the snapshot; answers nothing
                   */
    CONTROL_SNAPSHOT, /* parent -> worker: a newer one; descriptor */
    CONTROL_IN_FORCE, /* parent -> controller: snapshot `generation` was sent to every worker
                         and is demanded by the segment */
    CONTROL_RELOAD,   /* parent -> controller (SIGHUP) */
    CONTROL_REFUSED,  /* controller -> parent: the settings are wrong, nothing changed */
    CONTROL_DRAIN, /* parent -> worker: finish within `value` ms; parent -> controller: end when
                      the ledger is flushed */
    CONTROL_HURRY, /* parent -> worker: finish within `value` ms, cut the rest */
    CONTROL_ADMIN, /* parent -> controller: one admin listening socket, `value` = 0 TCP, 1 Unix;
                      descriptor */
    CONTROL_CACHE, /* parent -> controller: the cache's memory, or no descriptor: there is none
                    */
    CONTROL_DEAD,  /* parent -> controller: slot `value` is DEAD, sweep it */
    CONTROL_EVENT, /* parent -> controller: upgrade failed and the like, for status (text in
                      plan.note); `generation` not 0: that PLAN was not taken */
};

struct plan_listener {
    struct sockaddr_storage address;
    uint32_t address_len;
    char name[108]; /* as in the settings, for messages */
};

/* What the parent must know of the settings; it reads no file itself. */
struct plan {
    uint32_t workers;
    uint32_t listener_count, admin_count;
    uint32_t needs_new_workers; /* a setting changed that a running worker cannot take over */
    uint32_t drain_delay_ms, drain_ms, watchdog_ms;
    uint32_t cache_entries;
    uint64_t cache_bytes; /* 0: no cache */
    struct plan_listener listeners[HERITAGE_LISTENERS];
    struct plan_listener admin[HERITAGE_ADMIN_MAX];
    char note[128];
};

struct control_message {
    uint32_t kind;
    uint32_t
        delay_ms; /* DRAIN of workers at a stop: accept so long with readiness off; or
                     CONTROL_REPLACED: at once and still ready, a newer crew has taken over */
    uint64_t generation;
    uint64_t value;
    struct plan plan; /* PLAN and EVENT only; else not sent (short message) */
};

/* Sends MESSAGE with FD (or -1).  0 or a negative errno (EAGAIN: the peer does not read). */
int control_send(int socket, const struct control_message *message, int fd);
/* Receives one without waiting.  1: got one (*ret_fd is a descriptor or -1), 0: nothing there,
 * negative errno; -EPIPE: the peer is gone. */
int control_receive(int socket, struct control_message *ret, int *ret_fd);

/* Writes HERITAGE into a memfd that survives exec; the descriptor or a negative errno. */
int heritage_write(const struct heritage *heritage);
/* Reads and closes FD.  0, or -EPROTO when it is not one of ours. */
int heritage_read(int fd, struct heritage *ret);

#endif
