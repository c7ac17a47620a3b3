/* A rig: a batch with arrays of its own, actions from a fixed policy, and hashes of what came out.
 *
 * The policy is a pure function of (env, turn, agent, part): three times in four a legal action where there is a mask,
 * else any action inside the space. So a run needs no record of its actions.
 */
#ifndef RIG_H
#define RIG_H

#include "batch.h"

typedef struct Rig {
    AgoraBatch *batch;
    const AgoraWorld *world;
    int32_t num_envs, num_groups, num_agents;
    const AgoraGroup *groups;
    AgoraArrays arrays[AGORA_MAX_GROUPS];
    AgoraEpisodeLog log;
} Rig;

/* Ends the program when refused: a rig is made of what must work. */
Rig *rig_create(const AgoraWorld *world, const void *config, int32_t num_envs, int32_t num_threads,
                AgoraAutoreset autoreset);
void rig_destroy(Rig *rig);

/* Entries of one agent's observation; flags of one agent's mask (0 without). */
size_t rig_observation_count(const AgoraGroup *group);
size_t rig_mask_width(const AgoraGroup *group);

/* Writes the actions of env e as those of env `first_env + e` in this turn. */
void rig_choose(Rig *rig, int32_t first_env, uint64_t turn);
/* Fills everything that a step must write with this byte. */
void rig_poison(Rig *rig, int byte);
/* Chooses, poisons, steps. Returns how many episodes ended; ends the program when refused. */
int32_t rig_step(Rig *rig, int32_t first_env, uint64_t turn);

/* Continues `hash` over all that one env shows after a step, and over its state. */
uint64_t rig_hash_env(const Rig *rig, int32_t env, uint64_t hash);
/* Continues hashes[e] of each env over `turns` steps from `turn` on. */
void rig_run(Rig *rig, int32_t first_env, uint64_t turn, uint64_t turns, uint64_t *hashes);

/* FNV-1a's multiplication; any start will do. */
uint64_t rig_fold(uint64_t hash, const void *bytes, size_t size);

#endif
