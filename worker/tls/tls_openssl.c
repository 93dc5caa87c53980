#include "worker/tls/tls_openssl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

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

/* A BIO over the engine's buffers: OpenSSL's own memory BIOs keep the largest size that they
 * ever had. */
static int take_output(BIO *bio, const char *bytes, size_t count, size_t *ret_count)
{
    struct tls *tls = BIO_get_data(bio);

    CHECK(buffer_append(&tls->output, span_of(bytes, count)));
    *ret_count = count;
    return 1;
}

static int give_input(BIO *bio, char *room, size_t size, size_t *ret_count)
{
    struct tls *tls = BIO_get_data(bio);
    size_t count = tls->input.len - tls->input_at;

    BIO_clear_retry_flags(bio);
    if (count > size)
        count = size;
    *ret_count = count;
    if (count == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(room, tls->input.ptr + tls->input_at, count);
    tls->input_at += count;
    if (tls->input_at == tls->input.len) {
        buffer_done(&tls->input);
        tls->input_at = 0;
    }
    return 1;
}

static long control(BIO *bio, int command, long number, void *bytes)
{
    (void)bio;
    (void)number;
    (void)bytes;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_method_new(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "aigw engine");

    CHECK(method);
    CHECK(BIO_meth_set_write_ex(method, take_output) == 1);
    CHECK(BIO_meth_set_read_ex(method, give_input) == 1);
    CHECK(BIO_meth_set_ctrl(method, control) == 1);
    return method;
}

/* ---- errors ---------------------------------------------------------------------------- */

static enum tls_result failed(struct tls *tls)
{
    unsigned long code = ERR_peek_error();
    long verified = SSL_get_verify_result(tls->ssl);
    const char *why = code ? ERR_reason_error_string(code) : "bad input";

    ERR_clear_error();
    if (tls->error)
        return TLS_FAILED;
    if (verified != X509_V_OK && SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE)
        why = X509_verify_cert_error_string(verified);
    tls->error = memory_new(ERROR_SIZE);
    (void)snprintf(tls->error, ERROR_SIZE, "%s", why ? why : "unknown");
    return TLS_FAILED;
}

const char *tls_error(const struct tls *tls)
{
    return tls->error ? tls->error : "";
}

/* ---- life ------------------------------------------------------------------------------ */

struct tls *tls_of(const SSL *ssl)
{
    struct tls *tls = SSL_get_app_data(ssl);

    CHECK(tls && tls->ssl == ssl);
    return tls;
}

static void set_server_name(struct tls *tls, struct span name)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(tls->ssl);
    uint8_t address[16];
    size_t address_size;
    bool good;

    tls->server_name = memory_new(name.len + 1);
    memcpy(tls->server_name, name.ptr, name.len);
    address_size = tls_name_address(tls->server_name, address);
    /* SNI takes no address (RFC 6066 3). */
    if (address_size > 0) {
        good = X509_VERIFY_PARAM_set1_ip(wanted, address, address_size) == 1;
    } else {
        good = SSL_set_tlsext_host_name(tls->ssl, tls->server_name) == 1 &&
               X509_VERIFY_PARAM_set1_host(wanted, name.ptr, name.len) == 1;
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    }
    if (!good)
        (void)failed(tls); /* too long, say: no handshake */
}

struct tls *tls_new(struct tls_settings *settings, struct span server_name)
{
    struct tls *tls = MEMORY_NEW(struct tls);
    BIO *bio = BIO_new(settings->method);

    tls->settings = tls_settings_ref(settings);
    buffer_init(&tls->input, INPUT_MAX);
    buffer_init(&tls->output, OUTPUT_MAX);
    tls->ssl = SSL_new(settings->contexts[0]);
    CHECK(tls->ssl && bio); /* the only failure is memory */
    CHECK(SSL_set_app_data(tls->ssl, tls) == 1);
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    if (settings->server) {
        SSL_set_accept_state(tls->ssl);
        return tls;
    }
    SSL_set_connect_state(tls->ssl);
    CHECK(!settings->verify || server_name.len > 0);
    if (server_name.len > 0)
        set_server_name(tls, server_name);
    tls_sessions_offer(settings->sessions, tls);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    if (tls->error && !tls->opened && tls->settings->sessions)
        tls_sessions_drop(tls->settings->sessions, tls);
    /* OpenSSL would take a connection that ended without close_notify for a reason not to
     * resume its session; TLS 1.2 gave that rule up (RFC 5246 7.2.1). */
    if (!tls->error)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    SSL_SESSION_free(tls->fresh);
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
    return tls->input.len > tls->input_at || SSL_pending(tls->ssl) > 0;
}

/* ---- steps ----------------------------------------------------------------------------- */

enum tls_result tls_handshake(struct tls *tls)
{
    int result;

    CHECK(!tls->opened);
    if (tls->error)
        return TLS_FAILED;
    ERR_clear_error();
    result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->opened = true;
        return TLS_OK;
    }
    return SSL_get_error(tls->ssl, result) == SSL_ERROR_WANT_READ ? TLS_WANTS : failed(tls);
}

/* On the loop's thread, not during the handshake. */
static void keep_session(struct tls *tls)
{
    if (tls->fresh)
        tls_sessions_keep(tls->settings->sessions, tls);
}

enum tls_result tls_read(struct tls *tls, char *bytes, size_t size, size_t *ret_count)
{
    int result;

    CHECK(tls->opened && size > 0);
    if (tls->error)
        return TLS_FAILED;
    ERR_clear_error();
    result = SSL_read_ex(tls->ssl, bytes, size, ret_count);
    keep_session(tls);
    if (result == 1)
        return TLS_OK;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ: return TLS_WANTS;
    case SSL_ERROR_ZERO_RETURN: return TLS_CLOSED;
    default: return failed(tls);
    }
}

enum tls_result tls_write(struct tls *tls, struct span plain)
{
    size_t count;

    CHECK(tls->opened);
    keep_session(tls);
    if (tls->error)
        return TLS_FAILED;
    ERR_clear_error();
    if (plain.len > 0 && SSL_write_ex(tls->ssl, plain.ptr, plain.len, &count) != 1)
        return failed(tls);
    return TLS_OK;
}

void tls_close_notify(struct tls *tls)
{
    if (tls->opened && !tls->error)
        (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* SSL_MODE_RELEASE_BUFFERS has done it already. */
void tls_shrink(struct tls *tls)
{
    CHECK(tls->ssl);
}

/* ---- about ----------------------------------------------------------------------------- */

bool tls_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

struct span tls_peer_subject(struct tls *tls)
{
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    BIO *text;
    int len;

    if (!certificate)
        return SPAN_NONE;
    if (!tls->subject) {
        tls->subject = memory_new(SUBJECT_SIZE);
        text = BIO_new(BIO_s_mem());
        CHECK(text);
        (void)X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
                                 (XN_FLAG_ONELINE | ASN1_STRFLGS_UTF8_CONVERT) &
                                     ~(unsigned long)XN_FLAG_SPC_EQ);
        len = BIO_read(text, tls->subject, SUBJECT_SIZE - 1);
        tls->subject[len > 0 ? len : 0] = '\0';
        BIO_free(text);
    }
    return span_of_text(tls->subject);
}

const char *tls_library(void)
{
    return OPENSSL_VERSION_TEXT;
}
