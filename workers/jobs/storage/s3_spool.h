/*
 * A local file without a name, in which whole files of an export lie one behind the other until
 * they are sent. The kernel frees it with its holder, whatever becomes of that.
 */
#ifndef MSP_S3_SPOOL_H
#define MSP_S3_SPOOL_H

#include "msp/result.h"

#include <stddef.h>
#include <stdint.h>

struct msp_s3_spool {
    int fd; /* -1: none yet */
    int64_t bytes;
};

/* Makes the file in `folder` if there is none yet. MSP_BROKEN "storage_failed". */
enum msp_result msp_s3_spool_open(struct msp_s3_spool *spool, const char *folder,
                                  struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_s3_spool_write(struct msp_s3_spool *spool, const void *bytes, size_t size,
                                   struct msp_error *error) MSP_MUST_CHECK;

/* Gives back what lies behind the first `bytes`. */
void msp_s3_spool_cut(struct msp_s3_spool *spool, int64_t bytes);
void msp_s3_spool_close(struct msp_s3_spool *spool);

/*
 * Waits for no one: false while another thread or process of this machine holds the prefix. The
 * lock is a byte of one file in `folder`, chosen by the prefix's hash, so that nothing is left
 * behind; two prefixes that fall on one byte wait for each other, which harms nobody. *out_fd
 * holds the lock while it is open.
 */
enum msp_result msp_s3_lock(const char *folder, const char *prefix, int *out_fd,
                            struct msp_error *error) MSP_MUST_CHECK;

#endif
