/* msp-analytics reload: SIGHUP to the running master, and its answer. */
#include "master.h"
#include "running_server.h"

#include "msp/clock.h"
#include "msp/json_writer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/*
 * Each turn of new workers has its time; a reload that was under way already comes before ours. An
 * ordinary one takes a fraction of a second.
 */
static int64_t answer_ms(const struct msp_status_board *board)
{
    int workers = 0;
    for (int i = 0; i < MSP_BOARD_SLOTS; i++)
        workers += board->slots[i].kind == MSP_PROCESS_HTTP ? 1 : 0;
    return 1000LL * MSP_RELOAD_TURN_SECONDS * (workers + 2);
}

static uint64_t sequence_of(const struct msp_status_board *board)
{
    return __atomic_load_n(&board->reload.sequence, __ATOMIC_ACQUIRE);
}

static void print_as_json(const struct msp_board_reload *answer)
{
    struct msp_buffer text;
    struct msp_json_writer writer;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&writer, &text);
    msp_json_begin_object(&writer);
    msp_json_key_bool(&writer, "failed", answer->failed != 0);
    msp_json_key_time(&writer, "finished_at", answer->finished_us);
    msp_json_key(&writer, "report");
    msp_json_begin_array(&writer);
    for (const char *line = answer->report; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        msp_json_string_n(&writer, line, length);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    if (!text.failed)
        (void)printf("%.*s\n", (int)text.length, text.data);
    msp_buffer_done(&text);
}

static int print_answer(const struct msp_invocation *invocation,
                        const struct msp_status_board *board)
{
    struct msp_board_reload answer = board->reload;
    answer.report[sizeof(answer.report) - 1] = '\0';
    if (invocation->json)
        print_as_json(&answer);
    else
        (void)fputs(answer.report, answer.failed ? stderr : stdout);
    if (answer.failed && !invocation->json)
        msp_invocation_complain(invocation, "nothing changed; the old settings stay in force");
    return answer.failed ? MSP_COMMAND_FAILED : MSP_COMMAND_DONE;
}

int msp_command_reload(const struct msp_invocation *invocation)
{
    const struct msp_status_board *board = NULL;
    const int found = msp_running_server_find(invocation, &board);
    if (found != MSP_COMMAND_DONE)
        return found;
    const uint64_t before = sequence_of(board);
    const int64_t patience_ms = answer_ms(board);
    int code = MSP_COMMAND_FAILED;
    if (board->master_pid <= 1 || kill(board->master_pid, SIGHUP) != 0) {
        msp_invocation_complain(invocation, "cannot signal the master (pid %d): %s",
                                (int)board->master_pid, strerror(errno));
    } else {
        const int64_t deadline_ms = msp_clock_monotonic_ms() + patience_ms;
        while (sequence_of(board) == before && msp_clock_monotonic_ms() < deadline_ms)
            (void)poll(NULL, 0, 20);
        if (sequence_of(board) != before)
            code = print_answer(invocation, board);
        else
            msp_invocation_complain(invocation,
                                    "the master (pid %d) gave no answer within %d seconds; look "
                                    "at its log",
                                    (int)board->master_pid, (int)(patience_ms / 1000));
    }
    msp_status_board_close(board);
    return code;
}
