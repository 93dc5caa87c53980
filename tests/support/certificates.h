/* tests/support/certificates.h
 *
 * A folder of certificates, made by the openssl program for one run of a test:
 *
 *   ca.pem            the authority        other-ca.pem  another one, which signed nothing
 *   server.pem .key   server.test, *.wild.test, 127.0.0.1 (P-256)
 *   second.pem .key   second.test (RSA 2048)
 *   expired.pem       server.test, over since yesterday; key server.key
 *   self.pem .key     server.test, signed by itself
 *   client.pem .key   CN=client one        stranger.pem .key  a client of nobody's
 */
#ifndef TESTS_SUPPORT_CERTIFICATES_H
#define TESTS_SUPPORT_CERTIFICATES_H

/* The folder's path; the process fails when openssl does. */
const char *certificates_make(void);
/* Path of FILE inside; good until sixteen more calls. */
const char *certificates_path(const char *file);
void certificates_remove(void);

#endif
