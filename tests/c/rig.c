#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE_STATE = 32768 }; /* bytes */

static void *must_allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        abort();
    return memory;
}

size_t rig_observation_count(const AgoraGroup *group)
{
    size_t count = 1;
    for (int32_t i = 0; i < group->observation_rank; i++)
        count *= (size_t)group->observation_shape[i];
    return count;
}

size_t rig_mask_width(const AgoraGroup *group)
{
    size_t width = 0;
    for (int32_t i = 0; i < group->action_parts && group->has_action_mask; i++)
        width += (size_t)group->choices[i];
    return width;
}

static size_t observation_size(const AgoraGroup *group)
{
    return rig_observation_count(group) * agora_dtype_size(group->observation_dtype);
}

static AgoraArrays allocate_arrays(const AgoraGroup *group, size_t num_envs, AgoraAutoreset autoreset)
{
    size_t agents = num_envs * (size_t)group->num_agents;
    AgoraArrays arrays = {
        .observations = must_allocate(agents * observation_size(group)),
        .final_observations = autoreset == AGORA_SAME_STEP ? must_allocate(agents * observation_size(group)) : NULL,
        .actions = must_allocate(agents * (size_t)group->action_parts * sizeof(int32_t)),
        .action_masks = group->has_action_mask ? must_allocate(agents * rig_mask_width(group)) : NULL,
        .final_action_masks = group->has_action_mask && autoreset == AGORA_SAME_STEP
                                  ? must_allocate(agents * rig_mask_width(group))
                                  : NULL,
        .rewards = must_allocate(agents * sizeof(float)),
        .terminations = must_allocate(agents),
        .truncations = must_allocate(agents),
        .alive = must_allocate(agents),
    };
    for (int32_t i = 0; i < group->num_infos; i++)
        arrays.infos[i] = must_allocate(agents * sizeof(float));
    return arrays;
}

Rig *rig_create(const AgoraWorld *world, const void *config, int32_t num_envs, int32_t num_threads,
                AgoraAutoreset autoreset)
{
    AgoraError error;
    Rig *rig = must_allocate(sizeof *rig);
    rig->world = world;
    rig->num_envs = num_envs;
    rig->batch = agora_batch_create(world, config, num_envs, num_threads, autoreset, &error);
    if (!rig->batch) {
        printf("a batch of %s was refused: %s\n", world->name, error.text);
        exit(1);
    }
    rig->groups = agora_batch_groups(rig->batch, &rig->num_groups);
    rig->num_agents = agora_batch_num_agents(rig->batch);
    for (int32_t g = 0; g < rig->num_groups; g++)
        rig->arrays[g] = allocate_arrays(&rig->groups[g], (size_t)num_envs, autoreset);
    size_t envs = (size_t)num_envs;
    rig->log = (AgoraEpisodeLog){
        .ended = must_allocate(envs),
        .lengths = must_allocate(envs * sizeof(int32_t)),
        .returns = must_allocate(envs * (size_t)rig->num_agents * sizeof(double)),
        .statistics = must_allocate(envs * (size_t)world->num_statistics * sizeof(double)),
    };
    agora_batch_attach(rig->batch, rig->arrays, &rig->log);
    return rig;
}

void rig_destroy(Rig *rig)
{
    agora_batch_destroy(rig->batch);
    for (int32_t g = 0; g < AGORA_MAX_GROUPS; g++) {
        const AgoraArrays *arrays = &rig->arrays[g];
        void *all[] = {arrays->observations,       arrays->final_observations, arrays->actions,
                       arrays->action_masks,       arrays->final_action_masks, arrays->rewards,
                       arrays->terminations,       arrays->truncations,        arrays->alive};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            free(all[i]);
        for (int32_t i = 0; i < AGORA_MAX_INFOS; i++)
            free(arrays->infos[i]);
    }
    free(rig->log.ended);
    free(rig->log.lengths);
    free(rig->log.returns);
    free(rig->log.statistics);
    free(rig);
}

/* ---- actions ---- */

static int32_t choose_part(AgoraRng *rng, const uint8_t *mask, int32_t choices)
{
    int32_t action = (int32_t)agora_draw_below(rng, (uint32_t)choices);
    bool is_any = agora_draw_below(rng, 4) == 0;
    for (int32_t i = 0; i < choices && mask && !is_any && mask[action] != 1; i++)
        action = (action + 1) % choices;
    return action;
}

/* `slot` counts the agents of one group over all envs. */
static void choose_agent(const AgoraGroup *group, const AgoraArrays *arrays, size_t slot, AgoraRng *rng)
{
    const uint8_t *mask = arrays->action_masks ? arrays->action_masks + slot * rig_mask_width(group) : NULL;
    for (int32_t part = 0; part < group->action_parts; part++) {
        size_t at = slot * (size_t)group->action_parts + (size_t)part;
        if (group->action_kind == AGORA_CONTINUOUS) {
            float low = group->action_low[part], high = group->action_high[part];
            ((float *)arrays->actions)[at] = low + (high - low) * (float)agora_draw_below(rng, 17) / 16;
            continue;
        }
        ((int32_t *)arrays->actions)[at] = choose_part(rng, mask, group->choices[part]);
        mask = mask ? mask + group->choices[part] : NULL;
    }
}

void rig_choose(Rig *rig, int32_t first_env, uint64_t turn)
{
    for (int32_t e = 0; e < rig->num_envs; e++) {
        AgoraRng rng = {.seed = 20240607, .stream = (uint64_t)(first_env + e), .episode = turn};
        for (int32_t g = 0; g < rig->num_groups; g++)
            for (int32_t p = 0; p < rig->groups[g].num_agents; p++)
                choose_agent(&rig->groups[g], &rig->arrays[g], (size_t)(e * rig->groups[g].num_agents + p), &rng);
    }
}

void rig_poison(Rig *rig, int byte)
{
    for (int32_t g = 0; g < rig->num_groups; g++) {
        const AgoraArrays *arrays = &rig->arrays[g];
        size_t agents = (size_t)rig->num_envs * (size_t)rig->groups[g].num_agents;
        memset(arrays->observations, byte, agents * observation_size(&rig->groups[g]));
        if (arrays->action_masks)
            memset(arrays->action_masks, byte, agents * rig_mask_width(&rig->groups[g]));
        memset(arrays->rewards, byte, agents * sizeof(float));
        memset(arrays->terminations, byte, agents);
        memset(arrays->truncations, byte, agents);
        memset(arrays->alive, byte, agents);
        for (int32_t i = 0; i < rig->groups[g].num_infos; i++)
            memset(arrays->infos[i], byte, agents * sizeof(float));
    }
    memset(rig->log.ended, byte, (size_t)rig->num_envs);
}

int32_t rig_step(Rig *rig, int32_t first_env, uint64_t turn)
{
    AgoraError error;
    rig_choose(rig, first_env, turn);
    rig_poison(rig, turn % 2 ? 0xA5 : 0x5A);
    int32_t ended = agora_batch_step(rig->batch, &error);
    if (ended < 0) {
        printf("a step of %s was refused: %s\n", rig->world->name, error.text);
        exit(1);
    }
    return ended;
}

/* ---- hashes ---- */

uint64_t rig_fold(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    while (size > 0) {
        /* Copied eight at a time, because the thread sanitizer looks at every access to memory that may be shared. */
        unsigned char chunk[8];
        size_t count = size < sizeof chunk ? size : sizeof chunk;
        if (count == sizeof chunk)
            memcpy(chunk, byte, sizeof chunk);
        else
            memcpy(chunk, byte, count);
        for (size_t i = 0; i < count; i++)
            hash = (hash ^ (chunk[i] + 1u)) * 0x100000001b3u; /* + 1: a zero byte moves a zero hash as well */
        byte += count;
        size -= count;
    }
    return hash;
}

/* The same by words, for states whose bytes take too long one by one. */
static uint64_t fold_words(uint64_t hash, const void *bytes, size_t size)
{
    const uint64_t *words = bytes;
    for (size_t i = 0; i < size / sizeof *words; i++) {
        hash = (hash ^ words[i]) * 0x9E3779B97F4A7C15u + 1;
        hash ^= hash >> 32;
    }
    return hash;
}

static uint64_t hash_rows(uint64_t hash, const void *array, int32_t env, size_t row_size)
{
    return array ? rig_fold(hash, (const unsigned char *)array + (size_t)env * row_size, row_size) : hash;
}

static uint64_t hash_group(const Rig *rig, int32_t g, int32_t env, uint64_t hash)
{
    const AgoraGroup *group = &rig->groups[g];
    const AgoraArrays *arrays = &rig->arrays[g];
    size_t agents = (size_t)group->num_agents;
    hash = hash_rows(hash, arrays->observations, env, agents * observation_size(group));
    if (rig->log.ended[env])
        hash = hash_rows(hash, arrays->final_observations, env, agents * observation_size(group));
    hash = hash_rows(hash, arrays->action_masks, env, agents * rig_mask_width(group));
    hash = hash_rows(hash, arrays->rewards, env, agents * sizeof(float));
    hash = hash_rows(hash, arrays->terminations, env, agents);
    hash = hash_rows(hash, arrays->truncations, env, agents);
    hash = hash_rows(hash, arrays->alive, env, agents);
    for (int32_t i = 0; i < group->num_infos; i++)
        hash = hash_rows(hash, arrays->infos[i], env, agents * sizeof(float));
    return hash;
}

uint64_t rig_hash_env(const Rig *rig, int32_t env, uint64_t hash)
{
    for (int32_t g = 0; g < rig->num_groups; g++)
        hash = hash_group(rig, g, env, hash);
    hash = hash_rows(hash, rig->log.ended, env, 1);
    if (rig->log.ended[env]) {
        hash = hash_rows(hash, rig->log.lengths, env, sizeof(int32_t));
        hash = hash_rows(hash, rig->log.returns, env, (size_t)rig->num_agents * sizeof(double));
        hash = hash_rows(hash, rig->log.statistics, env, (size_t)rig->world->num_statistics * sizeof(double));
    }
    const void *state = agora_batch_state(rig->batch, env);
    return rig->world->state_size < LARGE_STATE ? rig_fold(hash, state, rig->world->state_size)
                                                : fold_words(hash, state, rig->world->state_size);
}

void rig_run(Rig *rig, int32_t first_env, uint64_t turn, uint64_t turns, uint64_t *hashes)
{
    for (uint64_t t = turn; t < turn + turns; t++) {
        rig_step(rig, first_env, t);
        for (int32_t e = 0; e < rig->num_envs; e++)
            hashes[e] = rig_hash_env(rig, e, hashes[e]);
    }
}
