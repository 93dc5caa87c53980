/* The polite end of a connection whose peer may still be sending.  Closing a socket with unread
 * bytes makes the kernel send RST, and a peer that gets RST may throw away the answer that it
 * has not read yet (RFC 9112 9.6).  So: FIN, then read and drop for a while. */
#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/wire/wire_inside.h"

struct wire_linger {
    struct deadline patience;
    struct wire *wire;
    size_t dropped_bytes;
};

static void patience_ended(struct deadline *deadline)
{
    struct wire_linger *linger =
        (struct wire_linger *)(void *)((char *)deadline -
                                       offsetof(struct wire_linger, patience));

    wire_close_now(linger->wire);
}

void wire_close_lingering(struct wire *wire)
{
    struct wire_linger *linger;

    if (wire->closing)
        return;
    wire_shutdown(wire);
    if (wire->broken || !wire->opened || (wire->ended && !wire->out)) {
        wire_close_now(wire);
        return;
    }
    linger = MEMORY_NEW(struct wire_linger);
    linger->wire = wire;
    linger->patience.passed = patience_ended;
    wire->linger = linger;
    wire->closing = 1;
    reactor_arm(wire->reactor, &linger->patience, wire->out ? WIRE_FLUSH_MS : WIRE_LINGER_MS);
    if (!wire->ended)
        wire_watch(wire);
}

void wire_linger_arrived(struct wire *wire, size_t count)
{
    /* A peer may read our answer only after it has sent all of its request: until ours is out,
     * time alone bounds it. */
    if (wire->out)
        return;
    wire->linger->dropped_bytes += count;
    if (wire->linger->dropped_bytes > WIRE_LINGER_BYTES)
        wire_close_now(wire);
}

void wire_linger_drained(struct wire *wire)
{
    if (wire->ended)
        wire_close_now(wire);
    else
        reactor_arm(wire->reactor, &wire->linger->patience, WIRE_LINGER_MS);
}

void wire_linger_ended(struct wire *wire)
{
    wire->ended = 1;
    if (!wire->out)
        wire_close_now(wire);
}

void wire_linger_drop(struct wire *wire)
{
    if (!wire->linger)
        return;
    reactor_disarm(wire->reactor, &wire->linger->patience);
    memory_free(wire->linger);
    wire->linger = NULL;
}
