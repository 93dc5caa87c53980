/* Files and names of certificates. */
#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "worker/tls/tls_keys.h"
#include "worker/tls/tls_mbedtls.h"

#define SAN_DNS     (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2) /* RFC 5280 4.2.1.6 */
#define SAN_ADDRESS (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7)

int tls_random(void *unused, unsigned char *bytes, size_t count)
{
    (void)unused;
    random_bytes(bytes, count);
    return 0;
}

void tls_complain(struct buffer *reterr, const char *what, const char *file, int result)
{
    char why[160] = "";

    mbedtls_strerror(result, why, sizeof(why));
    (void)buffer_append_format(reterr, "%s %s: %s", what, file, why);
}

/* The first signature with an elliptic key keeps a table in the key, which later ones only
 * read: made here, before there is more than one thread. */
static int warm_up(mbedtls_pk_context *key)
{
    unsigned char hash[SHA256_SIZE] = {0};
    unsigned char signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];

    return compat_key_sign(key, hash, signature, tls_random);
}

bool tls_identity_load(struct tls_identity *identity, const char *certificate_file,
                       const char *key_file, struct buffer *reterr)
{
    int result;

    mbedtls_x509_crt_init(&identity->chain);
    mbedtls_pk_init(&identity->key);
    result = mbedtls_x509_crt_parse_file(&identity->chain, certificate_file);
    if (result != 0) {
        tls_complain(reterr, "cannot use certificate", certificate_file, result);
        return false;
    }
    result = compat_key_parse(&identity->key, key_file, tls_random);
    if (result != 0) {
        tls_complain(reterr, "cannot use key", key_file, result);
        return false;
    }
    if (compat_key_check(&identity->chain.pk, &identity->key, tls_random) != 0) {
        (void)buffer_append_format(reterr, "key %s does not belong to certificate %s", key_file,
                                   certificate_file);
        return false;
    }
    result = warm_up(&identity->key);
    if (result != 0)
        tls_complain(reterr, "cannot sign with key", key_file, result);
    return result == 0;
}

bool tls_authorities_load(mbedtls_x509_crt *authorities, const char *file,
                          struct buffer *reterr)
{
    /* A system bundle may hold a certificate that this library cannot read: the others count.
     */
    int result = mbedtls_x509_crt_parse_file(authorities, file);

    if (result >= 0 && authorities->raw.len > 0)
        return true;
    tls_complain(reterr, "cannot use CA file", file, result < 0 ? result : 0);
    return false;
}

static struct span common_name(const mbedtls_x509_crt *certificate)
{
    static const unsigned char common_name_oid[] = {0x55, 0x04, 0x03};

    for (const mbedtls_x509_name *part = &certificate->subject; part; part = part->next)
        if (part->oid.len == sizeof(common_name_oid) &&
            memcmp(part->oid.p, common_name_oid, sizeof(common_name_oid)) == 0)
            return span_of((const char *)part->val.p, part->val.len);
    return SPAN_NONE;
}

bool tls_certificate_covers(const mbedtls_x509_crt *certificate, struct span name)
{
    const mbedtls_x509_sequence *san = &certificate->subject_alt_names;

    if (!san->buf.p)
        return tls_name_matches(common_name(certificate), name);
    for (; san; san = san->next)
        if (san->buf.tag == SAN_DNS &&
            tls_name_matches(span_of((const char *)san->buf.p, san->buf.len), name))
            return true;
    return false;
}

bool tls_certificate_covers_address(const mbedtls_x509_crt *certificate, const uint8_t *bytes,
                                    size_t count)
{
    const mbedtls_x509_sequence *san = &certificate->subject_alt_names;

    for (; san && san->buf.p; san = san->next)
        if (san->buf.tag == SAN_ADDRESS && san->buf.len == count &&
            memcmp(san->buf.p, bytes, count) == 0)
            return true;
    return false;
}
