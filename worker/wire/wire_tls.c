/* TLS on a wire.  Handshake steps do public-key work for milliseconds, so they run on libuv's
 * thread pool; the engine belongs to that thread until the step is done. Meanwhile the loop
 * collects what the peer sends. Bulk bytes are sealed and opened on the loop. */
#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "worker/tls/tls.h"
#include "worker/wire/wire_inside.h"

/* A peer that sends more than this during one step waits. */
#define COLLECT_BYTES 65536
/* After this long without a byte an engine gives back what it does not need. */
#define IDLE_MS 2000
/* Plain bytes that are sealed before they are sent: four records. */
#define SEAL_BYTES (4 * REACTOR_PLAIN_BYTES)

struct wire_tls {
    struct tls *engine;
    struct wire *wire;
    uv_work_t work;
    struct reactor_task resume;
    struct deadline idle;
    struct buffer collected; /* came while a step ran */
    enum tls_result result;  /* of the step */
    bool stepping;
    bool busy; /* bytes went either way since `idle` was armed */
    bool cut;
};

/* ---- output ---------------------------------------------------------------------------- */

/* Puts what the engine wants to say on the socket.  As wire_write. */
static long flush(struct wire *wire)
{
    struct span output = tls_output(wire->tls->engine);
    long pending = wire->pending_bytes;

    if (output.len > 0)
        pending = wire_out_send(wire, &output, 1);
    tls_output_done(wire->tls->engine);
    return pending;
}

static void touch(struct wire *wire)
{
    struct wire_tls *tls = wire->tls;

    tls->busy = true;
    if (!deadline_armed(&tls->idle))
        reactor_arm(wire->reactor, &tls->idle, IDLE_MS);
}

static void idled(struct deadline *deadline)
{
    struct wire_tls *tls =
        (struct wire_tls *)(void *)((char *)deadline - offsetof(struct wire_tls, idle));

    if (tls->stepping || tls->busy) {
        tls->busy = false;
        reactor_arm(tls->wire->reactor, &tls->idle, IDLE_MS);
    } else {
        tls_shrink(tls->engine);
    }
}

/* Seals the COUNT bytes that were gathered. */
static bool seal(struct wire *wire, size_t *count)
{
    struct span gathered = span_of(wire->reactor->seal_buffer, *count);

    *count = 0;
    return gathered.len == 0 || tls_write(wire->tls->engine, gathered) == TLS_OK;
}

/* A large piece, a few records at a time, so that the engine never holds it twice. */
static bool seal_large(struct wire *wire, struct span piece)
{
    while (piece.len > 0) {
        struct span part = span_of(piece.ptr, piece.len < SEAL_BYTES ? piece.len : SEAL_BYTES);

        if (tls_write(wire->tls->engine, part) != TLS_OK || flush(wire) < 0)
            return false;
        piece = span_skip(piece, part.len);
    }
    return true;
}

/* Small pieces share a record: each record costs 30 bytes and a cipher set-up. */
static bool seal_pieces(struct wire *wire, const struct span *pieces, unsigned count)
{
    size_t gathered = 0;

    for (unsigned i = 0; i < count; i++) {
        struct span piece = pieces[i];

        if (piece.len > REACTOR_PLAIN_BYTES - gathered && !seal(wire, &gathered))
            return false;
        if (count == 1 || piece.len > REACTOR_PLAIN_BYTES) {
            if (!seal_large(wire, piece))
                return false;
        } else if (piece.len > 0) {
            memcpy(wire->reactor->seal_buffer + gathered, piece.ptr, piece.len);
            gathered += piece.len;
        }
    }
    return seal(wire, &gathered);
}

long wire_tls_write(struct wire *wire, const struct span *pieces, unsigned count)
{
    CHECK(wire->opened && !wire->tls->stepping);
    touch(wire);
    if (!seal_pieces(wire, pieces, count)) {
        wire->broken = 1;
        return WIRE_TLS_FAILED;
    }
    return flush(wire);
}

void wire_tls_close_notify(struct wire *wire)
{
    if (wire->broken || wire->finished || wire->tls->stepping)
        return;
    tls_close_notify(wire->tls->engine);
    (void)flush(wire);
}

/* ---- input ----------------------------------------------------------------------------- */

static void fail(struct wire *wire)
{
    (void)flush(wire); /* the alert */
    wire_fail(wire, WIRE_TLS_FAILED);
}

/* Gives plain bytes to the owner while it wants them. */
static void open_records(struct wire *wire)
{
    enum tls_result result = TLS_OK;

    while (result == TLS_OK && wire->reading && !wire->closing && !wire->broken &&
           !wire->ended) {
        size_t count = 0;

        result = tls_read(wire->tls->engine, wire->reactor->plain_buffer, REACTOR_PLAIN_BYTES,
                          &count);
        if (result == TLS_OK)
            wire->events->received(wire, span_of(wire->reactor->plain_buffer, count));
    }
    if (wire->closing || wire->broken)
        return;
    if (tls_output(wire->tls->engine).len > 0 && result != TLS_FAILED)
        (void)flush(wire); /* a key update, say */
    if (result == TLS_CLOSED)
        wire_end(wire);
    else if (result == TLS_FAILED)
        fail(wire);
}

static void resumed(struct reactor_task *task)
{
    struct wire_tls *tls =
        (struct wire_tls *)(void *)((char *)task - offsetof(struct wire_tls, resume));

    open_records(tls->wire);
}

void wire_tls_resume(struct wire *wire)
{
    if (wire->opened && tls_has_input(wire->tls->engine))
        reactor_soon(wire->reactor, &wire->tls->resume);
}

/* ---- handshake ------------------------------------------------------------------------- */

static void step_start(struct wire *wire);

static void step_run(uv_work_t *work)
{
    struct wire_tls *tls = work->data;

    tls->result = tls_handshake(tls->engine);
}

static void handshake_done(struct wire *wire)
{
    wire->opened = 1;
    touch(wire);
    if (wire->finished) {
        wire->finished = 0;
        wire_shutdown(wire);
    }
    wire_watch(wire);
    wire->events->opened(wire);
    /* What came with the last step of the handshake. */
    if (wire->reading && !wire->closing && tls_has_input(wire->tls->engine))
        reactor_soon(wire->reactor, &wire->tls->resume);
}

static void step_done(uv_work_t *work, int status)
{
    struct wire_tls *tls = work->data;
    struct wire *wire = tls->wire;
    bool more = tls->collected.len > 0;

    tls->stepping = false;
    if (wire->closing || wire->broken) {
        wire_gone(wire);
        return;
    }
    CHECK(status == 0);
    if (more)
        tls_push(tls->engine, buffer_span(&tls->collected));
    buffer_done(&tls->collected);
    if (tls->result == TLS_FAILED || tls->result == TLS_CLOSED) {
        fail(wire);
        return;
    }
    if (flush(wire) < 0) {
        wire->broken = 0; /* set by the write; here nobody has told the owner yet */
        wire_fail(wire, -ECONNRESET);
        return;
    }
    if (tls->result == TLS_OK) {
        handshake_done(wire);
        return;
    }
    wire_watch(wire);
    if (more)
        step_start(wire);
}

static void step_start(struct wire *wire)
{
    struct wire_tls *tls = wire->tls;

    CHECK(!tls->stepping);
    tls->stepping = true;
    tls->work.data = tls;
    CHECK(uv_queue_work(&wire->reactor->loop, &tls->work, step_run, step_done) == 0);
}

bool wire_tls_wants(const struct wire *wire)
{
    return !wire->tls->stepping || wire->tls->collected.len < COLLECT_BYTES;
}

void wire_tls_start(struct wire *wire)
{
    wire_watch(wire);
    step_start(wire);
}

void wire_tls_arrived(struct wire *wire, struct span cipher)
{
    struct wire_tls *tls = wire->tls;

    if (tls->stepping) {
        CHECK(buffer_append(&tls->collected, cipher));
        return;
    }
    tls_push(tls->engine, cipher);
    if (wire->opened) {
        touch(wire);
        open_records(wire);
    } else {
        step_start(wire);
    }
}

void wire_tls_cut(struct wire *wire)
{
    if (wire->ended)
        return;
    wire->tls->cut = true;
    wire_fail(wire, WIRE_TLS_FAILED);
}

/* ---- life ------------------------------------------------------------------------------ */

void wire_tls_init(struct wire *wire, struct tls_settings *settings, struct span server_name)
{
    struct wire_tls *tls = MEMORY_NEW(struct wire_tls);

    tls->wire = wire;
    tls->engine = tls_new(settings, server_name);
    tls->resume.run = resumed;
    tls->idle.passed = idled;
    buffer_init(&tls->collected, COLLECT_BYTES + REACTOR_READ_BYTES);
    wire->tls = tls;
}

void wire_tls_drop(struct wire *wire)
{
    reactor_forget(&wire->tls->resume);
    reactor_disarm(wire->reactor, &wire->tls->idle);
    /* A step that waits for a thread need not run any more; one that runs cannot be stopped. */
    if (wire->tls->stepping)
        (void)uv_cancel((uv_req_t *)&wire->tls->work);
}

bool wire_tls_free(struct wire *wire)
{
    struct wire_tls *tls = wire->tls;

    if (!tls)
        return true;
    if (tls->stepping)
        return false;
    tls_free(tls->engine);
    buffer_done(&tls->collected);
    memory_free(tls);
    wire->tls = NULL;
    return true;
}

struct span wire_peer_certificate(const struct wire *wire)
{
    if (!wire->tls || !wire->opened)
        return SPAN_NONE;
    return tls_peer_subject(wire->tls->engine);
}

struct span wire_error_text(const struct wire *wire, int error)
{
    if (error != WIRE_TLS_FAILED)
        return span_of_text(log_error_text(error));
    if (!wire->tls || wire->tls->stepping)
        return SPAN("TLS failed");
    if (wire->tls->cut)
        return SPAN("the peer cut the connection without a TLS close");
    return span_of_text(tls_error(wire->tls->engine));
}

bool wire_resumed(const struct wire *wire)
{
    return wire->tls && wire->opened && tls_resumed(wire->tls->engine);
}
