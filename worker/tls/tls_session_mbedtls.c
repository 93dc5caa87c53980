/* Sessions that a client may resume.  One full handshake costs milliseconds, a resumed one a
 * twentieth. */
#include "shared/base/memory.h"

#include "worker/tls/tls_mbedtls.h"

#define SESSIONS_MAX 64

struct tls_session {
    char *server_name; /* NULL: free */
    mbedtls_ssl_session session;
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
    mbedtls_ssl_session_free(&slot->session);
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

/* The slot that holds a session of TLS's server, or NULL. */
static struct tls_session *session_of(struct tls_sessions *sessions, const struct tls *tls)
{
    struct tls_session *slot = tls->server_name ? slot_of(sessions, tls->server_name) : NULL;

    return slot && slot->server_name && strcmp(slot->server_name, tls->server_name) == 0 ? slot
                                                                                         : NULL;
}

void tls_sessions_offer(struct tls_sessions *sessions, struct tls *tls)
{
    struct tls_session *slot = session_of(sessions, tls);

    if (!slot)
        return;
    slot->used = ++sessions->uses;
    /* A session that does not fit costs a full handshake, no more. */
    (void)mbedtls_ssl_set_session(&tls->ssl, &slot->session);
}

/* A full handshake in which a ticket was offered and none came leaves the old ticket in the new
 * session (2.28.3): a server that still knows it would go on with other secrets than we. */
static bool same_ticket(const mbedtls_ssl_session *a, const mbedtls_ssl_session *b)
{
    size_t len = a->MBEDTLS_PRIVATE(ticket_len);

    return len > 0 && len == b->MBEDTLS_PRIVATE(ticket_len) &&
           memcmp(a->MBEDTLS_PRIVATE(ticket), b->MBEDTLS_PRIVATE(ticket), len) == 0;
}

void tls_sessions_drop(struct tls_sessions *sessions, const struct tls *tls)
{
    struct tls_session *slot = session_of(sessions, tls);

    if (slot)
        forget(slot);
}

void tls_sessions_keep(struct tls_sessions *sessions, struct tls *tls)
{
    mbedtls_ssl_session session;
    struct tls_session *slot = session_of(sessions, tls);
    bool good;

    if (!tls->server_name)
        return;
    mbedtls_ssl_session_init(&session);
    good = mbedtls_ssl_get_session(&tls->ssl, &session) == 0 &&
           (tls->resumed || !slot || !same_ticket(&slot->session, &session));
    if (!slot)
        slot = slot_of(sessions, tls->server_name);
    forget(slot);
    if (!good) {
        mbedtls_ssl_session_free(&session);
        return;
    }
    slot->session = session;
    slot->server_name = memory_new(strlen(tls->server_name) + 1);
    memcpy(slot->server_name, tls->server_name, strlen(tls->server_name));
    slot->used = ++sessions->uses;
}
