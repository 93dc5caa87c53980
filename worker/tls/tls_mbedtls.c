#include "worker/tls/tls_mbedtls.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/tls/tls_keys.h"

#define ERROR_SIZE   256
#define SUBJECT_SIZE 256
/* Cipher bytes that wait in an engine: one read and what a stopped reader left; what one write
 * makes.  The wire keeps to both. */
#define INPUT_MAX  (1U << 20)
#define OUTPUT_MAX (1U << 20)

/* ---- the library's view of the socket -------------------------------------------------- */

static int take_output(void *who, const unsigned char *bytes, size_t count)
{
    struct tls *tls = who;

    CHECK(buffer_append(&tls->output, span_of((const char *)bytes, count)));
    return (int)count;
}

static int give_input(void *who, unsigned char *room, size_t size)
{
    struct tls *tls = who;
    size_t count = tls->input.len - tls->input_at;

    if (count > size)
        count = size;
    if (count == 0)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(room, tls->input.ptr + tls->input_at, count);
    tls->input_at += count;
    if (tls->input_at == tls->input.len) {
        buffer_done(&tls->input);
        tls->input_at = 0;
    }
    return (int)count;
}

/* ---- errors ---------------------------------------------------------------------------- */

static enum tls_result failed(struct tls *tls, int result)
{
    uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);

    if (tls->error)
        return TLS_FAILED;
    tls->error = memory_new(ERROR_SIZE);
    if (tls->certified && flags != 0 && flags != UINT32_MAX) {
        int len = mbedtls_x509_crt_verify_info(tls->error, ERROR_SIZE, "", flags);

        for (int i = 0; i < len; i++)
            if (tls->error[i] == '\n')
                tls->error[i] = i + 1 < len ? ';' : '\0';
    } else {
        mbedtls_strerror(result, tls->error, ERROR_SIZE);
    }
    return TLS_FAILED;
}

const char *tls_error(const struct tls *tls)
{
    return tls->error ? tls->error : "";
}

/* ---- life ------------------------------------------------------------------------------ */

/* Called for each certificate of the peer's chain, its own last. */
static int certificate_seen(void *who, mbedtls_x509_crt *certificate, int depth,
                            uint32_t *flags)
{
    struct tls *tls = who;
    uint8_t address[16];
    size_t size = tls->server_name ? tls_name_address(tls->server_name, address) : 0;

    tls->certified = true;
    /* The library was told no name then: names are not addresses, and SNI takes none. */
    if (depth == 0 && size > 0 && !tls_certificate_covers_address(certificate, address, size))
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    return 0;
}

static void set_server_name(struct tls *tls, struct span name)
{
    uint8_t address[16];
    bool is_name;

    tls->server_name = memory_new(name.len + 1);
    memcpy(tls->server_name, name.ptr, name.len);
    is_name = tls_name_address(tls->server_name, address) == 0;
    if (mbedtls_ssl_set_hostname(&tls->ssl, is_name ? tls->server_name : NULL) != 0)
        (void)failed(tls, MBEDTLS_ERR_SSL_BAD_INPUT_DATA); /* too long: no handshake */
}

struct tls *tls_new(struct tls_settings *settings, struct span server_name)
{
    struct tls *tls = MEMORY_NEW(struct tls);
    int result;

    tls->settings = tls_settings_ref(settings);
    buffer_init(&tls->input, INPUT_MAX);
    buffer_init(&tls->output, OUTPUT_MAX);
    mbedtls_ssl_init(&tls->ssl);
    result = mbedtls_ssl_setup(&tls->ssl, &settings->config);
    CHECK(result == 0); /* the only failure is memory */
    mbedtls_ssl_set_bio(&tls->ssl, tls, take_output, give_input, NULL);
    mbedtls_ssl_set_verify(&tls->ssl, certificate_seen, tls);
    if (!settings->server) {
        CHECK(!settings->verify || server_name.len > 0);
        if (server_name.len > 0)
            set_server_name(tls, server_name);
        else
            CHECK(mbedtls_ssl_set_hostname(&tls->ssl, NULL) == 0);
        tls_sessions_offer(settings->sessions, tls);
    }
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    if (tls->error && !tls->opened && tls->settings->sessions)
        tls_sessions_drop(tls->settings->sessions, tls);
    mbedtls_ssl_free(&tls->ssl);
    buffer_done(&tls->input);
    buffer_done(&tls->output);
    memory_free(tls->server_name);
    memory_free(tls->subject);
    memory_free(tls->error);
    tls_settings_unref(tls->settings);
    memory_free(tls);
}

/* ---- cipher bytes ---------------------------------------------------------------------- */

void tls_push(struct tls *tls, struct span cipher)
{
    CHECK(buffer_append(&tls->input, cipher));
}

struct span tls_output(const struct tls *tls)
{
    return buffer_span(&tls->output);
}

void tls_output_done(struct tls *tls)
{
    buffer_done(&tls->output);
}

bool tls_has_input(const struct tls *tls)
{
    return tls->input.len > tls->input_at || mbedtls_ssl_get_bytes_avail(&tls->ssl) > 0;
}

/* ---- steps ----------------------------------------------------------------------------- */

static void handshake_over(struct tls *tls)
{
    tls->opened = true;
    if (!tls->settings->server) {
        tls->resumed = !tls->certified;
        tls->keep_session = true;
    }
}

/* An optional client certificate may be absent; one that is there and wrong is refused. */
static bool peer_acceptable(const struct tls *tls)
{
    uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);

    return !tls->settings->verify || !tls->certified || flags == 0;
}

/* Whether the library stopped at a message of its own (3.x does, at a TLS 1.3 ticket) and is to
 * be asked again; it says WANT_READ then although it has not come to the end of the input. */
static bool stopped_early(const struct tls *tls, int result)
{
    return compat_new_ticket(result) ||
           (result == MBEDTLS_ERR_SSL_WANT_READ && tls->input.len > tls->input_at);
}

enum tls_result tls_handshake(struct tls *tls)
{
    int result;

    CHECK(!tls->opened);
    if (tls->error)
        return TLS_FAILED;
    tls_stepping = tls;
    do {
        result = mbedtls_ssl_handshake(&tls->ssl);
    } while (stopped_early(tls, result));
    tls_stepping = NULL;
    if (result == MBEDTLS_ERR_SSL_WANT_READ)
        return TLS_WANTS;
    if (result == 0 && !peer_acceptable(tls))
        result = MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
    if (result != 0)
        return failed(tls, result);
    handshake_over(tls);
    return TLS_OK;
}

/* On the loop's thread, not during the handshake. */
static void keep_session(struct tls *tls)
{
    if (!tls->keep_session)
        return;
    tls->keep_session = false;
    tls_sessions_keep(tls->settings->sessions, tls);
}

enum tls_result tls_read(struct tls *tls, char *bytes, size_t size, size_t *ret_count)
{
    int result;

    CHECK(tls->opened && size > 0);
    keep_session(tls);
    if (tls->error)
        return TLS_FAILED;
    if (tls->closed)
        return TLS_CLOSED;
    do {
        result = mbedtls_ssl_read(&tls->ssl, (unsigned char *)bytes, size);
        tls->keep_session = compat_new_ticket(result);
        keep_session(tls);
    } while (stopped_early(tls, result));
    if (result > 0) {
        *ret_count = (size_t)result;
        return TLS_OK;
    }
    if (result == MBEDTLS_ERR_SSL_WANT_READ)
        return TLS_WANTS;
    if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        tls->closed = true;
        return TLS_CLOSED;
    }
    return failed(tls, result);
}

enum tls_result tls_write(struct tls *tls, struct span plain)
{
    CHECK(tls->opened);
    keep_session(tls);
    if (tls->error)
        return TLS_FAILED;
    while (plain.len > 0) {
        int result = mbedtls_ssl_write(&tls->ssl, (const unsigned char *)plain.ptr, plain.len);

        if (compat_new_ticket(result))
            continue;
        if (result <= 0)
            return failed(tls, result);
        plain = span_skip(plain, (size_t)result);
    }
    return TLS_OK;
}

void tls_close_notify(struct tls *tls)
{
    if (tls->opened && !tls->error)
        (void)mbedtls_ssl_close_notify(&tls->ssl);
}

/* ---- memory ---------------------------------------------------------------------------- */

/* The library holds a record of 16 kB for each direction as long as the connection lives.  The
 * whole pages inside one are given back to the kernel and come again, zeroed, with the next
 * record.  The first bytes stay: the record counter is there. */
static void give_pages(unsigned char *record)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)record + 64 + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)record + malloc_usable_size(record)) / page * page;

    if (to > from)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

void tls_shrink(struct tls *tls)
{
    mbedtls_ssl_context *ssl = &tls->ssl;

    if (!tls->opened || tls_has_input(tls) || tls->output.len > 0)
        return;
    if (ssl->MBEDTLS_PRIVATE(in_left) == 0 && !ssl->MBEDTLS_PRIVATE(in_offt))
        give_pages(ssl->MBEDTLS_PRIVATE(in_buf));
    if (ssl->MBEDTLS_PRIVATE(out_left) == 0)
        give_pages(ssl->MBEDTLS_PRIVATE(out_buf));
}

/* ---- about ----------------------------------------------------------------------------- */

bool tls_resumed(const struct tls *tls)
{
    return tls->resumed;
}

struct span tls_peer_subject(struct tls *tls)
{
    const mbedtls_x509_crt *certificate = mbedtls_ssl_get_peer_cert(&tls->ssl);

    if (!certificate)
        return SPAN_NONE;
    if (!tls->subject) {
        tls->subject = memory_new(SUBJECT_SIZE);
        if (mbedtls_x509_dn_gets(tls->subject, SUBJECT_SIZE, &certificate->subject) < 0)
            tls->subject[0] = '\0';
    }
    return span_of_text(tls->subject);
}

const char *tls_library(void)
{
    return "mbedTLS " MBEDTLS_VERSION_STRING;
}
