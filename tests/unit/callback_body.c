/* What a receiver is sent: the job as it is shown, and never more than receivers take. */
#include "callback_send.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *write_body(const struct msp_job *job)
{
    static struct msp_buffer body;
    msp_buffer_done(&body);
    msp_callback_write_body(job, &body);
    cr_assert_not(body.failed);
    msp_buffer_append(&body, "", 1);
    return body.data;
}

Test(callback_body, is_the_job_as_it_is_shown)
{
    struct msp_job job = {
        .id = "0b5c", .kind = "kpi", .state = MSP_JOB_SUCCEEDED, .result = "{\"days\":1}"};
    const char *body = write_body(&job);
    cr_assert(strncmp(body, "{\"job\":{\"id\":\"0b5c\",\"kind\":\"kpi\",", 32) == 0, "%s", body);
    cr_assert(strstr(body, "\"result\":{\"days\":1}") != NULL);
    cr_assert(strstr(body, "result_omitted") == NULL);
}

Test(callback_body, leaves_out_a_result_that_no_receiver_would_take_and_says_so)
{
    size_t size = 20U << 20;
    char *result = malloc(size + 1);
    memset(result, ' ', size);
    result[0] = '{';
    result[size - 1] = '}';
    result[size] = '\0';
    struct msp_job job = {
        .id = "0b5c", .kind = "export", .state = MSP_JOB_SUCCEEDED, .result = result};
    const char *body = write_body(&job);
    cr_assert(strlen(body) < 1000);
    cr_assert(strstr(body, "\"result\":null") != NULL);
    cr_assert(strstr(body, "},\"result_omitted\":true}") != NULL, "%s", body);
    free(result);
}
