/* Writing.  What the kernel does not take at once is copied into a block that libuv writes when
 * it can; what comes meanwhile gathers in a second block that follows it.  So there are never
 * more than two blocks, and many small writes to a slow peer become few large ones.  What is
 * written for later is such a first block, too: one that libuv gets only when the turn has
 * ended and the kernel has not taken it. */
#include <errno.h>
#include <sys/socket.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/wire/wire_inside.h"

#define PIECES_AT_ONCE    16
#define GATHER_FIRST_SIZE 4096
#define SPARE_SIZE        (REACTOR_SPARE_BYTES - sizeof(struct wire_out))

struct wire_out {
    uv_write_t request;
    struct wire *wire;
    struct reactor_task
        late;              /* queued: it waits for the end of the turn and is not with libuv */
    struct wire_out *next; /* gathers while this one is out */
    uint32_t len;
    uint32_t size;
    char bytes[];
};

/* ---- pieces ---------------------------------------------------------------------------- */

/* Bytes not sent yet: the rest of the first piece, and the pieces after it. */
struct rest {
    const struct span *pieces;
    unsigned count;
    size_t skip; /* of the first piece */
};

static void rest_skip(struct rest *rest, size_t count)
{
    while (rest->count > 0 && count >= rest->pieces->len - rest->skip) {
        count -= rest->pieces->len - rest->skip;
        rest->skip = 0;
        rest->pieces++;
        rest->count--;
    }
    rest->skip += count;
}

static size_t rest_size(const struct rest *rest)
{
    size_t size = 0;

    for (unsigned i = 0; i < rest->count; i++)
        CHECK(!__builtin_add_overflow(size, rest->pieces[i].len, &size));
    return size - rest->skip;
}

/* One write of up to PIECES_AT_ONCE pieces; *ret_wanted is their size. */
static int try_write(struct wire *wire, const struct rest *rest, size_t *ret_wanted)
{
    uv_buf_t buffers[PIECES_AT_ONCE] __attribute__((uninitialized));
    unsigned count = rest->count < PIECES_AT_ONCE ? rest->count : PIECES_AT_ONCE;
    size_t wanted = 0;

    for (unsigned i = 0; i < count; i++) {
        size_t skip = i == 0 ? rest->skip : 0;

        /* libuv's type has no const, but a write changes nothing. */
        buffers[i].base = (char *)(uintptr_t)rest->pieces[i].ptr + skip;
        buffers[i].len = rest->pieces[i].len - skip;
        wanted += buffers[i].len;
    }
    *ret_wanted = wanted;
    return uv_try_write(&wire->uv.stream, buffers, count);
}

/* 0 or a negative errno; *rest is what the kernel did not take. */
static int send_now(struct wire *wire, struct rest *rest)
{
    while (rest->count > 0) {
        size_t wanted;
        int taken = try_write(wire, rest, &wanted);

        if (taken == UV_EAGAIN)
            return 0;
        if (taken < 0)
            return taken;
        rest_skip(rest, (size_t)taken);
        if ((size_t)taken < wanted)
            return 0;
    }
    return 0;
}

/* ---- pending ---------------------------------------------------------------------------- */

/* Of SIZE bytes, or of a few more when those are at hand. */
static struct wire_out *block_new(struct wire *wire, size_t size)
{
    struct wire_out *block;

    if (size <= SPARE_SIZE) {
        block = reactor_take_spare(wire->reactor);
        size = SPARE_SIZE;
    } else {
        block = memory_new_raw(sizeof(*block) + size);
    }

    block->wire = wire;
    block->late = (struct reactor_task){0};
    block->next = NULL;
    block->len = 0;
    block->size = (uint32_t)size;
    return block;
}

static void block_free(struct wire_out *block)
{
    if (block->size == SPARE_SIZE)
        reactor_give_spare(block->wire->reactor, block);
    else
        memory_free(block);
}

static void block_append(struct wire_out *block, const struct rest *rest)
{
    for (unsigned i = 0; i < rest->count; i++) {
        size_t skip = i == 0 ? rest->skip : 0;
        size_t count = rest->pieces[i].len - skip;

        if (count == 0)
            continue;
        CHECK(count <= block->size - block->len);
        memcpy(block->bytes + block->len, rest->pieces[i].ptr + skip, count);
        block->len += (uint32_t)count;
    }
}

static void written(uv_write_t *request, int status);

static int block_submit(struct wire_out *block)
{
    const uv_buf_t bytes = {.base = block->bytes, .len = block->len};

    return uv_write(&block->request, &block->wire->uv.stream, &bytes, 1, written);
}

/* The block that follows the one with libuv, with room for SIZE more bytes. */
static struct wire_out *gathering(struct wire *wire, size_t size)
{
    struct wire_out *block = wire->out->next;
    size_t needed = size + (block ? block->len : 0);
    size_t larger = block ? (size_t)block->size * 2 : GATHER_FIRST_SIZE;

    if (!block)
        block = block_new(wire, needed > larger ? needed : larger);
    if (needed > block->size) {
        block->size = (uint32_t)(needed > larger ? needed : larger);
        block = memory_resize(block, sizeof(*block) + block->size);
    }
    wire->out->next = block;
    return block;
}

static int keep(struct wire *wire, const struct rest *rest)
{
    size_t size = rest_size(rest);
    int error;

    if (size == 0)
        return 0;
    if (size > WIRE_PENDING_MAX_BYTES - wire->pending_bytes)
        return -ENOBUFS;
    if (wire->out) {
        block_append(gathering(wire, size), rest);
    } else {
        struct wire_out *block = block_new(wire, size);

        block_append(block, rest);
        error = block_submit(block);
        if (error < 0) {
            block_free(block);
            return error;
        }
        wire->out = block;
    }
    wire->pending_bytes += (uint32_t)size;
    return 0;
}

static void sent_all(struct wire *wire)
{
    if (wire->finished)
        wire_out_finish(wire);
    if (wire->linger)
        wire_linger_drained(wire);
    else if (wire->opened)
        wire->events->drained(wire);
}

/* libuv is through with the first block. */
static void written(uv_write_t *request, int status)
{
    struct wire_out *block =
        (struct wire_out *)(void *)((char *)request - offsetof(struct wire_out, request));
    struct wire *wire = block->wire;

    CHECK(wire->out == block);
    wire->out = block->next;
    wire->pending_bytes -= block->len;
    block_free(block);
    if (uv_is_closing(&wire->uv.handle))
        return;
    if (status == 0 && wire->out) {
        wire->out->next = NULL;
        status = block_submit(wire->out);
        if (status == 0)
            return;
    }
    if (status == 0) {
        sent_all(wire);
        return;
    }
    /* Not with libuv: nothing else frees it. */
    if (wire->out)
        block_free(wire->out);
    wire->out = NULL;
    wire->pending_bytes = 0;
    wire_fail(wire, status);
}

/* ---- what waits for the end of the turn ------------------------------------------------- */

/* The part of BLOCK that the kernel takes now leaves it. */
static int block_send(struct wire_out *block)
{
    struct span bytes = span_of(block->bytes, block->len);
    struct rest rest = {.pieces = &bytes, .count = 1};
    int error = send_now(block->wire, &rest);
    uint32_t sent = block->len - (uint32_t)rest_size(&rest);

    block->len -= sent;
    block->wire->pending_bytes -= sent;
    if (sent > 0 && block->len > 0)
        memmove(block->bytes, block->bytes + sent, block->len);
    return error;
}

static void turn_ended(struct reactor_task *task)
{
    struct wire_out *block =
        (struct wire_out *)(void *)((char *)task - offsetof(struct wire_out, late));
    struct wire *wire = block->wire;
    int error = block_send(block);

    if (error == 0 && block->len > 0) {
        error = block_submit(block);
        if (error == 0) {
            if (wire->events->waits && !wire->closing)
                wire->events->waits(wire);
            return;
        }
    }
    written(&block->request, error);
}

static bool held(const struct wire *wire)
{
    return wire->out && wire->out->late.next;
}

static void hold(struct wire *wire, const struct rest *rest, size_t size)
{
    struct wire_out *block = block_new(wire, size);

    block_append(block, rest);
    block->late.run = turn_ended;
    wire->out = block;
    wire->pending_bytes += block->len;
    reactor_late(wire->reactor, &block->late);
}

void wire_out_hurry(struct wire *wire)
{
    if (held(wire))
        (void)block_send(wire->out);
}

static void block_drop(struct wire *wire, struct wire_out **at)
{
    struct wire_out *block = *at;

    if (!block)
        return;
    wire->pending_bytes -= block->len;
    *at = block->next;
    block_free(block);
}

void wire_out_drop(struct wire *wire)
{
    if (!wire->out)
        return;
    block_drop(wire, &wire->out->next);
    if (!held(wire))
        return;
    reactor_forget(&wire->out->late);
    block_drop(wire, &wire->out);
}

/* ---- the door ---------------------------------------------------------------------------- */

long wire_out_send(struct wire *wire, const struct span *pieces, unsigned count)
{
    struct rest rest = {.pieces = pieces, .count = count};
    int error = 0;

    if (!wire->out && !wire->connect)
        error = send_now(wire, &rest);
    if (error == 0)
        error = keep(wire, &rest);
    if (error < 0)
        wire->broken = 1;
    return error < 0 ? error : (long)wire->pending_bytes;
}

long wire_write(struct wire *wire, const struct span *pieces, unsigned count)
{
    CHECK(pieces || count == 0);
    if (wire->broken || wire->finished || wire->closing)
        return -EPIPE;
    return wire->tls ? wire_tls_write(wire, pieces, count) : wire_out_send(wire, pieces, count);
}

long wire_write_later(struct wire *wire, const struct span *pieces, unsigned count)
{
    struct rest rest = {.pieces = pieces, .count = count};
    size_t size = rest_size(&rest);

    if (wire->broken || wire->finished || wire->closing)
        return -EPIPE;
    if (wire->tls || wire->connect || wire->out || size == 0 || size > WIRE_LATER_MAX_BYTES)
        return wire_write(wire, pieces, count);
    hold(wire, &rest, size);
    return 0;
}

void wire_out_finish(struct wire *wire)
{
    if (!wire->out && !wire->connect)
        (void)shutdown(wire_fd(wire), SHUT_WR);
}

void wire_shutdown(struct wire *wire)
{
    if (wire->finished || wire->broken || wire->closing)
        return;
    if (wire->tls && wire->opened)
        wire_tls_close_notify(wire);
    wire->finished = 1;
    wire_out_finish(wire);
}
