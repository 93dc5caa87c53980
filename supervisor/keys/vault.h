/* supervisor/keys/vault.h
 *
 * Credentials at rest: AES-256-GCM under one master key, which is, in this order:
 * $CREDENTIALS_DIRECTORY/kek (systemd), the setting, STATE_DIR/master.key (made with mode 0600
 * at the first start).  A key is 32 bytes as 64 hex digits or 44 base64 digits.  A sealed text
 * is `v1.KEYID.BASE64(nonce, tag, cipher)`; it is bound to its place (table, row, column) and
 * the key's id, so it cannot be moved to another row.
 */
#ifndef SUPERVISOR_KEYS_VAULT_H
#define SUPERVISOR_KEYS_VAULT_H

#include "shared/base/buffer.h"
#include "shared/base/hash.h"
#include "shared/base/secret.h"

#define VAULT_ID_SIZE    8
#define VAULT_SECRET_MAX 16384

struct vault {
    uint8_t key[AES_KEY_SIZE];
    char id[VAULT_ID_SIZE + 1]; /* says which key, tells nothing about it */
};

/* Where a sealed text stands. */
struct vault_place {
    struct span table, row, column;
};

/* SETTING: the key's text, or not there.  0, or a negative errno with a sentence in *reterr. */
int vault_open(struct vault *vault, struct span state_dir, struct secret setting,
               struct buffer *reterr);
void vault_done(struct vault *vault); /* wipes the key */

/* Appends the sealed text of PLAIN.  False when it is over VAULT_SECRET_MAX. */
bool vault_seal(const struct vault *vault, const struct vault_place *place, struct secret plain,
                struct buffer *out);
/* Appends the plain text; the caller wipes and frees it.  -EPROTO: not a sealed text, or
 * changed, or of another place; -ENOKEY: sealed under another master key. */
int vault_unseal(const struct vault *vault, const struct vault_place *place, struct span sealed,
                 struct buffer *out);

#endif
