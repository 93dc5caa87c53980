#include "shared/base/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "shared/base/check.h"

#define HIGH(group) (uint8_t)((group) >> 8)
#define LOW(group)  (uint8_t)((group)&0xff)

static const struct {
    struct net net;
    const char *what;
} unfit[] = {

#define NET4(a, b, c, d, bits_, what_) {{.bytes = {a, b, c, d}, .bits = bits_}, what_},
#define NET6(a, b, c, d, e, f, g, h, bits_, what_)                                           \
    {{.bytes = {HIGH(a), LOW(a), HIGH(b), LOW(b), HIGH(c), LOW(c), HIGH(d), LOW(d), HIGH(e), \
                LOW(e), HIGH(f), LOW(f), HIGH(g), LOW(g), HIGH(h), LOW(h)},                  \
      .bits = bits_,                                                                         \
      .v6 = 1},                                                                              \
     what_},
#include "shared/base/nets.def"
};

static const struct net given_out = {.bytes = {0x20}, .bits = 3, .v6 = 1};

static bool begins_alike(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) & (uint8_t)(0xff00U >> rest)) == 0;
}

/* The bytes of an address in the order of the network; NULL: of another family. */
static const uint8_t *bytes_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        return (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return NULL;
}

bool net_holds(const struct net *net, const struct sockaddr *address)
{
    const uint8_t *bytes = bytes_of(address);

    return bytes && (address->sa_family == AF_INET6) == (net->v6 != 0) &&
           begins_alike(net->bytes, bytes, net->bits);
}

const char *net_unfit(const struct sockaddr *address)
{
    for (unsigned i = 0; i < ARRAY_LEN(unfit); i++)
        if (net_holds(&unfit[i].net, address))
            return unfit[i].what;
    if (address->sa_family == AF_INET || net_holds(&given_out, address))
        return NULL;
    return "a reserved address";
}

bool net_read(struct span text, struct net *ret)
{
    struct span rest = text, address;
    char name[INET6_ADDRSTRLEN];
    struct net net = {.v6 = 0};
    uint64_t bits;

    if (!span_cut(&rest, '/', &address) || address.len >= sizeof(name))
        return false;
    memcpy(name, address.ptr, address.len);
    name[address.len] = '\0';
    net.v6 = inet_pton(AF_INET, name, net.bytes) != 1;
    if (net.v6 && inet_pton(AF_INET6, name, net.bytes) != 1)
        return false;
    bits = net.v6 ? 128 : 32;
    if (rest.ptr && (!span_read_u64(rest, &bits) || bits > (net.v6 ? 128U : 32U)))
        return false;
    net.bits = (uint8_t)bits;
    *ret = net;
    return true;
}
