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

void tls_sessions_offer(struct tls_sessions *sessions, struct tls *tls)
{
    struct tls_session *slot;

    if (!tls->server_name)
        return;
    slot = slot_of(sessions, tls->server_name);
    if (!slot->server_name || strcmp(slot->server_name, tls->server_name) != 0)
        return;
    slot->used = ++sessions->uses;
    /* A session that does not fit costs a full handshake, no more. */
    (void)mbedtls_ssl_set_session(&tls->ssl, &slot->session);
}

void tls_sessions_keep(struct tls_sessions *sessions, struct tls *tls)
{
    struct tls_session *slot;
    size_t size;

    if (!tls->server_name)
        return;
    slot = slot_of(sessions, tls->server_name);
    forget(slot);
    mbedtls_ssl_session_init(&slot->session);
    if (mbedtls_ssl_get_session(&tls->ssl, &slot->session) != 0) {
        mbedtls_ssl_session_free(&slot->session);
        return;
    }
    size = strlen(tls->server_name) + 1;
    slot->server_name = memory_new_raw(size);
    memcpy(slot->server_name, tls->server_name, size);
    slot->used = ++sessions->uses;
}
