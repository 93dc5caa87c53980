/* Session tickets (RFC 5077, RFC 8446 4.6.1): the session, sealed with a key that all workers
 * share.  name[16] nonce[12] sealed{made_ms[8] session} tag[16] */
#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "worker/tls/tls_keys.h"
#include "worker/tls/tls_mbedtls.h"

#define NAME_SIZE 16
#define TIME_SIZE 8
#define HEAD_SIZE (NAME_SIZE + GCM_NONCE_SIZE)
#define OVERHEAD  (HEAD_SIZE + TIME_SIZE + GCM_TAG_SIZE)

_Thread_local struct tls *tls_stepping;

int tls_ticket_write(void *who, const mbedtls_ssl_session *session, unsigned char *start,
                     const unsigned char *end, size_t *ret_len, uint32_t *ret_lifetime)
{
    const struct tls_settings *settings = who;
    struct tls_ticket_key keys[TLS_TICKET_KEYS];
    int64_t now_ms = clock_wall_ms();
    size_t room = (size_t)(end - start), len = 0;
    unsigned char *body = start + HEAD_SIZE;
    int result;

    if (room < OVERHEAD || !tls_keys_copy(settings->tickets, keys) || !tls_key_used(&keys[0]))
        return compat_no_ticket(session, start, room, ret_len, ret_lifetime);
    result = mbedtls_ssl_session_save(session, body + TIME_SIZE, room - OVERHEAD, &len);
    if (result == 0) {
        struct span plain = span_of((const char *)body, TIME_SIZE + len);

        memcpy(start, keys[0].name, NAME_SIZE);
        random_bytes(start + NAME_SIZE, GCM_NONCE_SIZE);
        memcpy(body, &now_ms, TIME_SIZE);
        gcm_seal(keys[0].key, start + NAME_SIZE, span_of((const char *)start, NAME_SIZE), plain,
                 body, body + plain.len);
        *ret_len = OVERHEAD + len;
        *ret_lifetime = TLS_TICKET_SECONDS;
    }
    memory_wipe(keys, sizeof(keys));
    return result;
}

/* Opens BODY_LEN sealed bytes in place. */
static bool open_body(const struct tls_settings *settings, unsigned char *ticket,
                      size_t body_len)
{
    struct tls_ticket_key keys[TLS_TICKET_KEYS];
    unsigned char *body = ticket + HEAD_SIZE;
    int at = tls_keys_copy(settings->tickets, keys) ? tls_key_find(keys, ticket) : -1;
    bool good =
        at >= 0 &&
        gcm_open(keys[at].key, ticket + NAME_SIZE, span_of((const char *)ticket, NAME_SIZE),
                 span_of((const char *)body, body_len), body + body_len, body);

    memory_wipe(keys, sizeof(keys));
    return good;
}

int tls_ticket_parse(void *who, mbedtls_ssl_session *session, unsigned char *ticket, size_t len)
{
    const struct tls_settings *settings = who;
    unsigned char *body = ticket + HEAD_SIZE;
    int64_t made_ms, age_ms;
    int result;

    if (len < OVERHEAD || !open_body(settings, ticket, len - HEAD_SIZE - GCM_TAG_SIZE))
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    memcpy(&made_ms, body, TIME_SIZE);
    age_ms = clock_wall_ms() - made_ms;
    if (age_ms < 0 || age_ms > TLS_TICKET_SECONDS * 1000)
        return MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
    result = mbedtls_ssl_session_load(session, body + TIME_SIZE, len - OVERHEAD);
    if (result == 0 && tls_stepping)
        tls_stepping->resumed = true;
    return result;
}
