/* Worker threads that run one function over fixed ranges.
 *
 * Contract: worker i of n gets items [count * i / n, count * (i + 1) / n), always the same ones, and may write only
 * what belongs to its items. The caller is worker 0; `run` returns when every worker is through. Nothing a worker
 * computes may depend on which thread it is.
 */
#ifndef AGORA_POOL_H
#define AGORA_POOL_H

#include <stdint.h>

typedef struct AgoraPool AgoraPool;
typedef void AgoraRangeFn(void *argument, int32_t begin, int32_t end);

/* NULL when memory or threads cannot be had. num_threads >= 1; 1 starts no thread. */
AgoraPool *agora_pool_create(int32_t num_threads);
void agora_pool_destroy(AgoraPool *pool);
void agora_pool_run(AgoraPool *pool, AgoraRangeFn *fn, void *argument, int32_t count);

#endif
