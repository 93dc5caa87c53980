#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/net.h"

static union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} place;

static const struct sockaddr *address(const char *text)
{
    memset(&place, 0, sizeof(place));
    place.v4.sin_family = AF_INET;
    if (inet_pton(AF_INET, text, &place.v4.sin_addr) == 1)
        return &place.any;
    memset(&place, 0, sizeof(place));
    place.v6.sin6_family = AF_INET6;
    ck_assert_int_eq(inet_pton(AF_INET6, text, &place.v6.sin6_addr), 1);
    return &place.any;
}

/* WHAT NULL: public. The first and the last address of each range, and their neighbours. */
static const struct {
    const char *text, *what;
} addresses[] = {
    {"0.0.0.0", "an address of this host"},
    {"0.255.255.255", "an address of this host"},
    {"1.0.0.0", NULL},
    {"9.255.255.255", NULL},
    {"10.0.0.0", "a private address"},
    {"10.255.255.255", "a private address"},
    {"11.0.0.0", NULL},
    {"100.63.255.255", NULL},
    {"100.64.0.0", "an address of a provider's own network"},
    {"100.100.100.200", "an address of a provider's own network"},
    {"100.127.255.255", "an address of a provider's own network"},
    {"100.128.0.0", NULL},
    {"126.255.255.255", NULL},
    {"127.0.0.1", "a loopback address"},
    {"127.255.255.255", "a loopback address"},
    {"128.0.0.0", NULL},
    {"168.63.129.15", NULL},
    {"168.63.129.16", "an address of a cloud's own services"},
    {"168.63.129.17", NULL},
    {"169.253.255.255", NULL},
    {"169.254.169.254", "a link-local address"},
    {"169.255.0.0", NULL},
    {"172.15.255.255", NULL},
    {"172.16.0.0", "a private address"},
    {"172.31.255.255", "a private address"},
    {"172.32.0.0", NULL},
    {"192.0.0.192", "a reserved address"},
    {"192.0.1.0", NULL},
    {"192.0.2.1", "an address for documentation"},
    {"192.167.255.255", NULL},
    {"192.168.0.0", "a private address"},
    {"192.168.255.255", "a private address"},
    {"192.169.0.0", NULL},
    {"198.17.255.255", NULL},
    {"198.18.0.0", "an address for benchmarks"},
    {"198.19.255.255", "an address for benchmarks"},
    {"198.20.0.0", NULL},
    {"223.255.255.255", NULL},
    {"224.0.0.1", "a multicast address"},
    {"239.255.255.255", "a multicast address"},
    {"240.0.0.0", "a reserved address"},
    {"255.255.255.255", "a reserved address"},
    {"8.8.8.8", NULL},
    {"::", "an address of this host"},
    {"::1", "a loopback address"},
    {"::2", "an IPv4 address in IPv6's form"},
    {"::ffff:127.0.0.1", "an IPv4 address in IPv6's form"},
    {"::ffff:8.8.8.8", "an IPv4 address in IPv6's form"},
    {"::127.0.0.1", "an IPv4 address in IPv6's form"},
    {"64:ff9b::7f00:1", "an address of a translator to IPv4"},
    {"64:ff9b:1::a9fe:a9fe", "an address of a translator to IPv4"},
    {"100::1", "a reserved address"},
    {"1fff:ffff::1", "a reserved address"},
    {"2001::1", "a reserved address"},
    {"2001:1ff:ffff::1", "a reserved address"},
    {"2001:200::1", NULL},
    {"2001:db8::1", "an address for documentation"},
    {"2001:4860:4860::8888", NULL},
    {"2002:7f00:1::1", "an IPv4 address in IPv6's form"},
    {"2606:4700::1111", NULL},
    {"3fff:fff::1", "an address for documentation"},
    {"3fff:1000::1", NULL},
    {"4000::1", "a reserved address"},
    {"fbff::1", "a reserved address"},
    {"fc00::1", "a private address"},
    {"fd00:ec2::254", "a private address"},
    {"fe80::1", "a link-local address"},
    {"febf:ffff::1", "a link-local address"},
    {"fec0::1", "a private address"},
    {"ff02::1", "a multicast address"},
};

START_TEST(what_is_not_of_the_public_internet_is_known)
{
    for (unsigned i = 0; i < ARRAY_LEN(addresses); i++) {
        const char *what = net_unfit(address(addresses[i].text));

        ck_assert_msg((what == NULL) == (addresses[i].what == NULL), "%s is %s",
                      addresses[i].text, what ? what : "public");
        if (what)
            ck_assert_msg(strcmp(what, addresses[i].what) == 0, "%s is %s", addresses[i].text,
                          what);
    }
}

END_TEST

START_TEST(an_address_of_no_known_family_is_none_of_the_internet)
{
    struct sockaddr local = {.sa_family = AF_UNIX};

    ck_assert_ptr_nonnull(net_unfit(&local));
}

END_TEST

static const struct {
    const char *net;
    bool good;
    const char *inside, *outside;
} nets[] = {
    {"127.0.0.2", true, "127.0.0.2", "127.0.0.3"},
    {"10.1.0.0/16", true, "10.1.255.255", "10.2.0.0"},
    {"10.128.0.0/9", true, "10.255.0.1", "10.127.255.255"},
    {"0.0.0.0/0", true, "255.255.255.255", "::1"},
    {"::/0", true, "::1", "1.2.3.4"},
    {"fd00::/8", true, "fd12::1", "fc00::1"},
    {"::1", true, "::1", "::2"},
    {"fd00::/129", false, NULL, NULL},
    {"10.0.0.0/33", false, NULL, NULL},
    {"10.0.0.0/", false, NULL, NULL},
    {"10.0.0.0/-1", false, NULL, NULL},
    {"10.0.0.0/8/8", false, NULL, NULL},
    {"10.0.0", false, NULL, NULL},
    {"0x7f.0.0.1", false, NULL, NULL},
    {"localhost", false, NULL, NULL},
    {"fe80::1%eth0", false, NULL, NULL},
    {"", false, NULL, NULL},
    {"1234567890123456789012345678901234567890123456789", false, NULL, NULL},
};

START_TEST(ranges_are_read_and_hold_what_is_in_them)
{
    for (unsigned i = 0; i < ARRAY_LEN(nets); i++) {
        struct net net;

        ck_assert_msg(net_read(span_of_text(nets[i].net), &net) == nets[i].good, "%s",
                      nets[i].net);
        if (!nets[i].good)
            continue;
        ck_assert_msg(net_holds(&net, address(nets[i].inside)), "%s", nets[i].net);
        ck_assert_msg(!net_holds(&net, address(nets[i].outside)), "%s", nets[i].net);
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("net");
    TCase *tests = tcase_create("net");

    tcase_add_test(tests, what_is_not_of_the_public_internet_is_known);
    tcase_add_test(tests, an_address_of_no_known_family_is_none_of_the_internet);
    tcase_add_test(tests, ranges_are_read_and_hold_what_is_in_them);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
