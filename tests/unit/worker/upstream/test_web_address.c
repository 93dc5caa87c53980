#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"

#include "worker/upstream/web_address.h"

static struct arena arena;
static struct buffer out;

static void set_up(void)
{
    arena_init(&arena, 0);
    buffer_init(&out, 65536);
}

static void tear_down(void)
{
    arena_done(&arena);
    buffer_done(&out);
}

/* "https HOST PORT TARGET", or "refused". */
static const char *described(bool good, const struct web_address *address)
{
    buffer_clear(&out);
    if (good)
        (void)buffer_append_format(&out, "%s %.*s %u %.*s", address->tls ? "https" : "http",
                                   SPAN_ARG(address->host), address->port,
                                   SPAN_ARG(address->target));
    else
        (void)buffer_append(&out, SPAN("refused"));
    (void)buffer_append_byte(&out, '\0');
    return out.ptr;
}

static const struct {
    const char *text, *expected;
} addresses[] = {
    {"https://a.example/b.png", "https a.example 443 /b.png"},
    {"HTTPS://A.Example/b.png", "https A.Example 443 /b.png"},
    {"http://a.example", "http a.example 80 /"},
    {"http://a.example:8080?x=1", "http a.example 8080 /?x=1"},
    {"https://a.example/b?c#d", "https a.example 443 /b?c"},
    {"https://a.example#d", "https a.example 443 /"},
    {"https://a.example/a b\"<>\\^`{|}",
     "https a.example 443 /a%20b%22%3C%3E%5C%5E%60%7B%7C%7D"},
    {"https://a.example/\xc3\xa4\r\nX: y", "https a.example 443 /%C3%A4%0D%0AX:%20y"},
    {"https://a.example/%41?u=https://b.example/@",
     "https a.example 443 /%41?u=https://b.example/@"},
    {"https://192.0.2.1/", "https 192.0.2.1 443 /"},
    {"https://[2001:db8::1]:8443/", "https 2001:db8::1 8443 /"},
    {"https://a.example./", "https a.example. 443 /"},
    {"https://a_b.example/", "https a_b.example 443 /"},
    {"", "refused"},
    {"https:", "refused"},
    {"https://", "refused"},
    {"https:///x", "refused"},
    {"https://:443/x", "refused"},
    {"ftp://a.example/", "refused"},
    {"file:///etc/passwd", "refused"},
    {"//a.example/", "refused"},
    {" https://a.example/", "refused"},
    {"https://user@a.example/", "refused"},
    {"https://user:word@a.example/", "refused"},
    {"https://a.example\\@b.example/", "refused"},
    {"https://a.example%2f@b.example/", "refused"},
    {"https://a.ex\xc3\xa4mple/", "refused"},
    {"https://a.example\t/", "refused"},
    {"https://a b/", "refused"},
    {"https://a.example:0/", "refused"},
    {"https://a.example:/", "refused"},
    {"https://a.example:65536/", "refused"},
    {"https://a.example:+80/", "refused"},
    {"https://a.example:80:80/", "refused"},
    {"http://a.example:22/", "refused"},
    {"http://a.example:25/", "refused"},
    {"http://a.example:1023/", "refused"},
    {"http://a.example:1024/", "http a.example 1024 /"},
    {"https://127.1/", "refused"},
    {"https://2130706433/", "refused"},
    {"https://0x7f000001/", "refused"},
    {"https://0x7f.0.0.1/", "refused"},
    {"https://0177.0.0.1/", "refused"},
    {"https://127.0.0.1./", "refused"},
    {"https://1.2.3.4.5/", "refused"},
    {"https://256.0.0.1/", "refused"},
    {"https://[fe80::1%25eth0]/", "refused"},
    {"https://[fe80::1%eth0]/", "refused"},
    {"https://[::1/", "refused"},
    {"https://[]/", "refused"},
    {"https://[::1]x/", "refused"},
    {"https://[%%]/", "refused"},
    {"https://[localhost]/", "refused"},
    {"https://[127.0.0.1]/", "refused"},
    {"https://[1::2::3]/", "refused"},
    {"https://::1/", "refused"},
};

START_TEST(an_address_is_read_into_its_parts)
{
    for (unsigned i = 0; i < ARRAY_LEN(addresses); i++) {
        struct web_address address = {.port = 0};
        bool good = web_address_read(span_of_text(addresses[i].text), &arena, &address);

        ck_assert_msg(strcmp(described(good, &address), addresses[i].expected) == 0, "%s: %s",
                      addresses[i].text, out.ptr);
    }
}

END_TEST

static const struct {
    const char *location, *expected;
} locations[] = {
    {"https://b.example/x", "https b.example 443 /x"},
    {"http://b.example", "http b.example 80 /"},
    {"//b.example:8443/x", "https b.example 8443 /x"},
    {"//u@b.example/x", "refused"},
    {"/x?y", "https a.example 8443 /x?y"},
    {"x", "https a.example 8443 /d/x"},
    {"?z", "https a.example 8443 /d/e?z"},
    {"x/y:z", "https a.example 8443 /d/x/y:z"},
    {"#f", "https a.example 8443 /d/"},
    {"x y", "https a.example 8443 /d/x%20y"},
    {"file:///etc/passwd", "refused"},
    {"javascript:x", "refused"},
    {"a:b", "refused"},
    {"", "refused"},
};

START_TEST(a_redirect_leads_from_where_it_stood)
{
    struct web_address from, to = {.port = 0};

    ck_assert(web_address_read(SPAN("https://a.example:8443/d/e?f/g"), &arena, &from));
    for (unsigned i = 0; i < ARRAY_LEN(locations); i++) {
        bool good = web_address_follow(&from, span_of_text(locations[i].location), &arena, &to);

        ck_assert_msg(strcmp(described(good, &to), locations[i].expected) == 0, "%s: %s",
                      locations[i].location, out.ptr);
    }
}

END_TEST

START_TEST(what_is_too_long_is_refused)
{
    static char text[WEB_ADDRESS_BYTES_MAX + 2];
    struct web_address address, next;

    memset(text, 'a', sizeof(text));
    memcpy(text, "https://h/", 10);
    ck_assert(web_address_read(span_of(text, WEB_ADDRESS_BYTES_MAX), &arena, &address));
    ck_assert(!web_address_read(span_of(text, WEB_ADDRESS_BYTES_MAX + 1), &arena, &address));
    text[0] = '/';
    ck_assert(
        !web_address_follow(&address, span_of(text, WEB_ADDRESS_BYTES_MAX + 1), &arena, &next));
    text[0] = 'h';
    memset(text + 10, ' ', WEB_ADDRESS_BYTES_MAX - 10); /* three bytes each */
    ck_assert(!web_address_read(span_of(text, WEB_ADDRESS_BYTES_MAX), &arena, &address));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("web_address");
    TCase *tests = tcase_create("web_address");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_address_is_read_into_its_parts);
    tcase_add_test(tests, a_redirect_leads_from_where_it_stood);
    tcase_add_test(tests, what_is_too_long_is_refused);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
