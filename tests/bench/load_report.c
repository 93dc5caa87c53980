#include "tests/bench/load_report.h"

#include <stdio.h>
#include <sys/resource.h>

static const char *const failure_names[] = {
#define FAILURE(name) #name,
    FAILURES(FAILURE)
#undef FAILURE
};

void load_failed(struct load_counts *counts, enum failure why)
{
    counts->failed++;
    counts->failures[why]++;
    if (counts->times_count < FAILURE_TIMES)
        counts->times[counts->times_count++] = (struct failure_time){clock_ns(), why};
}

static void histogram_print(const char *name, const struct histogram *h)
{
    (void)printf("\"%s\":{\"count\":%lu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,"
                 "\"max\":%.1f},\n",
                 name, h->count, (double)histogram_at(h, 0.5) / 1e3,
                 (double)histogram_at(h, 0.9) / 1e3, (double)histogram_at(h, 0.99) / 1e3,
                 (double)histogram_at(h, 0.999) / 1e3, (double)h->most_ns / 1e3);
}

static void failures_print(const struct load_counts *counts)
{
    const char *comma = "";

    (void)printf("\"failures\":{");
    for (int i = 0; i < FAILURE_COUNT; i++)
        (void)printf("%s\"%s\":%lu", i ? "," : "", failure_names[i], counts->failures[i]);
    (void)printf("},\n\"statuses\":{");
    for (int i = 0; i < STATUSES; i++) {
        if (!counts->statuses[i])
            continue;
        (void)printf("%s\"%d\":%lu", comma, i, counts->statuses[i]);
        comma = ",";
    }
    (void)printf("},\n\"failure_times\":[");
    for (uint64_t i = 0; i < counts->times_count; i++)
        (void)printf("%s[%.6f,\"%s\"]", i ? "," : "", (double)counts->times[i].at_ns / 1e9,
                     failure_names[counts->times[i].why]);
    (void)printf("],\n");
}

static double cpu_seconds(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void load_report(const struct load_counts *counts, const struct load_options *options)
{
    double seconds = (double)(counts->ended_ns - counts->begun_ns) / 1e9;
    double per_second = seconds > 0 ? 1 / seconds : 0;

    (void)printf("{\"requests\":%lu,\"ok\":%lu,\"failed\":%lu,\"aborted\":%lu,\"held\":%lu,"
                 "\"unfinished\":%lu,\n",
                 counts->requests, counts->ok, counts->failed, counts->aborted, counts->held,
                 counts->unfinished);
    failures_print(counts);
    (void)printf("\"connections\":%lu,\"connections_opened\":%lu,\"close_honoured\":%lu,"
                 "\"idle_closed\":%lu,\"queued_most\":%lu,\n",
                 options->connections, counts->connections_opened, counts->close_honoured,
                 counts->idle_closed, counts->queued_most);
    (void)printf("\"chunks\":%lu,\"streams_most\":%lu,\n", counts->chunks,
                 counts->streams_most);
    histogram_print("latency_us", &counts->latency);
    histogram_print("first_us", &counts->first);
    histogram_print("gap_us", &counts->gap);
    (void)printf(
        "\"begun\":%.6f,\"ended\":%.6f,\"seconds\":%.3f,\"rps\":%.1f,\"chunks_per_second\":"
        "%.1f,\"load_cpu_seconds\":%.3f}\n",
        (double)counts->begun_ns / 1e9, (double)counts->ended_ns / 1e9, seconds,
        (double)counts->ok * per_second, (double)counts->chunks * per_second, cpu_seconds());
}
