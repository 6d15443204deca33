/* Env files of any content: a load ends in whole, valid settings or in complaints, and never shows
 * a secret. */
#include "msp/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *context, bool is_error, const char *sentence)
{
    *(int *)context += is_error && *sentence != '\0';
}

static void show_all(const struct msp_settings *settings)
{
    static const char masked[] = "\nSERVICE_TOKEN=********\n";
    static const char unset[] = "\nSERVICE_TOKEN=\n";
    const char *line = *settings->service_token != '\0' ? masked : unset;
    struct msp_buffer out;
    msp_buffer_init(&out, 0);
    msp_settings_show(settings, true, &out);
    msp_settings_show(settings, false, &out);
    if (!out.failed && memmem(out.data, out.length, line, strlen(line)) == NULL) {
        abort();
    }
    msp_buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct msp_settings settings;
    char path[64];
    int errors = 0;
    int fd = memfd_create("settings", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        abort();
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct msp_settings_sources sources = {.env_file = path};
    enum msp_result result = msp_settings_load(&sources, NULL, count, &errors, &settings);
    (void)close(fd);
    if ((result == MSP_OK) != (errors == 0)) {
        abort();
    }
    if (result == MSP_OK) {
        show_all(&settings);
        if (settings.http_threads < 4 || settings.http_threads > 8192) {
            abort();
        }
    }
    return 0;
}
