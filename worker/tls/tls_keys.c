#include "worker/tls/tls_keys.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <unistd.h>

#include "shared/base/check.h"

#define COPY_TRIES 1000

_Static_assert(sizeof(((struct tls_ticket_keys *)0)->keys) ==
                   TLS_TICKET_KEYS * sizeof(struct tls_ticket_key),
               "the copy holds all keys");

/* A sequence lock: the writer makes the version odd, writes, makes it even. */
bool tls_keys_copy(const struct tls_ticket_keys *keys, struct tls_ticket_key *ret_copy)
{
    for (int i = 0; i < COPY_TRIES; i++) {
        uint64_t before = atomic_load_explicit(&keys->version, memory_order_acquire);

        memcpy(ret_copy, keys->keys, sizeof(keys->keys));
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0 &&
            atomic_load_explicit(&keys->version, memory_order_relaxed) == before)
            return true;
    }
    return false;
}

bool tls_key_used(const struct tls_ticket_key *key)
{
    static const uint8_t none[sizeof(key->name)];

    return memcmp(key->name, none, sizeof(none)) != 0;
}

int tls_key_find(const struct tls_ticket_key *copy, const uint8_t name[16])
{
    for (int i = 0; i < TLS_TICKET_KEYS; i++)
        if (tls_key_used(&copy[i]) && memcmp(copy[i].name, name, sizeof(copy[i].name)) == 0)
            return i;
    return -1;
}

const char *tls_system_bundle(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
        "/etc/ssl/ca-bundle.pem",             /* openSUSE */
        "/etc/ssl/cert.pem",                  /* Alpine without ca-certificates */
    };

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

bool tls_name_matches(struct span pattern, struct span name)
{
    struct span label;

    if (pattern.len < 3 || !span_starts(pattern, SPAN("*.")))
        return pattern.len > 0 && span_eq_nocase(pattern, name);
    if (!span_cut(&name, '.', &label) || label.len == 0 || !name.ptr)
        return false;
    return span_eq_nocase(span_skip(pattern, 2), name);
}

size_t tls_name_address(const char *name, uint8_t ret_bytes[16])
{
    if (inet_pton(AF_INET, name, ret_bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, name, ret_bytes) == 1 ? 16 : 0;
}
