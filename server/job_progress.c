/* Draws. Knows neither why a job runs nor when it has ended. */
#include "job_progress.h"

#include "msp/clock.h"
#include "msp/job_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINES_EVERY_MS 1000 /* what changes sooner is left out */
#define USUAL_COLUMNS  80
#define BAR_CELLS      30
#define CLEAR_LINE     "\r\033[K"

void msp_job_progress_init(struct msp_job_progress *progress)
{
    const char *terminal = getenv("TERM");
    *progress = (struct msp_job_progress){
        .bar = isatty(STDERR_FILENO) == 1 && (terminal == NULL || strcmp(terminal, "dumb") != 0)};
}

static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : USUAL_COLUMNS;
}

/* ", 3 min left" */
static void describe_rest(const struct msp_job *job, char *out, size_t size)
{
    int64_t seconds = 0;
    out[0] = '\0';
    if (!msp_job_estimate_end(job, msp_clock_unix_us(), &seconds) || job->done == job->total)
        return;
    if (seconds < 100)
        (void)snprintf(out, size, ", %lld s left", (long long)seconds);
    else if (seconds < 6000)
        (void)snprintf(out, size, ", %lld min left", (long long)(seconds + 30) / 60);
    else
        (void)snprintf(out, size, ", %lld h left", (long long)(seconds + 1800) / 3600);
}

static void draw(struct msp_job_progress *progress, const struct msp_job *job)
{
    char cells[BAR_CELLS + 1];
    char rest[48];
    char line[256];
    /* No division by a total that is not known yet, and no bar over its end. */
    const int64_t total = job->total > 0 ? job->total : 1;
    const int64_t done = job->done < total ? job->done : total;
    const double part = (double)done / (double)total;
    const int filled = (int)(part * BAR_CELLS);
    memset(cells, '.', BAR_CELLS);
    memset(cells, '#', (size_t)filled);
    cells[BAR_CELLS] = '\0';
    describe_rest(job, rest, sizeof(rest));
    (void)snprintf(line, sizeof(line), "[%s] %3d%% %lld/%lld %s%s%s", cells, (int)(part * 100),
                   (long long)job->done, (long long)job->total,
                   job->stage[0] != '\0' ? job->stage : msp_job_state_name(job->state), rest,
                   job->cancel_requested ? ", asked to stop" : "");
    if (progress->shown && strcmp(line, progress->last) == 0)
        return;
    /* A line that wraps could not be drawn over. */
    (void)fprintf(stderr, CLEAR_LINE "%.*s", columns() - 1, line);
    (void)fflush(stderr);
    (void)snprintf(progress->last, sizeof(progress->last), "%s", line);
    progress->shown = true;
}

static void say(struct msp_job_progress *progress, const struct msp_job *job)
{
    char line[160];
    const int64_t now_ms = msp_clock_monotonic_ms();
    (void)snprintf(line, sizeof(line), "%s %lld/%lld %s", msp_job_state_name(job->state),
                   (long long)job->done, (long long)job->total, job->stage);
    if (strcmp(line, progress->last) == 0 ||
        (progress->said_ms != 0 && now_ms - progress->said_ms < LINES_EVERY_MS))
        return;
    (void)fprintf(stderr, "job %s %s\n", job->id, line);
    (void)snprintf(progress->last, sizeof(progress->last), "%s", line);
    progress->said_ms = now_ms;
}

void msp_job_progress_show(struct msp_job_progress *progress, const struct msp_job *job)
{
    if (progress->bar)
        draw(progress, job);
    else
        say(progress, job);
}

void msp_job_progress_clear(struct msp_job_progress *progress)
{
    if (!progress->shown)
        return;
    (void)fputs(CLEAR_LINE, stderr);
    (void)fflush(stderr);
    progress->shown = false;
}
