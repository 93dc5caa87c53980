#include "shared/base/check.h"

#include "supervisor/controller/inside.h"

static void start_first(struct line *line);

static void run_job(uv_work_t *work)
{
    struct line *line = work->data;

    line->first->run(line->first);
}

/* The next job starts before this one's `done`, which may free the job or add others. */
static void job_ran(uv_work_t *work, int status)
{
    struct line *line = work->data;
    struct line_job *job = line->first;

    (void)status;
    line->first = job->next;
    if (line->first)
        start_first(line);
    job->done(job);
}

static void start_first(struct line *line)
{
    line->work.data = line;
    CHECK(uv_queue_work(line->loop, &line->work, run_job, job_ran) == 0);
}

void line_add(struct line *line, struct line_job *job)
{
    job->next = NULL;
    if (line->first) {
        line->last->next = job;
        line->last = job;
        return;
    }
    line->first = line->last = job;
    start_first(line);
}
