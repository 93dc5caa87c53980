#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "worker/limit/ticket.h"

#define SLOT 3

static struct segment *segment;
static struct places places;
static struct ticket tickets[SEGMENT_INFLIGHT];

static void set_up(void)
{
    int fd;

    segment = segment_create(&fd);
    ck_assert_ptr_nonnull(segment);
    (void)close(fd);
    places_init(&places, segment, SLOT);
}

static void tear_down(void)
{
    segment_detach(segment);
}

static uint32_t state_of(const struct inflight *row)
{
    return atomic_load(&row->state);
}

START_TEST(each_ticket_has_a_row_of_its_own)
{
    static bool seen[SEGMENT_INFLIGHT];

    for (unsigned i = 0; i < SEGMENT_INFLIGHT; i++) {
        ck_assert_int_eq(ticket_take(&places, UINT32_MAX, &tickets[i]), FAULT_NONE);
        ck_assert(!seen[tickets[i].index]);
        seen[tickets[i].index] = true;
        ck_assert_ptr_eq(tickets[i].row, segment_inflight(segment, SLOT, tickets[i].index));
    }
    ck_assert_int_eq(ticket_take(&places, UINT32_MAX, &tickets[0]), FAULT_overloaded);
    for (unsigned i = 0; i < SEGMENT_INFLIGHT; i++)
        ticket_give_back(&places, &tickets[i]);
    ck_assert_uint_eq(places.taken_count, 0);
    ck_assert_uint_eq(places.free_count, SEGMENT_INFLIGHT);
}

END_TEST

START_TEST(a_full_worker_refuses_and_takes_again)
{
    struct ticket one = {.row = NULL}, two = {.row = NULL}, three = {.row = NULL};

    ck_assert_int_eq(ticket_take(&places, 0, &one), FAULT_overloaded);
    ck_assert_int_eq(ticket_take(&places, 2, &one), FAULT_NONE);
    ck_assert_int_eq(ticket_take(&places, 2, &two), FAULT_NONE);
    ck_assert_int_eq(ticket_take(&places, 2, &three), FAULT_overloaded);
    ck_assert_ptr_null(three.row);
    ck_assert_uint_eq(places.taken_count, 2);
    ticket_give_back(&places, &one);
    ck_assert_ptr_null(one.row);
    ck_assert_int_eq(ticket_take(&places, 2, &three), FAULT_NONE);
    /* a limit that was lowered: those that are inside stay */
    ck_assert_int_eq(ticket_take(&places, 1, &one), FAULT_overloaded);
    ticket_give_back(&places, &two);
    ticket_give_back(&places, &three);
    ck_assert_int_eq(ticket_take(&places, 1, &one), FAULT_NONE);
    ticket_give_back(&places, &one);
}

END_TEST

START_TEST(the_row_tells_what_was_sent_until_the_ticket_is_back)
{
    struct inflight facts = {.provider_len = 2,
                             .model_len = 1,
                             .operation_len = 4,
                             .request_id = "req_",
                             .key_id = "key",
                             .tenant = 7,
                             .user = 8,
                             .started_wall_ms = 9,
                             .provider = "up",
                             .model = "m",
                             .operation = "chat",
                             .stream = 1};
    struct ticket ticket = {.row = NULL};
    struct inflight *row;

    ck_assert_int_eq(ticket_take(&places, 10, &ticket), FAULT_NONE);
    row = ticket.row;
    ck_assert_uint_eq(state_of(row), INFLIGHT_FREE);
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        facts.provider[0] = (char)('a' + attempt);
        ticket_sent(&ticket, &facts);
        ck_assert_uint_eq(state_of(row), INFLIGHT_SENT);
        ck_assert_mem_eq(&row->provider_len, &facts.provider_len,
                         offsetof(struct inflight, holds) -
                             offsetof(struct inflight, provider_len));
    }
    ticket_give_back(&places, &ticket);
    ck_assert_uint_eq(state_of(row), INFLIGHT_FREE);
    ck_assert_int_eq(ticket_take(&places, 10, &ticket), FAULT_NONE);
    ck_assert_ptr_eq(ticket.row, row); /* the last used one is warm */
    ticket_give_back(&places, &ticket);
}

END_TEST

START_TEST(the_rows_of_other_workers_are_not_touched)
{
    struct ticket ticket = {.row = NULL};
    struct inflight facts = {.operation_len = 1};

    ck_assert_int_eq(ticket_take(&places, 10, &ticket), FAULT_NONE);
    ticket_sent(&ticket, &facts);
    ck_assert_uint_eq(state_of(segment_inflight(segment, SLOT - 1, ticket.index)),
                      INFLIGHT_FREE);
    ck_assert_uint_eq(state_of(segment_inflight(segment, SLOT + 1, ticket.index)),
                      INFLIGHT_FREE);
    ticket_give_back(&places, &ticket);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("ticket");
    TCase *tests = tcase_create("ticket");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_ticket_has_a_row_of_its_own);
    tcase_add_test(tests, a_full_worker_refuses_and_takes_again);
    tcase_add_test(tests, the_row_tells_what_was_sent_until_the_ticket_is_back);
    tcase_add_test(tests, the_rows_of_other_workers_are_not_touched);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
