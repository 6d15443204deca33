/*
 * One bucket of an S3 service, addressed by path and spoken to with AWS Signature Version 4. Calls
 * that may be made again are, a few times and for a bounded time, when the service does not answer
 * or answers 5xx; what it refuses is reported with what to do about it. Knows no exports.
 */
#ifndef MSP_S3_CLIENT_H
#define MSP_S3_CLIENT_H

#include "egress/egress.h"
#include "msp/settings.h"

#define MSP_S3_KEY_BYTES       768
#define MSP_S3_ETAG_BYTES      128
#define MSP_S3_UPLOAD_ID_BYTES 512

struct msp_s3_client {
    struct msp_egress *egress;
    bool owns_egress;
    const struct msp_settings *settings;
    char bucket[64];
    char prefix[264]; /* before every key: "" or ending with "/" */
    bool (*should_stop)(void *context);
    void *context;
};

/*
 * `url` is EXPORT_STORAGE, "s3://bucket/prefix". `settings`, `egress` (NULL: the client makes its
 * own), `should_stop` (may be NULL) and its context must outlive the client. MSP_INVALID
 * "storage_malformed".
 */
enum msp_result msp_s3_client_init(struct msp_s3_client *client,
                                   const struct msp_settings *settings, const char *url,
                                   struct msp_egress *egress, bool (*should_stop)(void *context),
                                   void *context, struct msp_error *error) MSP_MUST_CHECK;
void msp_s3_client_done(struct msp_s3_client *client);

/* What is to be sent: `text`, or `bytes` of a file from `offset` on. */
struct msp_s3_body {
    const char *text; /* NULL: the file */
    int fd;
    int64_t offset;
    int64_t bytes;
    const char *sha256; /* hex; NULL: not known yet */
};

/* Makes the object appear whole, or leaves what was there. */
enum msp_result msp_s3_put(const struct msp_s3_client *client, const char *key,
                           const struct msp_s3_body *body, struct msp_error *error) MSP_MUST_CHECK;

struct msp_s3_get {
    const char *key;
    int64_t offset;
    int64_t length;      /* -1: to the end */
    int64_t deadline_ms; /* 0: as long as bytes keep coming */
    bool (*sink)(void *context, const void *bytes, size_t size);
    void *context;
    char etag[MSP_S3_ETAG_BYTES]; /* in: "" or the version wanted; out: the version read */
    int64_t object_bytes;         /* out: of the whole object */
    int64_t given_bytes;          /* out: to the sink; fewer than `length` if the object ends */
};

/*
 * A part of an object, in order; goes on where it stopped when the connection breaks. Version and
 * size are known before the sink is called. MSP_NOT_FOUND "file_missing", MSP_CONFLICT
 * "file_changed", MSP_CANCELLED when the sink says false.
 */
enum msp_result msp_s3_get(const struct msp_s3_client *client, struct msp_s3_get *get,
                           struct msp_error *error) MSP_MUST_CHECK;

/* Calls `visit` for every object below the key, its name behind `below`; false ends the list. */
enum msp_result msp_s3_list(const struct msp_s3_client *client, const char *below,
                            bool (*visit)(void *context, const char *name, int64_t bytes),
                            void *context, struct msp_error *error) MSP_MUST_CHECK;

/* ---- uploads in parts (s3_upload.c): nothing is seen of one before it is completed ---- */

struct msp_s3_upload {
    const char *key;
    char id[MSP_S3_UPLOAD_ID_BYTES];
    int64_t bytes;                    /* of the whole object */
    int parts;                        /* sent so far */
    char (*etags)[MSP_S3_ETAG_BYTES]; /* one a part; room for all of them is the caller's */
};

enum msp_result msp_s3_upload_begin(const struct msp_s3_client *client,
                                    struct msp_s3_upload *upload,
                                    struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_s3_upload_part(const struct msp_s3_client *client, struct msp_s3_upload *upload,
                                   const struct msp_s3_body *body,
                                   struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_s3_upload_complete(const struct msp_s3_client *client,
                                       const struct msp_s3_upload *upload,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* Tried once and briefly, also while stopping: what stays behind is swept by the next writer. */
enum msp_result msp_s3_upload_abort(const struct msp_s3_client *client, const char *key,
                                    const char *id, struct msp_error *error) MSP_MUST_CHECK;

/* Aborts every upload in parts below the key, which must belong to writers that are gone. Doubles
 * as the question whether keys and bucket are right. */
enum msp_result msp_s3_sweep(const struct msp_s3_client *client, const char *below,
                             struct msp_error *error) MSP_MUST_CHECK;

#endif
