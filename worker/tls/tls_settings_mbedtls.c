#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/tls/tls_keys.h"
#include "worker/tls/tls_mbedtls.h"

/* ECDHE and AEAD only.  ChaCha20 first: this library's AES-GCM has half its speed
 * (docs/tls.md); a server takes the first of its own list that the client knows. */
static const int suites[] = {
    TLS13_SUITES MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0,
};

/* The library's type asks for pointers to non-const. */
static const char *protocols[] = {"http/1.1", NULL};

static struct tls_settings *settings_new(bool server)
{
    struct tls_settings *settings = MEMORY_NEW(struct tls_settings);
    int result = compat_start();

    CHECK(result == 0);
    settings->references = 1;
    settings->server = server;
    mbedtls_x509_crt_init(&settings->authorities);
    mbedtls_ssl_config_init(&settings->config);
    result = mbedtls_ssl_config_defaults(
        &settings->config, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
        MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    CHECK(result == 0);
    mbedtls_ssl_conf_rng(&settings->config, tls_random, NULL);
    mbedtls_ssl_conf_ciphersuites(&settings->config, suites);
    compat_conf_versions(&settings->config);
    compat_conf_groups(&settings->config);
    result = mbedtls_ssl_conf_alpn_protocols(&settings->config, protocols);
    CHECK(result == 0);
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
    for (unsigned i = 0; i < settings->identity_count; i++) {
        mbedtls_x509_crt_free(&settings->identities[i].chain);
        mbedtls_pk_free(&settings->identities[i].key);
    }
    memory_free(settings->identities);
    tls_sessions_free(settings->sessions);
    mbedtls_ssl_config_free(&settings->config);
    mbedtls_x509_crt_free(&settings->authorities);
    memory_free(settings);
}

static bool add_identities(struct tls_settings *settings,
                           const struct tls_certificate *certificates, unsigned count,
                           struct buffer *reterr)
{
    settings->identities = memory_new_array(count, sizeof(*settings->identities));
    for (unsigned i = 0; i < count; i++) {
        settings->identity_count = i + 1; /* also what failed is freed */
        if (!tls_identity_load(&settings->identities[i], certificates[i].certificate_file,
                               certificates[i].key_file, reterr))
            return false;
    }
    CHECK(count == 0 ||
          mbedtls_ssl_conf_own_cert(&settings->config, &settings->identities[0].chain,
                                    &settings->identities[0].key) == 0);
    return true;
}

/* SNI (RFC 6066 3).  A name that no certificate covers gets the default one. */
static int name_asked(void *who, mbedtls_ssl_context *ssl, const unsigned char *name,
                      size_t len)
{
    struct tls_settings *settings = who;
    struct tls_identity *chosen = &settings->identities[0];

    for (unsigned i = 0; i < settings->identity_count; i++) {
        if (tls_certificate_covers(&settings->identities[i].chain,
                                   span_of((const char *)name, len))) {
            chosen = &settings->identities[i];
            break;
        }
    }
    return mbedtls_ssl_set_hs_own_cert(ssl, &chosen->chain, &chosen->key);
}

static bool server_fill(struct tls_settings *settings, const struct tls_server_options *options,
                        struct buffer *reterr)
{
    if (!add_identities(settings, options->certificates, options->certificate_count, reterr))
        return false;
    mbedtls_ssl_conf_sni(&settings->config, name_asked, settings);
    mbedtls_ssl_conf_authmode(&settings->config, MBEDTLS_SSL_VERIFY_NONE);
    if (options->client_ca_file) {
        if (!tls_authorities_load(&settings->authorities, options->client_ca_file, reterr))
            return false;
        mbedtls_ssl_conf_ca_chain(&settings->config, &settings->authorities, NULL);
        mbedtls_ssl_conf_authmode(&settings->config, options->client_certificate_needed
                                                         ? MBEDTLS_SSL_VERIFY_REQUIRED
                                                         : MBEDTLS_SSL_VERIFY_OPTIONAL);
    }
    settings->verify = options->client_ca_file != NULL;
    settings->tickets = options->tickets;
    if (settings->tickets)
        mbedtls_ssl_conf_session_tickets_cb(&settings->config, tls_ticket_write,
                                            tls_ticket_parse, settings);
    return true;
}

struct tls_settings *tls_server_settings(const struct tls_server_options *options,
                                         struct buffer *reterr)
{
    struct tls_settings *settings = settings_new(true);

    CHECK(options->certificate_count > 0);
    if (server_fill(settings, options, reterr))
        return settings;
    tls_settings_unref(settings);
    return NULL;
}

static bool client_fill(struct tls_settings *settings, const struct tls_client_options *options,
                        struct buffer *reterr)
{
    const char *ca_file = options->ca_file ? options->ca_file : tls_system_bundle();
    const struct tls_certificate own = {options->client_certificate_file,
                                        options->client_key_file};

    settings->verify = options->verify;
    settings->sessions = tls_sessions_new();
    /* Without verification the certificate is looked at all the same, and what is wrong with it
     * is passed over. */
    mbedtls_ssl_conf_authmode(&settings->config, options->verify ? MBEDTLS_SSL_VERIFY_REQUIRED
                                                                 : MBEDTLS_SSL_VERIFY_OPTIONAL);
    if (own.certificate_file && !add_identities(settings, &own, 1, reterr))
        return false;
    if (!options->verify)
        return true;
    if (!ca_file) {
        (void)buffer_append(reterr, SPAN("the system has no CA bundle; name one with ca_file"));
        return false;
    }
    if (!tls_authorities_load(&settings->authorities, ca_file, reterr))
        return false;
    mbedtls_ssl_conf_ca_chain(&settings->config, &settings->authorities, NULL);
    return true;
}

struct tls_settings *tls_client_settings(const struct tls_client_options *options,
                                         struct buffer *reterr)
{
    struct tls_settings *settings = settings_new(false);

    if (client_fill(settings, options, reterr))
        return settings;
    tls_settings_unref(settings);
    return NULL;
}
