#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/tls/tls_keys.h"
#include "worker/tls/tls_openssl.h"

static const unsigned char protocols[] = "\x08http/1.1";

static bool complain(struct buffer *reterr, const char *what, const char *file)
{
    char why[160] = "";

    ERR_error_string_n(ERR_peek_last_error(), why, sizeof(why));
    (void)buffer_append_format(reterr, "%s %s: %s", what, file, why);
    ERR_clear_error();
    return false;
}

/* ---- what both sides share ------------------------------------------------------------- */

static SSL_CTX *context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());

    CHECK(context);
    CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    CHECK(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
    CHECK(SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE |
                                           SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    /* A ticket can be read only with its key, a session in memory by nobody else. */
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return context;
}

static struct tls_settings *settings_new(bool server, unsigned contexts)
{
    struct tls_settings *settings = MEMORY_NEW(struct tls_settings);

    settings->references = 1;
    settings->server = server;
    settings->method = tls_method_new();
    settings->contexts = memory_new_array(contexts, sizeof(SSL_CTX *));
    settings->context_count = contexts;
    for (unsigned i = 0; i < contexts; i++)
        settings->contexts[i] = context_new();
    return settings;
}

struct tls_settings *tls_settings_ref(struct tls_settings *settings)
{
    CHECK(settings->references > 0);
    settings->references++;
    return settings;
}

void tls_settings_unref(struct tls_settings *settings)
{
    if (!settings || --settings->references > 0)
        return;
    tls_sessions_free(settings->sessions);
    for (unsigned i = 0; i < settings->context_count; i++)
        SSL_CTX_free(settings->contexts[i]);
    BIO_meth_free(settings->method);
    memory_free(settings->contexts);
    memory_free(settings);
}

static bool identity_load(SSL_CTX *context, const struct tls_certificate *files,
                          struct buffer *reterr)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, files->certificate_file) != 1)
        return complain(reterr, "cannot use certificate", files->certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, files->key_file, SSL_FILETYPE_PEM) != 1)
        return complain(reterr, "cannot use key", files->key_file);
    if (SSL_CTX_check_private_key(context) != 1)
        return complain(reterr, "does not belong to its certificate: key", files->key_file);
    return true;
}

/* ---- servers --------------------------------------------------------------------------- */

static int protocol_asked(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_len,
                          const unsigned char *offered, unsigned int offered_len, void *unused)
{
    unsigned char *chosen;

    (void)ssl;
    (void)unused;
    if (SSL_select_next_proto(&chosen, ret_len, protocols, sizeof(protocols) - 1, offered,
                              offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_chosen = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* SNI (RFC 6066 3).  A name that no certificate covers gets the default one. */
static int name_asked(SSL *ssl, int *ret_alert, void *who)
{
    struct tls_settings *settings = who;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)ret_alert;
    for (unsigned i = 0; name && i < settings->context_count; i++) {
        if (X509_check_host(SSL_CTX_get0_certificate(settings->contexts[i]), name, 0, 0,
                            NULL) != 1)
            continue;
        CHECK(SSL_set_SSL_CTX(ssl, settings->contexts[i]));
        break;
    }
    return SSL_TLSEXT_ERR_OK;
}

static bool ask_clients(SSL_CTX *context, const struct tls_server_options *options,
                        struct buffer *reterr)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(options->client_ca_file);

    if (!names || SSL_CTX_load_verify_file(context, options->client_ca_file) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return complain(reterr, "cannot use CA file", options->client_ca_file);
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(
        context,
        SSL_VERIFY_PEER |
            (options->client_certificate_needed ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        NULL);
    return true;
}

static bool server_fill(struct tls_settings *settings, SSL_CTX *context,
                        const struct tls_server_options *options, struct buffer *reterr)
{
    static const unsigned char session_context[] = "aigw";

    CHECK(SSL_CTX_set_session_id_context(context, session_context,
                                         sizeof(session_context) - 1) == 1);
    SSL_CTX_set_alpn_select_cb(context, protocol_asked, NULL);
    (void)SSL_CTX_set_tlsext_servername_callback(context, name_asked);
    (void)SSL_CTX_set_tlsext_servername_arg(context, settings);
    tls_tickets_on(context, settings);
    return !options->client_ca_file || ask_clients(context, options, reterr);
}

struct tls_settings *tls_server_settings(const struct tls_server_options *options,
                                         struct buffer *reterr)
{
    struct tls_settings *settings = settings_new(true, options->certificate_count);

    CHECK(options->certificate_count > 0);
    settings->tickets = options->tickets;
    for (unsigned i = 0; i < settings->context_count; i++) {
        if (identity_load(settings->contexts[i], &options->certificates[i], reterr) &&
            server_fill(settings, settings->contexts[i], options, reterr))
            continue;
        tls_settings_unref(settings);
        return NULL;
    }
    return settings;
}

/* ---- clients --------------------------------------------------------------------------- */

/* A copy of SESSION that may be resumed.  OpenSSL 3.0 marks a session that it resumed as used
 * up, and the ones that grow out of it inherit the mark; the written form does not hold it. */
static SSL_SESSION *unmarked(SSL_SESSION *session)
{
    SSL_SESSION *copy = NULL;
    unsigned char *written = NULL;
    int len = i2d_SSL_SESSION(session, &written);

    if (len > 0) {
        const unsigned char *at = written;

        copy = d2i_SSL_SESSION(NULL, &at, len);
    }
    OPENSSL_free(written);
    SSL_SESSION_free(session);
    return copy;
}

/* During a handshake step (TLS 1.2) or a read (TLS 1.3): waits in the engine. */
static int session_came(SSL *ssl, SSL_SESSION *session)
{
    struct tls *tls = tls_of(ssl);

    SSL_SESSION_free(tls->fresh);
    tls->fresh = SSL_SESSION_is_resumable(session) ? session : unmarked(session);
    return 1;
}

static bool client_fill(struct tls_settings *settings, const struct tls_client_options *options,
                        struct buffer *reterr)
{
    SSL_CTX *context = settings->contexts[0];
    const char *ca_file = options->ca_file ? options->ca_file : tls_system_bundle();
    const struct tls_certificate own = {options->client_certificate_file,
                                        options->client_key_file};

    settings->verify = options->verify;
    settings->sessions = tls_sessions_new();
    CHECK(SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1) == 0);
    (void)SSL_CTX_set_session_cache_mode(context,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, session_came);
    SSL_CTX_set_verify(context, options->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (own.certificate_file && !identity_load(context, &own, reterr))
        return false;
    if (!options->verify)
        return true;
    if (!ca_file) {
        (void)buffer_append(reterr, SPAN("the system has no CA bundle; name one with ca_file"));
        return false;
    }
    return SSL_CTX_load_verify_file(context, ca_file) == 1 ||
           complain(reterr, "cannot use CA file", ca_file);
}

struct tls_settings *tls_client_settings(const struct tls_client_options *options,
                                         struct buffer *reterr)
{
    struct tls_settings *settings = settings_new(false, 1);

    if (client_fill(settings, options, reterr))
        return settings;
    tls_settings_unref(settings);
    return NULL;
}
