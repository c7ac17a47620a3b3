/* The engine's loop over envs: what lies in front of a state, and what a step does with one env.
 *
 * It is compiled once for all worlds, calling them through their table (batch.c). Where a step is hardly longer than
 * such calls, a world compiles the loop once more around its own functions: with a constant table the compiler sees
 * them. AGORA_STEP_ENVS does so.
 */
#ifndef AGORA_STEPPING_H
#define AGORA_STEPPING_H

#include "batch.h"
#include "pool.h"

#include <string.h>

#define AGORA_INLINE static inline __attribute__((always_inline))

/* Bookkeeping in front of every state. */
typedef struct Episode {
    AgoraRng rng;
    uint64_t next_episode; /* the rng.episode of the next reset */
    int32_t length;        /* steps taken */
    uint8_t has_started, is_over;
    uint8_t padding[2];
} Episode;

/* One env's row in each of a group's arrays: bytes, and agents. */
typedef struct RowSizes {
    size_t observations, actions, action_masks;
    int32_t num_agents, num_infos;
} RowSizes;

struct AgoraBatch {
    const AgoraWorld *world;
    AgoraContext context;
    void *model;
    int32_t num_envs, num_groups, num_agents;
    AgoraAutoreset autoreset;
    AgoraGroup groups[AGORA_MAX_GROUPS];
    RowSizes rows[AGORA_MAX_GROUPS];
    AgoraArrays arrays[AGORA_MAX_GROUPS];
    AgoraEpisodeLog log;
    AgoraPool *pool;
    bool has_started;       /* every env has an episode */
    unsigned char *records; /* per env: Episode, returns double [N], state */
    size_t record_size, state_offset;
};

AGORA_INLINE Episode *agora_episode_of(const AgoraBatch *batch, int32_t env)
{
    return (Episode *)(batch->records + (size_t)env * batch->record_size);
}

AGORA_INLINE double *agora_returns_of(const AgoraBatch *batch, int32_t env)
{
    return (double *)(agora_episode_of(batch, env) + 1);
}

AGORA_INLINE void *agora_state_of(const AgoraBatch *batch, int32_t env)
{
    return batch->records + (size_t)env * batch->record_size + batch->state_offset;
}

/* Points at the rows of one env. */
AGORA_INLINE void agora_point_views(const AgoraBatch *batch, int32_t num_groups, int32_t env, AgoraView *views)
{
    for (int32_t g = 0; g < num_groups; g++) {
        const AgoraArrays *arrays = &batch->arrays[g];
        const RowSizes *rows = &batch->rows[g];
        size_t e = (size_t)env, agents = e * (size_t)rows->num_agents;
        views[g].observations = (unsigned char *)arrays->observations + e * rows->observations;
        views[g].actions = (unsigned char *)arrays->actions + e * rows->actions;
        views[g].action_masks = arrays->action_masks ? arrays->action_masks + e * rows->action_masks : NULL;
        views[g].rewards = arrays->rewards + agents;
        views[g].terminations = arrays->terminations + agents;
        views[g].truncations = arrays->truncations + agents;
        views[g].alive = arrays->alive + agents;
        for (int32_t i = 0; i < rows->num_infos; i++)
            views[g].infos[i] = arrays->infos[i] + agents;
    }
}

/* Moves on to the rows of the next env. */
AGORA_INLINE void agora_move_views(const AgoraBatch *batch, int32_t num_groups, AgoraView *views)
{
    for (int32_t g = 0; g < num_groups; g++) {
        const RowSizes *rows = &batch->rows[g];
        views[g].observations = (unsigned char *)views[g].observations + rows->observations;
        views[g].actions = (const unsigned char *)views[g].actions + rows->actions;
        views[g].action_masks = views[g].action_masks ? views[g].action_masks + rows->action_masks : NULL;
        views[g].rewards += rows->num_agents;
        views[g].terminations += rows->num_agents;
        views[g].truncations += rows->num_agents;
        views[g].alive += rows->num_agents;
        for (int32_t i = 0; i < rows->num_infos; i++)
            views[g].infos[i] += rows->num_agents;
    }
}

AGORA_INLINE void agora_clear_outcome(const AgoraBatch *batch, AgoraView *views)
{
    for (int32_t g = 0; g < batch->num_groups; g++) {
        size_t agents = (size_t)batch->rows[g].num_agents;
        memset(views[g].rewards, 0, agents * sizeof(float));
        memset(views[g].terminations, 0, agents);
        memset(views[g].truncations, 0, agents);
        for (int32_t i = 0; i < batch->rows[g].num_infos; i++)
            memset(views[g].infos[i], 0, agents * sizeof(float));
    }
}

AGORA_INLINE void agora_start_episode(const AgoraBatch *batch, const AgoraWorld *world, int32_t env)
{
    Episode *episode = agora_episode_of(batch, env);
    double *returns = agora_returns_of(batch, env);
    void *state = agora_state_of(batch, env);
    episode->rng.episode = episode->next_episode++;
    episode->rng.draws = 0;
    episode->length = 0;
    episode->has_started = 1;
    episode->is_over = 0;
    for (int32_t i = 0; i < batch->num_agents; i++)
        returns[i] = 0;
    memset(state, 0, world->state_size);
    world->reset(&batch->context, &episode->rng, state);
}

AGORA_INLINE void agora_add_rewards(const AgoraBatch *batch, int32_t num_groups, double *returns,
                                    const AgoraView *views)
{
    for (int32_t g = 0; g < num_groups; g++)
        for (int32_t p = 0; p < batch->rows[g].num_agents; p++)
            *returns++ += (double)views[g].rewards[p];
}

AGORA_INLINE void agora_log_episode(const AgoraBatch *batch, const AgoraWorld *world, int32_t env)
{
    size_t e = (size_t)env, agents = (size_t)batch->num_agents;
    double *returns = batch->log.returns + e * agents;
    batch->log.lengths[e] = agora_episode_of(batch, env)->length;
    for (size_t i = 0; i < agents; i++) /* one by one, as they have just been written */
        returns[i] = agora_returns_of(batch, env)[i];
    if (world->num_statistics > 0)
        world->statistics(&batch->context, agora_state_of(batch, env),
                          batch->log.statistics + e * (size_t)world->num_statistics);
}

/* Keeps the last observation of the episode and its masks, and starts the next one. */
AGORA_INLINE void agora_restart(const AgoraBatch *batch, const AgoraWorld *world, int32_t num_groups, int32_t env,
                                AgoraView *views)
{
    void *observations[AGORA_MAX_GROUPS];
    uint8_t *masks[AGORA_MAX_GROUPS];
    for (int32_t g = 0; g < num_groups; g++) {
        observations[g] = views[g].observations;
        masks[g] = views[g].action_masks;
        if (masks[g])
            views[g].action_masks =
                batch->arrays[g].final_action_masks + (size_t)env * batch->rows[g].action_masks;
        views[g].observations =
            (unsigned char *)batch->arrays[g].final_observations + (size_t)env * batch->rows[g].observations;
    }
    world->observe(&batch->context, agora_state_of(batch, env), views);
    for (int32_t g = 0; g < num_groups; g++) {
        views[g].observations = observations[g];
        views[g].action_masks = masks[g];
    }
    agora_start_episode(batch, world, env);
}

/* One step of one env, whose observations, masks and alive flags are then those of the episode that goes on. */
AGORA_INLINE void agora_step_env(const AgoraBatch *batch, const AgoraWorld *world, int32_t num_groups, int32_t env,
                                 AgoraView *views)
{
    Episode *episode = agora_episode_of(batch, env);
    void *state = agora_state_of(batch, env);
    bool is_over = false;
    if (episode->is_over) { /* AGORA_NEXT_STEP */
        agora_start_episode(batch, world, env);
        agora_clear_outcome(batch, views);
    } else {
        is_over = world->step(&batch->context, &episode->rng, state, views);
        episode->length += episode->length < INT32_MAX;
        agora_add_rewards(batch, num_groups, agora_returns_of(batch, env), views);
    }
    batch->log.ended[env] = is_over;
    if (is_over) {
        agora_log_episode(batch, world, env);
        if (batch->autoreset == AGORA_SAME_STEP)
            agora_restart(batch, world, num_groups, env, views);
        else
            episode->is_over = 1;
    }
    world->observe(&batch->context, state, views);
}

/* Steps envs begin to end - 1. */
AGORA_INLINE void agora_step_envs(const AgoraBatch *batch, const AgoraWorld *world, int32_t num_groups, int32_t begin,
                                  int32_t end)
{
    AgoraView views[AGORA_MAX_GROUPS];
    agora_point_views(batch, num_groups, begin, views);
    for (int32_t env = begin; env < end; env++) {
        agora_step_env(batch, world, num_groups, env, views);
        agora_move_views(batch, num_groups, views);
    }
}

/* Defines `step_envs` of a world that has one group: everything inlined into the loop. */
#define AGORA_STEP_ENVS(world)                                                                                         \
    __attribute__((flatten)) static void step_envs(void *batch, int32_t begin, int32_t end)                            \
    {                                                                                                                  \
        agora_step_envs(batch, &world, 1, begin, end);                                                                 \
    }

#endif
