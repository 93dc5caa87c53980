#include "worker/authenticate/caller.h"

#include "shared/base/hash.h"
#include "shared/base/key_text.h"

static bool secret_matches(const struct snapshot_key *row, const uint8_t digest[SHA256_SIZE],
                           int64_t wall_ms)
{
    struct span sent = span_of((const char *)digest, SHA256_SIZE);
    bool current = span_eq_secret(sent, span_of((const char *)row->secret_hash, SHA256_SIZE));
    bool previous =
        span_eq_secret(sent, span_of((const char *)row->previous_hash, SHA256_SIZE));

    return current || (previous && row->previous_until_ms > wall_ms);
}

enum fault caller_find(const struct snapshot *snapshot, struct secret key, int64_t wall_ms,
                       struct sha256_memo *memo, struct caller *ret)
{
    static const struct snapshot_key nobody;
    const struct snapshot_key *row;
    uint8_t digest[SHA256_SIZE];
    struct span id, secret;
    bool matches;

    if (!secret_reveal(key).ptr || secret_reveal(key).len == 0)
        return FAULT_no_key;
    if (!key_text_read(secret_reveal(key), &id, &secret))
        return FAULT_bad_key;
    row = snapshot_find_key(snapshot, id);
    hash_sha256_again(memo, secret, digest);
    matches = secret_matches(row ? row : &nobody, digest, wall_ms);
    if (!row || !matches || (row->flags & KEY_REVOKED))
        return FAULT_bad_key;
    if (row->flags & KEY_DISABLED)
        return FAULT_key_disabled;
    if (row->expires_ms != 0 && row->expires_ms <= wall_ms)
        return FAULT_key_expired;
    ret->key = row;
    return FAULT_NONE;
}

bool caller_may_use(const struct snapshot *snapshot, const struct caller *caller,
                    struct span model)
{
    if (caller->key->models_any)
        return true;
    for (uint32_t i = 0; i < caller->key->models.count; i++) {
        const struct snapshot_text *name =
            SNAPSHOT_ROW(snapshot, caller->key->models, i, snapshot_text);

        if (span_eq(snapshot_span(snapshot, *name), model))
            return true;
    }
    return false;
}
