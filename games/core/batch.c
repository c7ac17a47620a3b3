#include "batch.h"

#include "stepping.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t agora_dtype_size(AgoraDtype dtype)
{
    static const size_t sizes[] = {[AGORA_U8] = 1,  [AGORA_I16] = 2, [AGORA_U16] = 2, [AGORA_I32] = 4,
                                   [AGORA_I64] = 8, [AGORA_F32] = 4, [AGORA_F64] = 8};
    return sizes[dtype];
}

static size_t round_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

/* ---- life ---- */

static RowSizes row_sizes(const AgoraGroup *group)
{
    size_t observation = agora_dtype_size(group->observation_dtype), choices = 0;
    for (int32_t i = 0; i < group->observation_rank; i++)
        observation *= (size_t)group->observation_shape[i];
    for (int32_t i = 0; i < group->action_parts && group->action_kind != AGORA_CONTINUOUS; i++)
        choices += (size_t)group->choices[i];
    size_t agents = (size_t)group->num_agents;
    return (RowSizes){agents * observation, agents * (size_t)group->action_parts * sizeof(int32_t),
                      group->has_action_mask ? agents * choices : 0, group->num_agents, group->num_infos};
}

AgoraBatch *agora_batch_create(const AgoraWorld *world, const void *config, int32_t num_envs, int32_t num_threads,
                               AgoraAutoreset autoreset, AgoraError *error)
{
    if (num_envs < 1 || num_threads < 1) {
        agora_fail(error, "num_envs and num_threads must be at least 1, got %d and %d", num_envs, num_threads);
        return NULL;
    }
    if (!world->check_config(config, error))
        return NULL;
    AgoraBatch *batch = calloc(1, sizeof *batch);
    if (!batch)
        goto out_of_memory;
    *batch = (AgoraBatch){.world = world, .num_envs = num_envs, .autoreset = autoreset, .context.config = config};
    if (world->model_size) {
        batch->model = calloc(1, world->model_size(config));
        if (!batch->model)
            goto out_of_memory;
        world->build_model(config, batch->model);
        batch->context.model = batch->model;
    }
    batch->num_groups = world->groups(&batch->context, batch->groups);
    for (int32_t g = 0; g < batch->num_groups; g++) {
        batch->rows[g] = row_sizes(&batch->groups[g]);
        batch->num_agents += batch->groups[g].num_agents;
    }
    batch->state_offset = round_up(sizeof(Episode) + (size_t)batch->num_agents * sizeof(double), 16);
    batch->record_size = round_up(batch->state_offset + world->state_size, 64); /* no cache line in two threads */
    batch->records = aligned_alloc(64, (size_t)num_envs * batch->record_size);
    batch->pool = agora_pool_create(num_threads < num_envs ? num_threads : num_envs);
    if (!batch->records || !batch->pool)
        goto out_of_memory;
    memset(batch->records, 0, (size_t)num_envs * batch->record_size);
    agora_batch_seed(batch, 0, 0);
    return batch;
out_of_memory:
    agora_batch_destroy(batch);
    agora_fail(error, "no memory or no threads left for %d envs and %d threads", num_envs, num_threads);
    return NULL;
}

void agora_batch_destroy(AgoraBatch *batch)
{
    if (!batch)
        return;
    agora_pool_destroy(batch->pool);
    free(batch->records);
    free(batch->model);
    free(batch);
}

const AgoraGroup *agora_batch_groups(const AgoraBatch *batch, int32_t *count)
{
    *count = batch->num_groups;
    return batch->groups;
}

const AgoraContext *agora_batch_context(const AgoraBatch *batch) { return &batch->context; }

int32_t agora_batch_num_agents(const AgoraBatch *batch) { return batch->num_agents; }

void agora_batch_attach(AgoraBatch *batch, const AgoraArrays *arrays, const AgoraEpisodeLog *log)
{
    memcpy(batch->arrays, arrays, (size_t)batch->num_groups * sizeof *arrays);
    batch->log = *log;
}

/* ---- all envs ---- */

void agora_batch_seed(AgoraBatch *batch, uint64_t seed, uint64_t first_env)
{
    for (int32_t e = 0; e < batch->num_envs; e++) {
        Episode *episode = agora_episode_of(batch, e);
        episode->rng = (AgoraRng){.seed = seed, .stream = first_env + (uint64_t)e};
        episode->next_episode = 0;
    }
}

static void observe_env(const AgoraBatch *batch, int32_t env, AgoraView *views)
{
    batch->world->observe(&batch->context, agora_state_of(batch, env), views);
}

typedef struct Resetting {
    AgoraBatch *batch;
    const uint8_t *mask;
} Resetting;

static void reset_range(void *argument, int32_t begin, int32_t end)
{
    const Resetting *resetting = argument;
    AgoraView views[AGORA_MAX_GROUPS];
    for (int32_t e = begin; e < end; e++) {
        if (resetting->mask && !resetting->mask[e])
            continue;
        agora_start_episode(resetting->batch, resetting->batch->world, e);
        agora_point_views(resetting->batch, resetting->batch->num_groups, e, views);
        agora_clear_outcome(resetting->batch, views);
        resetting->batch->log.ended[e] = 0;
        observe_env(resetting->batch, e, views);
    }
}

void agora_batch_reset(AgoraBatch *batch, const uint8_t *mask)
{
    agora_pool_run(batch->pool, reset_range, &(Resetting){batch, mask}, batch->num_envs);
    batch->has_started |= !mask;
}

static void step_range(void *argument, int32_t begin, int32_t end)
{
    const AgoraBatch *batch = argument;
    agora_step_envs(batch, batch->world, batch->num_groups, begin, end);
}

static bool fail_action(const AgoraBatch *batch, int32_t g, size_t index, AgoraError *error, const char *given,
                        const char *expected)
{
    const AgoraGroup *group = &batch->groups[g];
    size_t part = index % (size_t)group->action_parts, row = index / (size_t)group->action_parts;
    char place[32] = "";
    if (group->action_kind != AGORA_DISCRETE)
        snprintf(place, sizeof place, ", part %zu", part);
    return agora_fail(error, "action %s of %s_%zu in env %zu%s is outside its space %s", given, group->agent_name,
                      row % (size_t)group->num_agents + (size_t)group->first_agent, row / (size_t)group->num_agents, place, expected);
}

static bool check_choices(const AgoraBatch *batch, int32_t g, const int32_t *actions, AgoraError *error)
{
    const AgoraGroup *group = &batch->groups[g];
    size_t parts = (size_t)group->action_parts, count = (size_t)batch->num_envs * (size_t)group->num_agents * parts;
    uint32_t bad = 0;
    if (parts == 1)
        for (size_t i = 0; i < count; i++)
            bad |= (uint32_t)actions[i] >= (uint32_t)group->choices[0];
    else
        for (size_t i = 0; i < count; i++)
            bad |= (uint32_t)actions[i] >= (uint32_t)group->choices[i % parts];
    if (!bad)
        return true;
    for (size_t i = 0; i < count; i++) {
        int32_t choices = group->choices[i % parts];
        if ((uint32_t)actions[i] < (uint32_t)choices)
            continue;
        char given[32], expected[48];
        snprintf(given, sizeof given, "%d", actions[i]);
        snprintf(expected, sizeof expected, "{0, ..., %d}", choices - 1);
        return fail_action(batch, g, i, error, given, expected);
    }
    return true;
}

static bool check_numbers(const AgoraBatch *batch, int32_t g, const float *actions, AgoraError *error)
{
    const AgoraGroup *group = &batch->groups[g];
    size_t parts = (size_t)group->action_parts, count = (size_t)batch->num_envs * (size_t)group->num_agents * parts;
    for (size_t i = 0; i < count; i++) {
        float low = group->action_low[i % parts], high = group->action_high[i % parts];
        if (actions[i] >= low && actions[i] <= high) /* false for NaN */
            continue;
        char given[32], expected[64];
        snprintf(given, sizeof given, "%g", (double)actions[i]);
        snprintf(expected, sizeof expected, "[%g, %g]", (double)low, (double)high);
        return fail_action(batch, g, i, error, given, expected);
    }
    return true;
}

bool agora_batch_check_actions(const AgoraBatch *batch, int32_t group, const void *actions, AgoraError *error)
{
    return batch->groups[group].action_kind == AGORA_CONTINUOUS ? check_numbers(batch, group, actions, error)
                                                                : check_choices(batch, group, actions, error);
}

static bool can_step(AgoraBatch *batch, AgoraError *error)
{
    if (batch->has_started && batch->autoreset != AGORA_DISABLED)
        return true;
    for (int32_t e = 0; e < batch->num_envs; e++) {
        const Episode *episode = agora_episode_of(batch, e);
        if (!episode->has_started)
            return agora_fail(error, "env %d has no episode yet: call reset() first", e);
        if (episode->is_over && batch->autoreset == AGORA_DISABLED)
            return agora_fail(error, "the episode of env %d is over and autoreset is disabled: reset it first", e);
    }
    batch->has_started = true;
    return true;
}

int32_t agora_batch_step(AgoraBatch *batch, AgoraError *error)
{
    if (!can_step(batch, error))
        return -1;
    for (int32_t g = 0; g < batch->num_groups; g++)
        if (!agora_batch_check_actions(batch, g, batch->arrays[g].actions, error))
            return -1;
    agora_pool_run(batch->pool, batch->world->step_envs ? batch->world->step_envs : step_range, batch,
                   batch->num_envs);
    int32_t ended = 0;
    for (int32_t e = 0; e < batch->num_envs; e++)
        ended += batch->log.ended[e];
    return ended;
}

/* ---- snapshots ---- */

/* A snapshot is a SnapshotHeader, the record, then per group the rows of rewards, flags and infos. */
typedef struct SnapshotHeader {
    char magic[8];
    uint64_t size;     /* of the whole snapshot */
    uint64_t world;    /* fingerprint of the world's name, config and layout of arrays */
    uint64_t checksum; /* of what follows */
} SnapshotHeader;

static const char MAGIC[8] = "AGORA-1";

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t fingerprint(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t fingerprint_world(const AgoraBatch *batch)
{
    uint64_t hash = fingerprint(0xcbf29ce484222325u, batch->world->name, strlen(batch->world->name));
    const unsigned char *config = batch->context.config;
    for (const AgoraField *field = batch->world->config_fields; field->name; field++) {
        if (field->is_live)
            continue;
        size_t size = agora_dtype_size(field->dtype);
        for (int32_t i = 0; i < field->rank; i++)
            size *= (size_t)field->shape[i];
        const AgoraSpan *span = (const AgoraSpan *)(const void *)(config + field->offset);
        hash = field->is_span ? fingerprint(hash, span->data, (size_t)span->count * agora_dtype_size(field->dtype))
                              : fingerprint(hash, config + field->offset, size);
    }
    return hash;
}

static size_t outcome_size(const AgoraGroup *group)
{
    return (size_t)group->num_agents * ((1 + (size_t)group->num_infos) * sizeof(float) + 2);
}

size_t agora_batch_snapshot_size(const AgoraBatch *batch)
{
    size_t size = sizeof(SnapshotHeader) + batch->record_size;
    for (int32_t g = 0; g < batch->num_groups; g++)
        size += outcome_size(&batch->groups[g]);
    return size;
}

static unsigned char *put(unsigned char *cursor, const void *bytes, size_t size)
{
    memcpy(cursor, bytes, size);
    return cursor + size;
}

static const unsigned char *take(const unsigned char *cursor, void *bytes, size_t size)
{
    memcpy(bytes, cursor, size);
    return cursor + size;
}

void agora_batch_snapshot(const AgoraBatch *batch, int32_t env, void *bytes)
{
    AgoraView views[AGORA_MAX_GROUPS];
    agora_point_views(batch, batch->num_groups, env, views);
    unsigned char *body = (unsigned char *)bytes + sizeof(SnapshotHeader);
    unsigned char *cursor = put(body, agora_episode_of(batch, env), batch->record_size);
    for (int32_t g = 0; g < batch->num_groups; g++) {
        size_t agents = (size_t)batch->groups[g].num_agents;
        cursor = put(cursor, views[g].rewards, agents * sizeof(float));
        cursor = put(cursor, views[g].terminations, agents);
        cursor = put(cursor, views[g].truncations, agents);
        for (int32_t i = 0; i < batch->groups[g].num_infos; i++)
            cursor = put(cursor, views[g].infos[i], agents * sizeof(float));
    }
    size_t size = agora_batch_snapshot_size(batch);
    SnapshotHeader header = {.size = size, .world = fingerprint_world(batch)};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    header.checksum = fingerprint(header.world, body, size - sizeof header);
    memcpy(bytes, &header, sizeof header);
}

static bool check_header(const AgoraBatch *batch, const void *bytes, size_t size, AgoraError *error)
{
    SnapshotHeader header;
    if (size != agora_batch_snapshot_size(batch))
        return agora_fail(error, "a snapshot of this batch has %zu bytes, got %zu", agora_batch_snapshot_size(batch),
                          size);
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.magic, MAGIC, sizeof MAGIC) != 0 || header.size != size)
        return agora_fail(error, "these bytes are not a snapshot: their header is damaged");
    if (header.world != fingerprint_world(batch))
        return agora_fail(error, "the snapshot was taken in another world or with another config");
    if (header.checksum !=
        fingerprint(header.world, (const unsigned char *)bytes + sizeof header, size - sizeof header))
        return agora_fail(error, "the snapshot is damaged: its checksum does not match");
    return true;
}

/* A checksum can be forged; what is believed about the record is checked as well. */
static bool check_record(const AgoraBatch *batch, const unsigned char *record, const unsigned char *outcomes,
                         AgoraError *error)
{
    Episode episode;
    memcpy(&episode, record, sizeof episode);
    if (episode.has_started > 1 || episode.is_over > 1 || episode.length < 0)
        return agora_fail(error, "the snapshot's episode record is damaged");
    if (episode.is_over && batch->autoreset == AGORA_SAME_STEP)
        return agora_fail(error, "the snapshot's episode is over, which does not occur with autoreset=\"same_step\"");
    for (int32_t g = 0; g < batch->num_groups; g++) {
        size_t agents = (size_t)batch->groups[g].num_agents;
        for (size_t i = 0; i < 2 * agents; i++)
            if (outcomes[agents * sizeof(float) + i] > 1)
                return agora_fail(error, "the snapshot's terminations or truncations are damaged");
        outcomes += outcome_size(&batch->groups[g]);
    }
    return !episode.has_started || batch->world->check_state(&batch->context, record + batch->state_offset, error);
}

static void take_outcomes(AgoraBatch *batch, const unsigned char *cursor, AgoraView *views)
{
    for (int32_t g = 0; g < batch->num_groups; g++) {
        size_t agents = (size_t)batch->groups[g].num_agents;
        cursor = take(cursor, views[g].rewards, agents * sizeof(float));
        cursor = take(cursor, views[g].terminations, agents);
        cursor = take(cursor, views[g].truncations, agents);
        for (int32_t i = 0; i < batch->groups[g].num_infos; i++)
            cursor = take(cursor, views[g].infos[i], agents * sizeof(float));
    }
}

bool agora_batch_restore(AgoraBatch *batch, int32_t env, const void *bytes, size_t size, AgoraError *error)
{
    if (!check_header(batch, bytes, size, error))
        return false;
    unsigned char *record = aligned_alloc(64, batch->record_size); /* the bytes may lie unaligned */
    if (!record)
        return agora_fail(error, "no memory left to restore a snapshot");
    const unsigned char *outcomes =
        take((const unsigned char *)bytes + sizeof(SnapshotHeader), record, batch->record_size);
    bool is_valid = check_record(batch, record, outcomes, error);
    if (is_valid) {
        AgoraView views[AGORA_MAX_GROUPS];
        Episode *episode = agora_episode_of(batch, env);
        memcpy(episode, record, batch->record_size);
        agora_point_views(batch, batch->num_groups, env, views);
        take_outcomes(batch, outcomes, views);
        batch->log.ended[env] = episode->is_over;
        batch->has_started &= episode->has_started;
        if (episode->has_started)
            observe_env(batch, env, views);
    }
    free(record);
    return is_valid;
}

const void *agora_batch_state(const AgoraBatch *batch, int32_t env) { return agora_state_of(batch, env); }

bool agora_batch_set_state(AgoraBatch *batch, int32_t env, const void *state, AgoraError *error)
{
    if (!agora_episode_of(batch, env)->has_started)
        return agora_fail(error, "env %d has no episode yet: call reset() first", env);
    if (!batch->world->check_state(&batch->context, state, error))
        return false;
    AgoraView views[AGORA_MAX_GROUPS];
    memcpy(agora_state_of(batch, env), state, batch->world->state_size);
    agora_point_views(batch, batch->num_groups, env, views);
    observe_env(batch, env, views);
    return true;
}
