#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* How often an idle worker looks for work before it sleeps, and the caller for the end before it sleeps: some 20 us,
 * about what a sleep and a wake-up cost. Steps follow each other faster than that when a batch is busy. */
enum { SPINS = 2000 };

typedef struct Worker {
    AgoraPool *pool;
    pthread_t thread;
    int32_t index;
} Worker;

struct AgoraPool {
    int32_t num_threads;
    int32_t num_started;
    uint32_t fork_count; /* forks seen when the threads were started: a child process has none of them */
    AgoraRangeFn *fn;
    void *argument;
    int32_t count;
    atomic_uint round;     /* +1 for each piece of work */
    atomic_int unfinished; /* workers that still run this round */
    atomic_bool is_closing;
    pthread_mutex_t mutex;
    pthread_cond_t work_arrived, work_done;
    Worker workers[];
};

static atomic_uint forks;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void count_fork(void) { atomic_fetch_add(&forks, 1); }
static void watch_forks(void) { pthread_atfork(NULL, NULL, count_fork); }

static inline void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void run_range(const AgoraPool *pool, int32_t index)
{
    int64_t count = pool->count;
    pool->fn(pool->argument, (int32_t)(count * index / pool->num_threads),
             (int32_t)(count * (index + 1) / pool->num_threads));
}

static unsigned await_round(AgoraPool *pool, unsigned seen)
{
    for (int spin = 0; spin < SPINS; spin++) {
        unsigned round = atomic_load_explicit(&pool->round, memory_order_acquire);
        if (round != seen)
            return round;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->round) == seen)
        pthread_cond_wait(&pool->work_arrived, &pool->mutex);
    unsigned round = atomic_load(&pool->round);
    pthread_mutex_unlock(&pool->mutex);
    return round;
}

static void *work(void *argument)
{
    Worker *worker = argument;
    AgoraPool *pool = worker->pool;
    unsigned seen = 0;
    while (true) {
        seen = await_round(pool, seen);
        if (atomic_load(&pool->is_closing))
            return NULL;
        run_range(pool, worker->index);
        if (atomic_fetch_sub(&pool->unfinished, 1) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->work_done);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

static void announce_round(AgoraPool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->round, 1);
    pthread_cond_broadcast(&pool->work_arrived);
    pthread_mutex_unlock(&pool->mutex);
}

static bool has_threads(const AgoraPool *pool) { return pool->fork_count == atomic_load(&forks); }

AgoraPool *agora_pool_create(int32_t num_threads)
{
    AgoraPool *pool = calloc(1, sizeof *pool + (size_t)num_threads * sizeof(Worker));
    if (!pool)
        return NULL;
    pthread_once(&fork_once, watch_forks);
    pool->num_threads = num_threads;
    pool->fork_count = atomic_load(&forks);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work_arrived, NULL);
    pthread_cond_init(&pool->work_done, NULL);
    for (int32_t i = 1; i < num_threads; i++) {
        pool->workers[i] = (Worker){.pool = pool, .index = i};
        if (pthread_create(&pool->workers[i].thread, NULL, work, &pool->workers[i]) != 0) {
            agora_pool_destroy(pool);
            return NULL;
        }
        pool->num_started++;
    }
    return pool;
}

void agora_pool_destroy(AgoraPool *pool)
{
    if (!pool)
        return;
    if (has_threads(pool)) {
        atomic_store(&pool->is_closing, true);
        announce_round(pool);
        for (int32_t i = 1; i <= pool->num_started; i++)
            pthread_join(pool->workers[i].thread, NULL);
        pthread_cond_destroy(&pool->work_arrived);
        pthread_cond_destroy(&pool->work_done);
        pthread_mutex_destroy(&pool->mutex);
    }
    free(pool);
}

void agora_pool_run(AgoraPool *pool, AgoraRangeFn *fn, void *argument, int32_t count)
{
    if (pool->num_threads == 1 || !has_threads(pool)) {
        fn(argument, 0, count); /* the same items with the same results, on this thread */
        return;
    }
    pool->fn = fn;
    pool->argument = argument;
    pool->count = count;
    atomic_store(&pool->unfinished, pool->num_threads - 1);
    announce_round(pool);
    run_range(pool, 0);
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->unfinished) != 0)
        pthread_cond_wait(&pool->work_done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}
