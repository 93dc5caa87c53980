/* Sessions that a client may resume.  A resumed handshake costs a quarter of a full one. */
#include "shared/base/memory.h"

#include "worker/tls/tls_openssl.h"

#define SESSIONS_MAX 64

struct tls_session {
    char *server_name; /* NULL: free */
    SSL_SESSION *session;
    uint64_t used; /* when, in uses of the table */
};

struct tls_sessions {
    uint64_t uses;
    struct tls_session slots[SESSIONS_MAX];
};

static void forget(struct tls_session *slot)
{
    if (!slot->server_name)
        return;
    memory_free(slot->server_name);
    slot->server_name = NULL;
    SSL_SESSION_free(slot->session);
}

struct tls_sessions *tls_sessions_new(void)
{
    return MEMORY_NEW(struct tls_sessions);
}

void tls_sessions_free(struct tls_sessions *sessions)
{
    for (size_t i = 0; sessions && i < SESSIONS_MAX; i++)
        forget(&sessions->slots[i]);
    memory_free(sessions);
}

/* The slot of NAME, or the one that makes room for it (free or oldest). */
static struct tls_session *slot_of(struct tls_sessions *sessions, const char *name)
{
    struct tls_session *oldest = &sessions->slots[0];

    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct tls_session *slot = &sessions->slots[i];

        if (slot->server_name && strcmp(slot->server_name, name) == 0)
            return slot;
        if (!slot->server_name || (oldest->server_name && slot->used < oldest->used))
            oldest = slot;
    }
    return oldest;
}

void tls_sessions_offer(struct tls_sessions *sessions, struct tls *tls)
{
    struct tls_session *slot;
    SSL_SESSION *offered;

    if (!tls->server_name)
        return;
    slot = slot_of(sessions, tls->server_name);
    if (!slot->server_name || strcmp(slot->server_name, tls->server_name) != 0)
        return;
    slot->used = ++sessions->uses;
    /* A copy, since OpenSSL marks what it resumed as used up, and the next connection may come
     * before this one has got a new ticket.  A session that does not fit costs a full
     * handshake. */
    offered = SSL_SESSION_dup(slot->session);
    (void)SSL_set_session(tls->ssl, offered);
    SSL_SESSION_free(offered);
}

void tls_sessions_drop(struct tls_sessions *sessions, const struct tls *tls)
{
    struct tls_session *slot = tls->server_name ? slot_of(sessions, tls->server_name) : NULL;

    if (slot && slot->server_name && strcmp(slot->server_name, tls->server_name) == 0)
        forget(slot);
}

void tls_sessions_keep(struct tls_sessions *sessions, struct tls *tls)
{
    struct tls_session *slot;
    size_t size;

    if (!tls->server_name || !tls->fresh)
        return;
    slot = slot_of(sessions, tls->server_name);
    forget(slot);
    size = strlen(tls->server_name) + 1;
    slot->server_name = memory_new_raw(size);
    memcpy(slot->server_name, tls->server_name, size);
    slot->session = tls->fresh;
    slot->used = ++sessions->uses;
    tls->fresh = NULL;
}
