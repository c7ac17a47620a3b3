#include "batch.h"

#include "pool.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bookkeeping in front of every state. */
typedef struct Episode {
    AgoraRng rng;
    uint64_t next_episode; /* the rng.episode of the next reset */
    int32_t length;        /* steps taken */
    uint8_t has_started, is_over;
    uint8_t padding[2];
} Episode;

/* Bytes of one env's row in each of a group's arrays. */
typedef struct RowSizes {
    size_t observations, actions, action_masks;
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

bool agora_fail(AgoraError *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

size_t agora_dtype_size(AgoraDtype dtype)
{
    static const size_t sizes[] = {[AGORA_U8] = 1,  [AGORA_I16] = 2, [AGORA_U16] = 2, [AGORA_I32] = 4,
                                   [AGORA_I64] = 8, [AGORA_F32] = 4, [AGORA_F64] = 8};
    return sizes[dtype];
}

static size_t round_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

static Episode *episode_of(const AgoraBatch *batch, int32_t env)
{
    return (Episode *)(batch->records + (size_t)env * batch->record_size);
}

static double *returns_of(const AgoraBatch *batch, int32_t env) { return (double *)(episode_of(batch, env) + 1); }

static void *state_of(const AgoraBatch *batch, int32_t env)
{
    return batch->records + (size_t)env * batch->record_size + batch->state_offset;
}

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
                      group->has_action_mask ? agents * choices : 0};
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

/* ---- one env ---- */

static inline __attribute__((always_inline)) void point_views(const AgoraBatch *batch, int32_t env, AgoraView views[AGORA_MAX_GROUPS])
{
    for (int32_t g = 0; g < batch->num_groups; g++) {
        const AgoraArrays *arrays = &batch->arrays[g];
        const RowSizes *rows = &batch->rows[g];
        size_t e = (size_t)env, agents = e * (size_t)batch->groups[g].num_agents;
        views[g].observations = (unsigned char *)arrays->observations + e * rows->observations;
        views[g].actions = (unsigned char *)arrays->actions + e * rows->actions;
        views[g].action_masks = arrays->action_masks ? arrays->action_masks + e * rows->action_masks : NULL;
        views[g].rewards = arrays->rewards + agents;
        views[g].terminations = arrays->terminations + agents;
        views[g].truncations = arrays->truncations + agents;
        views[g].alive = arrays->alive + agents;
        for (int32_t i = 0; i < batch->groups[g].num_infos; i++)
            views[g].infos[i] = arrays->infos[i] + agents;
    }
}

static void observe_env(const AgoraBatch *batch, int32_t env, AgoraView *views)
{
    batch->world->observe(&batch->context, state_of(batch, env), views);
}

static void clear_outcome(const AgoraBatch *batch, AgoraView *views)
{
    for (int32_t g = 0; g < batch->num_groups; g++) {
        size_t agents = (size_t)batch->groups[g].num_agents;
        memset(views[g].rewards, 0, agents * sizeof(float));
        memset(views[g].terminations, 0, agents);
        memset(views[g].truncations, 0, agents);
        for (int32_t i = 0; i < batch->groups[g].num_infos; i++)
            memset(views[g].infos[i], 0, agents * sizeof(float));
    }
}

static void start_episode(AgoraBatch *batch, int32_t env)
{
    Episode *episode = episode_of(batch, env);
    episode->rng.episode = episode->next_episode++;
    episode->rng.draws = 0;
    episode->length = 0;
    episode->has_started = 1;
    episode->is_over = 0;
    memset(returns_of(batch, env), 0, (size_t)batch->num_agents * sizeof(double));
    memset(state_of(batch, env), 0, batch->world->state_size);
    batch->world->reset(&batch->context, &episode->rng, state_of(batch, env));
}

static void add_rewards(const AgoraBatch *batch, int32_t env, const AgoraView *views)
{
    double *returns = returns_of(batch, env);
    for (int32_t g = 0; g < batch->num_groups; g++)
        for (int32_t p = 0; p < batch->groups[g].num_agents; p++)
            *returns++ += (double)views[g].rewards[p];
}

static void log_episode(AgoraBatch *batch, int32_t env)
{
    size_t e = (size_t)env, agents = (size_t)batch->num_agents;
    batch->log.lengths[e] = episode_of(batch, env)->length;
    memcpy(batch->log.returns + e * agents, returns_of(batch, env), agents * sizeof(double));
    if (batch->world->num_statistics > 0)
        batch->world->statistics(&batch->context, state_of(batch, env),
                                 batch->log.statistics + e * (size_t)batch->world->num_statistics);
}

/* The last observation of the episode, then the first of the next one. Alive flags and masks are the new episode's. */
static void restart_within_step(AgoraBatch *batch, int32_t env, AgoraView *views)
{
    void *observations[AGORA_MAX_GROUPS];
    for (int32_t g = 0; g < batch->num_groups; g++) {
        observations[g] = views[g].observations;
        views[g].observations =
            (unsigned char *)batch->arrays[g].final_observations + (size_t)env * batch->rows[g].observations;
    }
    observe_env(batch, env, views);
    start_episode(batch, env);
    for (int32_t g = 0; g < batch->num_groups; g++)
        views[g].observations = observations[g];
    observe_env(batch, env, views);
}

static void step_env(AgoraBatch *batch, int32_t env)
{
    AgoraView views[AGORA_MAX_GROUPS];
    Episode *episode = episode_of(batch, env);
    point_views(batch, env, views);
    batch->log.ended[env] = 0;
    if (episode->is_over) { /* AGORA_NEXT_STEP */
        start_episode(batch, env);
        clear_outcome(batch, views);
        observe_env(batch, env, views);
        return;
    }
    bool is_over = batch->world->step(&batch->context, &episode->rng, state_of(batch, env), views);
    episode->length += episode->length < INT32_MAX;
    add_rewards(batch, env, views);
    if (!is_over) {
        observe_env(batch, env, views);
        return;
    }
    log_episode(batch, env);
    batch->log.ended[env] = 1;
    if (batch->autoreset == AGORA_SAME_STEP) {
        restart_within_step(batch, env, views);
    } else {
        episode->is_over = 1;
        observe_env(batch, env, views);
    }
}

/* ---- all envs ---- */

void agora_batch_seed(AgoraBatch *batch, uint64_t seed, uint64_t first_env)
{
    for (int32_t e = 0; e < batch->num_envs; e++) {
        Episode *episode = episode_of(batch, e);
        episode->rng = (AgoraRng){.seed = seed, .stream = first_env + (uint64_t)e};
        episode->next_episode = 0;
    }
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
        start_episode(resetting->batch, e);
        point_views(resetting->batch, e, views);
        clear_outcome(resetting->batch, views);
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
    for (int32_t e = begin; e < end; e++)
        step_env(argument, e);
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
        const Episode *episode = episode_of(batch, e);
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
    agora_pool_run(batch->pool, step_range, batch, batch->num_envs);
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
    point_views(batch, env, views);
    unsigned char *body = (unsigned char *)bytes + sizeof(SnapshotHeader);
    unsigned char *cursor = put(body, episode_of(batch, env), batch->record_size);
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
        Episode *episode = episode_of(batch, env);
        memcpy(episode, record, batch->record_size);
        point_views(batch, env, views);
        take_outcomes(batch, outcomes, views);
        batch->log.ended[env] = episode->is_over;
        batch->has_started &= episode->has_started;
        if (episode->has_started)
            observe_env(batch, env, views);
    }
    free(record);
    return is_valid;
}

const void *agora_batch_state(const AgoraBatch *batch, int32_t env) { return state_of(batch, env); }

bool agora_batch_set_state(AgoraBatch *batch, int32_t env, const void *state, AgoraError *error)
{
    if (!episode_of(batch, env)->has_started)
        return agora_fail(error, "env %d has no episode yet: call reset() first", env);
    if (!batch->world->check_state(&batch->context, state, error))
        return false;
    AgoraView views[AGORA_MAX_GROUPS];
    memcpy(state_of(batch, env), state, batch->world->state_size);
    point_views(batch, env, views);
    observe_env(batch, env, views);
    return true;
}
