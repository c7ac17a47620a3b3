/* A batch: E copies of one world, stepped together, writing into arrays that the caller allocated.
 *
 * Life: create, attach (once), seed, reset, then step for ever. Every function that can refuse takes an AgoraError
 * and leaves the batch as it was when it refuses. Results depend on neither the number of threads nor the number of
 * envs: env e is a function of (config, seed, first_env + e, actions of env e).
 */
#ifndef AGORA_BATCH_H
#define AGORA_BATCH_H

#include "game.h"

typedef struct AgoraBatch AgoraBatch;

/* What a step does with an env whose episode is over (the modes that Gymnasium names). */
typedef enum AgoraAutoreset {
    AGORA_SAME_STEP, /* resets within the step; what was last seen goes to final_observations and final_action_masks */
    AGORA_NEXT_STEP, /* the next step ignores the action, resets, and gives reward 0 */
    AGORA_DISABLED,  /* the next step is an error until the caller resets */
} AgoraAutoreset;

/* One group's arrays for all envs: [E, P, ...], C order. All but the optional ones must be given. */
typedef struct AgoraArrays {
    void *observations;
    void *final_observations; /* AGORA_SAME_STEP only */
    void *actions;
    uint8_t *action_masks; /* groups with masks only */
    uint8_t *final_action_masks; /* those with AGORA_SAME_STEP only */
    float *rewards;
    uint8_t *terminations, *truncations, *alive;
    float *infos[AGORA_MAX_INFOS];
} AgoraArrays;

/* Which envs ended an episode in the last step, and how. Rows of other envs keep what they had. */
typedef struct AgoraEpisodeLog {
    uint8_t *ended;     /* [E] */
    int32_t *lengths;   /* [E] steps */
    double *returns;    /* [E, N] undiscounted sum of rewards, N agents of all groups in order */
    double *statistics; /* [E, S] the world's own numbers */
} AgoraEpisodeLog;

/* `config` is borrowed for the batch's life. */
AgoraBatch *agora_batch_create(const AgoraWorld *world, const void *config, int32_t num_envs, int32_t num_threads,
                               AgoraAutoreset autoreset, AgoraError *error);
void agora_batch_destroy(AgoraBatch *batch);

const AgoraGroup *agora_batch_groups(const AgoraBatch *batch, int32_t *count);
const AgoraContext *agora_batch_context(const AgoraBatch *batch);
int32_t agora_batch_num_agents(const AgoraBatch *batch); /* of all groups */

/* One AgoraArrays per group, in the order of the groups. The memory is borrowed for the batch's life. */
void agora_batch_attach(AgoraBatch *batch, const AgoraArrays *arrays, const AgoraEpisodeLog *log);

/* The next reset starts episode 0 of this seed in every env that it resets. Env e draws as env number first_env + e
 * (modulo 2^64): the envs of one large batch can be played in several small ones. */
void agora_batch_seed(AgoraBatch *batch, uint64_t seed, uint64_t first_env);
/* Starts the next episode in the envs where mask is not 0 (NULL: all). */
void agora_batch_reset(AgoraBatch *batch, const uint8_t *mask);

/* Whether these actions ([E, P, ...] of one group) are all inside the space. */
bool agora_batch_check_actions(const AgoraBatch *batch, int32_t group, const void *actions, AgoraError *error);
/* Steps every env with the attached actions. Returns how many episodes ended, -1 when refused. */
int32_t agora_batch_step(AgoraBatch *batch, AgoraError *error);

/* Exact copies of one env: state, generator, running return, last rewards and flags, with a checksum. The generator
 * brings its seed and env number along: a restored env goes on as the one it was taken from, its next episodes included,
 * until the batch is seeded again. */
size_t agora_batch_snapshot_size(const AgoraBatch *batch);
void agora_batch_snapshot(const AgoraBatch *batch, int32_t env, void *bytes);
bool agora_batch_restore(AgoraBatch *batch, int32_t env, const void *bytes, size_t size, AgoraError *error);

/* The state of one env, and its replacement by another valid one (same episode, generator and return). */
const void *agora_batch_state(const AgoraBatch *batch, int32_t env);
bool agora_batch_set_state(AgoraBatch *batch, int32_t env, const void *state, AgoraError *error);

#endif
