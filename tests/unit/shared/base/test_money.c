#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/money.h"

static const struct {
    const char *text;
    bool good;
    uint64_t nano;
    const char *written;
} cases[] = {
    {"0", true, 0, "0"},
    {"1", true, 1000000000, "1"},
    {"0.000000001", true, 1, "0.000000001"},
    {"12.50", true, 12500000000, "12.5"},
    {"9223372036.854775807", true, INT64_MAX, "9223372036.854775807"},
    {"9223372036.854775808", false, 0, NULL},
    {"18446744074", false, 0, NULL},
    {"99999999999999999999", false, 0, NULL},
    {"0.0000000001", false, 0, NULL},
    {"1.", false, 0, NULL},
    {".5", false, 0, NULL},
    {"1.2.3", false, 0, NULL},
    {"-1", false, 0, NULL},
    {"1e3", false, 0, NULL},
    {"$1", false, 0, NULL},
    {"", false, 0, NULL},
    {" 1", false, 0, NULL},
};

START_TEST(dollars_are_read_and_written_to_the_nanodollar)
{
    uint64_t nano = 77;
    struct buffer out;

    ck_assert_int_eq(money_read(span_of_text(cases[_i].text), &nano), cases[_i].good);
    if (!cases[_i].good) {
        ck_assert_uint_eq(nano, 77);
        return;
    }
    ck_assert_uint_eq(nano, cases[_i].nano);
    buffer_init(&out, 100);
    money_write(&out, nano);
    ck_assert(span_eq(buffer_span(&out), span_of_text(cases[_i].written)));
    buffer_done(&out);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("money");
    TCase *tests = tcase_create("money");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, dollars_are_read_and_written_to_the_nanodollar, 0,
                        ARRAY_LEN(cases));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
