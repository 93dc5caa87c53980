/* Addresses of the web, and where redirects lead from them: what is accepted can stand in a
 * request line and a Host field, whatever bytes were written. */
#include "tests/fuzz/fuzz.h"
#include "worker/upstream/web_address.h"

static void check(const struct web_address *address)
{
    MUST(address->host.len > 0 && address->port > 0);
    for (size_t i = 0; i < address->host.len; i++)
        MUST(address->host.ptr[i] > ' ' && address->host.ptr[i] < 0x7f &&
             !strchr("@/\\?#[]%", address->host.ptr[i]));
    MUST(address->target.len > 0 && address->target.ptr[0] == '/');
    for (size_t i = 0; i < address->target.len; i++)
        MUST(address->target.ptr[i] > ' ' && address->target.ptr[i] < 0x7f &&
             address->target.ptr[i] != '#');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct web_address address, next;
    struct arena arena;
    size_t cut;

    if (size < 1)
        return 0;
    cut = take_cut(&data, &size);
    arena_init(&arena, 0);
    if (web_address_read(span_of((const char *)data, cut), &arena, &address)) {
        check(&address);
        if (web_address_follow(&address, span_of((const char *)data + cut, size - cut), &arena,
                               &next))
            check(&next);
    }
    arena_done(&arena);
    return 0;
}
