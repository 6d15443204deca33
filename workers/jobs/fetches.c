/* A list of fetches, each in one state; threads take those that wait for a piece. */
#include "fetches.h"

#include "egress/egress.h"
#include "msp/clock.h"
#include "msp/export_lookup.h"
#include "storage/storage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS          4
#define FETCHES_MAX      64 /* with a piece each, 16 MB at most */
#define FETCHES_A_TENANT 16
#define CONNECTIONS      2 /* a look at one row takes a millisecond */
#define LOOK_WAIT_MS     5000
#define PIECE_MS         8000
#define ARENA_BYTES      4096

enum fetch_state {
    FETCH_WAITING, /* for a thread */
    FETCH_READING,
    FETCH_READY, /* a piece may be taken */
    FETCH_TAKEN, /* nothing to do before the client has read it */
    FETCH_GIVEN_UP,
};

struct msp_fetch {
    struct msp_fetches *all;
    struct msp_fetch *next;
    enum fetch_state state; /* under the lock */
    void *owner;
    int64_t tenant_id;
    char export_id[MSP_JOB_ID_BYTES];
    char sha256[MSP_SHA256_HEX_BYTES];
    int64_t offset, end;
    bool last; /* of the piece: nothing follows */
    /* Once its record has been read: */
    char *location;
    int64_t bytes;
    char version[MSP_STORAGE_VERSION_BYTES];
    struct msp_buffer frames;
};

struct msp_fetches {
    const struct msp_settings *settings;
    const struct msp_storage *storage; /* NULL: nothing can be fetched */
    struct msp_pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct msp_fetch *first; /* under the lock, oldest first; those that are done go to the end */
    int count;
    int ready_fd;
    bool stopping; /* under the lock */
    atomic_int alive;
    int started;
    pthread_t threads[THREADS];
};

/* ---- one piece ---- */

/* The export as it is on record now; what the asker knows of it must still hold. */
static enum msp_result look_up(struct msp_fetches *all, const struct msp_fetch *fetch,
                               struct msp_arena *arena, struct msp_export_file *out,
                               struct msp_error *error)
{
    struct msp_db *db = NULL;
    enum msp_result result = msp_pool_take(all->pool, LOOK_WAIT_MS, &db, error);
    if (result != MSP_OK) {
        return result;
    }
    result = msp_export_find(db, fetch->tenant_id, fetch->export_id, arena,
                             msp_clock_monotonic_ms() + LOOK_WAIT_MS, out, error);
    msp_pool_give(all->pool, db);
    if (result == MSP_OK && (strcmp(out->sha256, fetch->sha256) != 0 || fetch->end > out->bytes)) {
        return msp_fail(error, MSP_CONFLICT, "export_changed",
                        "The export was written anew meanwhile; ask again.");
    }
    return result;
}

static bool collect(void *context, const void *bytes, size_t size)
{
    struct msp_buffer *piece = context;
    msp_buffer_append(piece, bytes, size);
    return !piece->failed;
}

static enum msp_result read_piece(struct msp_fetches *all, struct msp_fetch *fetch,
                                  struct msp_egress *egress, struct msp_buffer *piece,
                                  struct msp_error *error)
{
    int64_t left = fetch->end - fetch->offset;
    struct msp_storage_read read = {
        .settings = all->settings,
        .egress = egress,
        .url = all->settings->export_storage,
        .location = fetch->location,
        .offset = fetch->offset,
        .length = left < MSP_FETCH_PIECE_BYTES ? left : MSP_FETCH_PIECE_BYTES,
        .deadline_ms = msp_clock_monotonic_ms() + PIECE_MS,
        .sink = collect,
        .context = piece,
        .file_bytes = fetch->bytes, /* stays so where a failure comes before it is known */
    };
    memcpy(read.version, fetch->version, sizeof read.version);
    enum msp_result result = all->storage->read_range(&read, error);
    if (piece->failed) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read an export.");
    }
    if (read.file_bytes != fetch->bytes) {
        return msp_fail(error, MSP_CONFLICT, "export_changed",
                        "%s is not what its record says; export it again if this stays.",
                        fetch->location);
    }
    memcpy(fetch->version, read.version, sizeof fetch->version);
    return result;
}

static enum msp_result frame_piece(struct msp_fetch *fetch, const struct msp_buffer *piece,
                                   struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    for (size_t at = 0; at < piece->length && result == MSP_OK;) {
        size_t left = piece->length - at;
        struct msp_job_message message = {
            .operation = MSP_JOB_DATA,
            .offset = fetch->offset,
            .data = piece->data + at,
            .data_bytes = left < MSP_FETCH_DATA_BYTES ? left : MSP_FETCH_DATA_BYTES,
        };
        result = msp_job_message_encode(&message, &fetch->frames, error);
        at += message.data_bytes;
        fetch->offset += (int64_t)message.data_bytes;
    }
    if (result == MSP_OK && fetch->offset == fetch->end) {
        struct msp_job_message end = {.operation = MSP_JOB_DATA_END, .offset = fetch->end};
        fetch->last = true;
        result = msp_job_message_encode(&end, &fetch->frames, error);
    }
    return result;
}

static void refuse(struct msp_fetch *fetch, const struct msp_error *error)
{
    struct msp_job_message message = {.operation = MSP_JOB_REFUSED, .result = error->result};
    (void)snprintf(message.code, sizeof message.code, "%s", error->code);
    (void)snprintf(message.detail, sizeof message.detail, "%s", error->detail);
    msp_buffer_clear(&fetch->frames);
    fetch->last = true;
    /* Without memory even for this the client's own deadline ends its waiting. */
    if (msp_job_message_encode(&message, &fetch->frames, NULL) != MSP_OK) {
        msp_buffer_clear(&fetch->frames);
    }
}

/*
 * An export changes its record before its file appears and once more behind that: a record that is
 * the same before and after our first look at the file is of that file. What follows is of the same
 * version.
 */
static enum msp_result read_first_piece(struct msp_fetches *all, struct msp_fetch *fetch,
                                        struct msp_egress *egress, struct msp_buffer *piece,
                                        struct msp_error *error)
{
    struct msp_export_file before;
    struct msp_export_file after;
    struct msp_arena *arena = msp_arena_new(ARENA_BYTES);
    if (arena == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read an export.");
    }
    enum msp_result result = look_up(all, fetch, arena, &before, error);
    if (result == MSP_OK) {
        fetch->bytes = before.bytes;
        fetch->location = strdup(before.location);
        result = fetch->location != NULL
                     ? read_piece(all, fetch, egress, piece, error)
                     : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read an export.");
    }
    if (result == MSP_OK) {
        result = look_up(all, fetch, arena, &after, error);
    }
    /* Below 0: MSP_EXPORT_UNSURE. */
    if (result == MSP_OK && (before.revision != after.revision || before.revision < 0)) {
        result = msp_fail(error, MSP_CONFLICT, "export_changed",
                          "The export is being written anew; ask again in a moment.");
    }
    msp_arena_free(arena);
    return result;
}

/* Reads the next piece into fetch->frames, or says there why not. Without the lock. */
static void work_on(struct msp_fetches *all, struct msp_fetch *fetch, struct msp_egress *egress)
{
    struct msp_error error = {.result = MSP_OK};
    struct msp_buffer piece;
    msp_buffer_init(&piece, MSP_FETCH_PIECE_BYTES);
    enum msp_result result = fetch->location == NULL
                                 ? read_first_piece(all, fetch, egress, &piece, &error)
                                 : read_piece(all, fetch, egress, &piece, &error);
    if (result == MSP_OK) {
        result = frame_piece(fetch, &piece, &error);
    }
    if (result != MSP_OK) {
        refuse(fetch, &error);
    }
    msp_buffer_done(&piece);
}

/* ---- the list, under the lock ---- */

static void append(struct msp_fetches *all, struct msp_fetch *fetch)
{
    struct msp_fetch **at = &all->first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    fetch->next = NULL;
    *at = fetch;
}

static void unlink_fetch(struct msp_fetches *all, const struct msp_fetch *fetch)
{
    struct msp_fetch **at = &all->first;
    while (*at != fetch) {
        at = &(*at)->next;
    }
    *at = fetch->next;
}

static struct msp_fetch *find_in_state(const struct msp_fetches *all, enum fetch_state state)
{
    struct msp_fetch *fetch = all->first;
    while (fetch != NULL && fetch->state != state) {
        fetch = fetch->next;
    }
    return fetch;
}

static void discard(struct msp_fetches *all, struct msp_fetch *fetch)
{
    unlink_fetch(all, fetch);
    all->count--;
    msp_buffer_done(&fetch->frames);
    free(fetch->location);
    free(fetch);
}

/* Behind all others, so that each in its turn gets a piece. */
static void queue_up(struct msp_fetches *all, struct msp_fetch *fetch)
{
    unlink_fetch(all, fetch);
    append(all, fetch);
    fetch->state = FETCH_WAITING;
    (void)pthread_cond_signal(&all->work);
}

static void announce(const struct msp_fetches *all)
{
    uint64_t one = 1;
    ssize_t ignored = write(all->ready_fd, &one, sizeof one);
    (void)ignored;
}

/* ---- the threads ---- */

static void *run(void *context)
{
    struct msp_fetches *all = context;
    struct msp_egress *egress = msp_egress_new(""); /* without one each piece makes its own */
    (void)pthread_mutex_lock(&all->lock);
    while (!all->stopping) {
        struct msp_fetch *fetch = find_in_state(all, FETCH_WAITING);
        if (fetch == NULL) {
            (void)pthread_cond_wait(&all->work, &all->lock);
            continue;
        }
        fetch->state = FETCH_READING;
        (void)pthread_mutex_unlock(&all->lock);
        work_on(all, fetch, egress);
        (void)pthread_mutex_lock(&all->lock);
        if (fetch->state == FETCH_GIVEN_UP) {
            discard(all, fetch);
        } else {
            fetch->state = FETCH_READY;
            announce(all);
        }
    }
    (void)pthread_mutex_unlock(&all->lock);
    msp_egress_free(egress);
    atomic_fetch_sub(&all->alive, 1);
    announce(all); /* so that who waits for the end looks around */
    return NULL;
}

struct msp_fetches *msp_fetches_new(const struct msp_settings *settings)
{
    struct msp_db_options options = {
        .url = settings->jobs_database_url,
        .role = "msp_jobs",
        .application_name = "msp-analytics export reader",
    };
    struct msp_fetches *all = calloc(1, sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    all->settings = settings;
    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_cond_init(&all->work, NULL);
    all->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    all->pool = msp_pool_new(&options, CONNECTIONS);
    if (msp_storage_find(settings->export_storage, &all->storage, NULL) != MSP_OK) {
        all->storage = NULL;
    }
    if (all->ready_fd < 0 || all->pool == NULL) {
        msp_fetches_free(all);
        return NULL;
    }
    return all;
}

enum msp_result msp_fetches_start(struct msp_fetches *fetches, struct msp_error *error)
{
    for (; fetches->started < THREADS; fetches->started++) {
        atomic_fetch_add(&fetches->alive, 1);
        int failure = pthread_create(&fetches->threads[fetches->started], NULL, run, fetches);
        if (failure != 0) {
            atomic_fetch_sub(&fetches->alive, 1);
            return msp_fail(error, MSP_NO_MEMORY, "no_thread",
                            "Cannot start a thread that reads exports: %s.", strerror(failure));
        }
    }
    return MSP_OK;
}

void msp_fetches_stop(struct msp_fetches *fetches)
{
    (void)pthread_mutex_lock(&fetches->lock);
    fetches->stopping = true;
    (void)pthread_cond_broadcast(&fetches->work);
    (void)pthread_mutex_unlock(&fetches->lock);
}

int msp_fetches_alive(const struct msp_fetches *fetches)
{
    return atomic_load(&fetches->alive);
}

void msp_fetches_free(struct msp_fetches *fetches)
{
    if (fetches == NULL) {
        return;
    }
    for (int i = 0; i < fetches->started; i++) {
        (void)pthread_join(fetches->threads[i], NULL);
    }
    while (fetches->first != NULL) {
        discard(fetches, fetches->first);
    }
    msp_pool_free(fetches->pool);
    if (fetches->ready_fd >= 0) {
        (void)close(fetches->ready_fd);
    }
    (void)pthread_cond_destroy(&fetches->work);
    (void)pthread_mutex_destroy(&fetches->lock);
    free(fetches);
}

/* ---- the serving thread ---- */

int msp_fetches_fd(const struct msp_fetches *fetches)
{
    return fetches->ready_fd;
}

int msp_fetches_count(struct msp_fetches *fetches)
{
    (void)pthread_mutex_lock(&fetches->lock);
    int count = fetches->count;
    (void)pthread_mutex_unlock(&fetches->lock);
    return count;
}

static enum msp_result check_room(const struct msp_fetches *all, int64_t tenant_id,
                                  struct msp_error *error)
{
    int of_tenant = 0;
    for (const struct msp_fetch *fetch = all->first; fetch != NULL; fetch = fetch->next) {
        of_tenant += fetch->tenant_id == tenant_id ? 1 : 0;
    }
    if (of_tenant >= FETCHES_A_TENANT || all->count >= FETCHES_MAX) {
        return msp_fail(error, MSP_BUSY, "downloads_busy",
                        "Too many exports are being downloaded; try again in a moment.");
    }
    return MSP_OK;
}

enum msp_result msp_fetch_begin(struct msp_fetches *fetches, const struct msp_job_message *order,
                                void *owner, struct msp_fetch **out, struct msp_error *error)
{
    if (fetches->storage == NULL) {
        return msp_fail(error, MSP_NOT_FOUND, "file_missing",
                        "This server has no export storage; set EXPORT_STORAGE.");
    }
    struct msp_fetch *fetch = calloc(1, sizeof *fetch);
    if (fetch == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read an export.");
    }
    fetch->all = fetches;
    fetch->owner = owner;
    fetch->tenant_id = order->tenant_id;
    fetch->offset = order->offset;
    fetch->end = order->offset + order->length;
    memcpy(fetch->export_id, order->export_id, sizeof fetch->export_id);
    memcpy(fetch->sha256, order->sha256, sizeof fetch->sha256);
    msp_buffer_init(&fetch->frames, MSP_FETCH_FRAMES_BYTES);
    (void)pthread_mutex_lock(&fetches->lock);
    enum msp_result result = check_room(fetches, fetch->tenant_id, error);
    if (result == MSP_OK) {
        append(fetches, fetch);
        fetches->count++;
        (void)pthread_cond_signal(&fetches->work);
        *out = fetch;
    }
    (void)pthread_mutex_unlock(&fetches->lock);
    if (result != MSP_OK) {
        free(fetch);
    }
    return result;
}

void msp_fetch_go_on(struct msp_fetch *fetch)
{
    struct msp_fetches *all = fetch->all;
    (void)pthread_mutex_lock(&all->lock);
    if (fetch->state == FETCH_TAKEN && !fetch->last) {
        queue_up(all, fetch);
    }
    (void)pthread_mutex_unlock(&all->lock);
}

void msp_fetch_end(struct msp_fetch *fetch)
{
    if (fetch == NULL) {
        return;
    }
    struct msp_fetches *all = fetch->all;
    (void)pthread_mutex_lock(&all->lock);
    if (fetch->state == FETCH_READING) {
        fetch->state = FETCH_GIVEN_UP; /* its thread discards it */
    } else {
        discard(all, fetch);
    }
    (void)pthread_mutex_unlock(&all->lock);
}

bool msp_fetches_take(struct msp_fetches *fetches, struct msp_buffer *(*frames_of)(void *owner),
                      void **out_owner, bool *out_last)
{
    uint64_t announced;
    ssize_t ignored = read(fetches->ready_fd, &announced, sizeof announced);
    (void)ignored;
    (void)pthread_mutex_lock(&fetches->lock);
    struct msp_fetch *fetch = find_in_state(fetches, FETCH_READY);
    if (fetch != NULL) {
        msp_buffer_append(frames_of(fetch->owner), fetch->frames.data, fetch->frames.length);
        /* A taken piece lies with the client; no reason to hold it twice. */
        msp_buffer_done(&fetch->frames);
        fetch->state = FETCH_TAKEN;
        *out_owner = fetch->owner;
        *out_last = fetch->last;
    }
    (void)pthread_mutex_unlock(&fetches->lock);
    return fetch != NULL;
}
