#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/segment/segment.c"

static struct segment *segment;
static int segment_fd;

static void before(void)
{
    segment = segment_create(&segment_fd);
    ck_assert_ptr_nonnull(segment);
}

static void after(void)
{
    segment_detach(segment);
    (void)close(segment_fd);
}

START_TEST(what_one_process_writes_another_reads)
{
    struct segment *other = segment_attach(segment_fd);

    ck_assert_ptr_nonnull(other);
    ck_assert_ptr_ne(other, segment);
    atomic_store(&segment_slot(segment, 5)->connections, 12);
    atomic_store(segment_generation(segment), 9);
    metric_add(segment_metrics(segment, 5), METRIC_requests_total, 3);
    ck_assert_uint_eq(atomic_load(&segment_slot(other, 5)->connections), 12);
    ck_assert_uint_eq(atomic_load(segment_generation(other)), 9);
    ck_assert_uint_eq(atomic_load(&segment_metrics(other, 5)->counters[METRIC_requests_total]),
                      3);
    segment_detach(other);
}

END_TEST

START_TEST(parts_neither_overlap_nor_leave_the_mapping)
{
    uint64_t end = 4096;

    for (size_t i = 0; i < PART_COUNT; i++) {
        ck_assert_uint_ge(contents[i].offset, end);
        ck_assert_uint_eq(contents[i].offset % 4096, 0);
        end = contents[i].offset + contents[i].size;
    }
    ck_assert_uint_le(end, sizeof(struct layout));
    ck_assert_ptr_eq(
        (char *)segment_inflight(segment, SEGMENT_SLOTS - 1, SEGMENT_INFLIGHT - 1) +
            sizeof(struct inflight),
        (char *)segment + end);
}

END_TEST

START_TEST(empty_segment_takes_little_memory)
{
    struct stat status;

    ck_assert_int_eq(fstat(segment_fd, &status), 0);
    ck_assert_int_lt(status.st_blocks * 512, 64 * 1024);
}

END_TEST

static void other_magic(struct segment *head)
{
    head->magic++;
}

static void other_version(struct segment *head)
{
    head->version++;
}

static void other_part_size(struct segment *head)
{
    head->parts[PART_metrics].size += 64;
}

static void other_part_name(struct segment *head)
{
    head->parts[PART_slots].name[0] = 'x';
}

static void other_total(struct segment *head)
{
    head->size++;
}

static void (*const spoilers[])(struct segment *head) = {
    other_magic, other_version, other_part_size, other_part_name, other_total,
};

START_TEST(segment_of_another_layout_is_refused)
{
    spoilers[_i](segment);
    errno = 0;
    ck_assert_ptr_null(segment_attach(segment_fd));
    ck_assert_int_eq(errno, EPROTO);
}

END_TEST

START_TEST(file_of_another_size_is_refused)
{
    int fd = memfd_create("small", MFD_CLOEXEC);

    errno = 0;
    ck_assert_ptr_null(segment_attach(fd));
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_int_eq(ftruncate(fd, sizeof(struct layout)), 0); /* all zero */
    ck_assert_ptr_null(segment_attach(fd));
    (void)close(fd);
    ck_assert_ptr_null(segment_attach(fd));
    ck_assert_int_eq(ftruncate(segment_fd, 4096), -1); /* sealed: no reader can be hurt */
}

END_TEST

START_TEST(journal_numbers_never_repeat)
{
    uint64_t first = segment_next_journal(segment);

    ck_assert_uint_gt(first, 0);
    ck_assert_uint_eq(segment_next_journal(segment), first + 1);
}

END_TEST

static const struct {
    const char *name;
    uint32_t state, connections;
    uint64_t heartbeat_ms;
    uint32_t lowest;
} lowest_cases[] = {
    {"ready and fresh", SLOT_READY, 3, 9000, 3},
    {"just fresh", SLOT_READY, 3, 8001, 3},
    {"too old", SLOT_READY, 3, 8000, 7},
    {"starting", SLOT_STARTING, 3, 9000, 7},
    {"draining", SLOT_DRAINING, 3, 9000, 7},
    {"dead", SLOT_DEAD, 0, 9000, 7},
    {"more than the other", SLOT_READY, 8, 9000, 7},
    {"none", SLOT_READY, 0, 9000, 0},
};

START_TEST(lowest_count_is_of_ready_workers_that_live)
{
    struct slot *one = segment_slot(segment, 1), *two = segment_slot(segment, 60);

    ck_assert_uint_eq(segment_lowest_connections(segment, 10000), UINT32_MAX);
    atomic_store(&two->state, SLOT_READY);
    atomic_store(&two->connections, 7);
    atomic_store(&two->heartbeat_ms, 10000);
    atomic_store(&one->state, lowest_cases[_i].state);
    atomic_store(&one->connections, lowest_cases[_i].connections);
    atomic_store(&one->heartbeat_ms, lowest_cases[_i].heartbeat_ms);
    ck_assert_msg(segment_lowest_connections(segment, 10000) == lowest_cases[_i].lowest, "%s",
                  lowest_cases[_i].name);
}

END_TEST

static const struct {
    uint64_t us;
    unsigned bucket;
} histogram_cases[] = {
    {0, 0},        {1, 0},           {16, 0},          {17, 1},       {32, 1},
    {33, 2},       {1024, 6},        {1025, 7},        {4194304, 18}, {4194305, 19},
    {8388608, 19}, {1ULL << 62, 19}, {UINT64_MAX, 19},
};

START_TEST(histogram_counts_in_the_bucket_whose_bound_is_not_passed)
{
    struct histogram *histogram = &segment_metrics(segment, 0)->total;

    histogram_add(histogram, histogram_cases[_i].us);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        ck_assert_uint_eq(atomic_load(&histogram->buckets[i]), i == histogram_cases[_i].bucket);
    ck_assert_uint_eq(atomic_load(&histogram->count), 1);
    ck_assert_uint_eq(atomic_load(&histogram->sum_us), histogram_cases[_i].us);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("segment");
    TCase *segment_case = tcase_create("segment");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(segment_case, before, after);
    tcase_add_test(segment_case, what_one_process_writes_another_reads);
    tcase_add_test(segment_case, parts_neither_overlap_nor_leave_the_mapping);
    tcase_add_test(segment_case, empty_segment_takes_little_memory);
    tcase_add_loop_test(segment_case, segment_of_another_layout_is_refused, 0,
                        (int)ARRAY_LEN(spoilers));
    tcase_add_test(segment_case, file_of_another_size_is_refused);
    tcase_add_test(segment_case, journal_numbers_never_repeat);
    tcase_add_loop_test(segment_case, lowest_count_is_of_ready_workers_that_live, 0,
                        (int)ARRAY_LEN(lowest_cases));
    tcase_add_loop_test(segment_case, histogram_counts_in_the_bucket_whose_bound_is_not_passed,
                        0, (int)ARRAY_LEN(histogram_cases));
    suite_add_tcase(suite, segment_case);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
