/*
 * Exports that are being read for clients of the job socket. Storage may be slow, so threads of
 * their own read it, a piece at a time and only when the client has taken the piece before: a
 * client that does not read holds a little memory and no thread. Knows nothing of sockets.
 */
#ifndef MSP_FETCHES_H
#define MSP_FETCHES_H

#include "msp/job_message.h"
#include "msp/settings.h"

/* A piece becomes this many bytes of frames at most. */
#define MSP_FETCH_PIECE_BYTES  (4 * MSP_FETCH_DATA_BYTES)
#define MSP_FETCH_FRAMES_BYTES (MSP_FETCH_PIECE_BYTES + 4096)

struct msp_fetches;
struct msp_fetch;

/* `settings` must outlive it. */
struct msp_fetches *msp_fetches_new(const struct msp_settings *settings) MSP_MUST_CHECK;
enum msp_result msp_fetches_start(struct msp_fetches *fetches,
                                  struct msp_error *error) MSP_MUST_CHECK;

/* Begins no further piece. Then wait until none is alive, and free. */
void msp_fetches_stop(struct msp_fetches *fetches);
int msp_fetches_alive(const struct msp_fetches *fetches); /* threads that have not ended yet */
void msp_fetches_free(struct msp_fetches *fetches);       /* NULL is fine */

/* Readable while pieces are ready. */
int msp_fetches_fd(const struct msp_fetches *fetches);

/* How many exports are being read. */
int msp_fetches_count(struct msp_fetches *fetches);

/*
 * The rest is for one thread, the one that serves the sockets.
 * Begins reading what a MSP_JOB_FETCH asks for: its first piece will be ready by and by. MSP_BUSY
 * when too many are being read, of all tenants together or of this one.
 */
enum msp_result msp_fetch_begin(struct msp_fetches *fetches, const struct msp_job_message *order,
                                void *owner, struct msp_fetch **out,
                                struct msp_error *error) MSP_MUST_CHECK;

/* The client has taken the piece; read the next. Not after the last one. */
void msp_fetch_go_on(struct msp_fetch *fetch);

/* Gives it up, at any time; a piece that is being read is thrown away. NULL is fine. */
void msp_fetch_end(struct msp_fetch *fetch);

/*
 * A piece that is ready: its frames are appended to *frames_of(owner), and *out_last says that
 * nothing follows them. False when none is ready (and the fd is quiet again).
 */
bool msp_fetches_take(struct msp_fetches *fetches, struct msp_buffer *(*frames_of)(void *owner),
                      void **out_owner, bool *out_last) MSP_MUST_CHECK;

#endif
