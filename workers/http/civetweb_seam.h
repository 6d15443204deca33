/*
 * The seams with CivetWeb 1.15: what it cannot be told by options it is told by
 * the C library calls it makes, which civetweb_seam.c defines before libc's. Only CivetWeb's own
 * calls are touched: every thread says what it is doing, and a thread that says nothing gets libc.
 */
#ifndef MSP_HTTP_CIVETWEB_SEAM_H
#define MSP_HTTP_CIVETWEB_SEAM_H

#include <civetweb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The layout that request_check.c leans on and the calls made here were read in exactly this
 * version. */
_Static_assert(CIVETWEB_VERSION_MAJOR == 1 && CIVETWEB_VERSION_MINOR == 15 &&
                   CIVETWEB_VERSION_PATCH == 0,
               "read civetweb_seam.c and request_check.c against the new CivetWeb first");

/* CivetWeb's max_request_size: its buffer for the head of a request, one a thread. */
#define MSP_SEAM_HEAD_BYTES 16384

struct msp_seam_options {
    int listener;              /* listening socket to be adopted; stays the caller's */
    int max_connections;       /* accept no more than this many at a time: the number of threads */
    int keep_alive_ms;         /* how long a connection may be idle between two requests */
    int64_t *open_connections; /* of the status board: counted there too; may be NULL */
};

/*
 * mg_start with the listener adopted. `options` must hold exactly one listening port, whose address
 * is not used. Fills in init_thread, init_connection and connection_closed of `callbacks`, which
 * must be NULL. NULL on failure. One context a process at a time.
 */
struct mg_context *msp_seam_start(const struct msp_seam_options *seam,
                                  const struct mg_callbacks *callbacks, void *user_data,
                                  const char **options);

/* Takes no further connection; idle ones are closed once they were idle for a second. */
void msp_seam_drain(void);

/* Ends every wait on a connection, then mg_stop. */
void msp_seam_stop(struct mg_context *context);

/* Changes keep_alive_ms for connections that become idle from now on. */
void msp_seam_set_keep_alive(int keep_alive_ms);

/* Connections accepted and not yet closed. */
int msp_seam_connections(void);

/* Whether more than nine in ten of max_connections are open. */
bool msp_seam_crowded(void);

/*
 * From here to msp_seam_request_end the thread works on a request; waits and transfers on the
 * connection happen only inside the functions below. The first is to be called first in
 * begin_request.
 */
void msp_seam_request_begin(void);
void msp_seam_request_end(bool kept); /* whether another request may follow on the connection */

/*
 * Whether the request line ends in CR LF. CivetWeb puts a NUL for each white space it finds there,
 * so that this must be seen before it parses a head.
 */
bool msp_seam_line_is_sound(void);

/*
 * What the head of the request at hand was: its own bytes, and how its body is framed (-1 =
 * chunked). By this the seam knows where the next head starts. To be called once, when both are
 * known.
 */
void msp_seam_head_taken(size_t head_bytes, int64_t content_length);

/* Whether the chunked body at hand ended as such a body must; CivetWeb itself does not tell. */
bool msp_seam_chunks_are_whole(void);

/* Where CivetWeb's buffer for this connection's heads starts; NULL if nothing was received yet. */
const char *msp_seam_head_buffer(void);

/* What is known of a head that CivetWeb gave up on. */
enum msp_seam_head { MSP_SEAM_HEAD_BAD, MSP_SEAM_HEAD_TOO_LONG, MSP_SEAM_HEAD_TOO_SLOW };
enum msp_seam_head msp_seam_head_fault(void);

/* Whether bytes of a head came in that nobody has answered. */
bool msp_seam_head_unanswered(void);

/*
 * Sets what msp_seam_read allows until the request ends: at most `budget_ms` of waiting altogether
 * (0 = no such limit), and never fewer than 8 KiB/s over 10 s of waiting if `least_rate`.
 */
void msp_seam_limit_reading(int64_t budget_ms, bool least_rate);

/* mg_read under these limits. *out_late tells a limit from a broken connection when it fails. */
int msp_seam_read(struct mg_connection *connection, void *buffer, size_t size, bool *out_late);

/* mg_write; a reader slower than 8 KiB/s over 10 s of waiting, be it for several answers of its
 * connection, is cut off. True if all was written. */
bool msp_seam_write(struct mg_connection *connection, const void *bytes, size_t size);

/* The same for two pieces, as one where the reader keeps up; the second must not be empty. */
bool msp_seam_write_both(struct mg_connection *connection, const void *head, size_t head_size,
                         const void *bytes, size_t size);

/*
 * Says "no more from us" and throws away what still comes in, within both limits, so that the
 * client reads our answer instead of a reset. The connection must be closed behind it.
 */
void msp_seam_linger(size_t max_bytes, int max_ms);

#endif
