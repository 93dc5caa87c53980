#include "worker/tls/tls.h"

#include "shared/base/check.h"

/* Being written: no settings can be made, so no engine exists. */
struct tls_settings *tls_server_settings(const struct tls_server_options *options,
                                         struct buffer *reterr)
{
    (void)options;
    (void)buffer_append(reterr, SPAN("TLS is not built in yet"));
    return NULL;
}

struct tls_settings *tls_client_settings(const struct tls_client_options *options,
                                         struct buffer *reterr)
{
    (void)options;
    (void)buffer_append(reterr, SPAN("TLS is not built in yet"));
    return NULL;
}

struct tls_settings *tls_settings_ref(struct tls_settings *settings)
{
    CHECK(settings);
    return settings;
}

void tls_settings_unref(struct tls_settings *settings)
{
    CHECK(!settings);
}

struct tls *tls_new(struct tls_settings *settings, struct span server_name)
{
    (void)server_name;
    CHECK(!settings);
    return NULL;
}

void tls_free(struct tls *tls)
{
    CHECK(!tls);
}

void tls_push(struct tls *tls, struct span cipher)
{
    (void)cipher;
    CHECK(!tls);
}

struct span tls_output(const struct tls *tls)
{
    CHECK(!tls);
    return SPAN_NONE;
}

void tls_output_done(struct tls *tls)
{
    CHECK(!tls);
}

bool tls_has_input(const struct tls *tls)
{
    CHECK(!tls);
    return false;
}

enum tls_result tls_handshake(struct tls *tls)
{
    CHECK(!tls);
    return TLS_FAILED;
}

enum tls_result tls_read(struct tls *tls, char *bytes, size_t size, size_t *ret_count)
{
    (void)bytes;
    (void)size;
    (void)ret_count;
    CHECK(!tls);
    return TLS_FAILED;
}

enum tls_result tls_write(struct tls *tls, struct span plain)
{
    (void)plain;
    CHECK(!tls);
    return TLS_FAILED;
}

void tls_close_notify(struct tls *tls)
{
    CHECK(!tls);
}

void tls_shrink(struct tls *tls)
{
    CHECK(!tls);
}

const char *tls_error(const struct tls *tls)
{
    CHECK(!tls);
    return "";
}

bool tls_resumed(const struct tls *tls)
{
    CHECK(!tls);
    return false;
}

struct span tls_peer_subject(const struct tls *tls)
{
    CHECK(!tls);
    return SPAN_NONE;
}

const char *tls_library(void)
{
    return "none";
}
