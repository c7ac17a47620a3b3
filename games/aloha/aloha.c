#include "aloha.h"

#include "../core/stepping.h"

#include <math.h>
#include <string.h>

/* ---- config and model ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(AlohaConfig, member)}

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "neighbours", .dtype = AGORA_U8, .offset = offsetof(AlohaConfig, neighbours), .is_span = true},
    SCALAR(num_agents, AGORA_I32),
    SCALAR(capacity, AGORA_I32),
    SCALAR(start_backlog, AGORA_I32),
    SCALAR(arrival, AGORA_F64),
    SCALAR(success_reward, AGORA_F64),
    {.name = "collision_penalty",
     .dtype = AGORA_F64,
     .offset = offsetof(AlohaConfig, collision_penalty),
     .is_live = true},
    SCALAR(mask_empty, AGORA_U8),
    SCALAR(shows_last, AGORA_U8),
    SCALAR(shows_parity, AGORA_U8),
    SCALAR(horizon, AGORA_I32),
    {0},
};

static bool check_neighbours(const AlohaConfig *config, AgoraError *error)
{
    const uint8_t *neighbours = config->neighbours.data;
    int32_t count = config->num_agents;
    if (config->neighbours.count != (int64_t)count * count)
        return agora_fail(error, "neighbours must have %d entries, got %lld", count * count,
                          (long long)config->neighbours.count);
    for (int32_t i = 0; i < count; i++)
        for (int32_t j = 0; j <= i; j++) {
            uint8_t flag = neighbours[i * count + j];
            if (flag > (i != j) || flag != neighbours[j * count + i])
                return agora_fail(error, "neighbours must be 0 or 1, symmetric, and 0 for a station itself: see %d, %d",
                                  i, j);
        }
    return true;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const AlohaConfig *config = config_bytes;
    if (!agora_check_range("num_agents", config->num_agents, 1, ALOHA_MAX_STATIONS, error) ||
        !agora_check_range("capacity", config->capacity, 1, ALOHA_MAX_CAPACITY, error) ||
        !agora_check_range("start_backlog", config->start_backlog, 0, config->capacity, error) ||
        !agora_check_share("arrival", config->arrival, error) ||
        !agora_check_range("mask_empty", config->mask_empty, 0, 1, error) ||
        !agora_check_range("shows_last", config->shows_last, 0, 1, error) ||
        !agora_check_range("shows_parity", config->shows_parity, 0, 1, error) ||
        !agora_check_range("horizon", config->horizon, 1, INT32_MAX / ALOHA_MAX_STATIONS, error))
        return false;
    if (!(fabs(config->success_reward) <= 1e6 && fabs(config->collision_penalty) <= 1e6))
        return agora_fail(error, "success_reward and collision_penalty must be within a million of 0");
    return check_neighbours(config, error);
}

static size_t model_size(const void *config)
{
    (void)config;
    return sizeof(AlohaModel);
}

static void build_model(const void *config_bytes, void *model_bytes)
{
    const AlohaConfig *config = config_bytes;
    AlohaModel *model = model_bytes;
    const uint8_t *flags = config->neighbours.data;
    for (int32_t i = 0; i < config->num_agents; i++)
        for (int32_t j = 0; j < config->num_agents; j++)
            model->neighbours[i] |= (uint64_t)flags[i * config->num_agents + j] << j;
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const AlohaConfig *config = context->config;
    out[0] = (AgoraGroup){
        .name = "stations",
        .agent_name = "station",
        .num_agents = config->num_agents,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {1 + config->shows_last + config->shows_parity},
        .observation_high = (float)config->capacity,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {2},
        .has_action_mask = config->mask_empty,
        .num_infos = 2,
        .info_names = {"sent", "failed"},
    };
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const AlohaConfig *config = context->config;
    out[0] = (AgoraField){"timestep", AGORA_I32, offsetof(AlohaState, timestep), 0, {0}, 0, 0};
    out[1] = (AgoraField){"packets", AGORA_I32, offsetof(AlohaState, packets), 0, {0}, 0, 0};
    out[2] = (AgoraField){"collisions", AGORA_I32, offsetof(AlohaState, collisions), 0, {0}, 0, 0};
    out[3] = (AgoraField){"backlogs", AGORA_U8, offsetof(AlohaState, backlogs), 1, {config->num_agents}, 0, 0};
    out[4] = (AgoraField){"outcomes", AGORA_U8, offsetof(AlohaState, outcomes), 1, {config->num_agents}, 0, 0};
    return 5;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const AlohaConfig *config = context->config;
    const AlohaState *state = state_bytes;
    if (!agora_check_range("timestep", state->timestep, 0, config->horizon, error) ||
        !agora_check_range("packets", state->packets, 0, state->timestep * config->num_agents, error) ||
        !agora_check_range("collisions", state->collisions, 0, state->timestep * config->num_agents, error))
        return false;
    for (int32_t i = 0; i < ALOHA_MAX_STATIONS; i++) {
        bool is_used = i < config->num_agents;
        if (!agora_check_range("backlogs", state->backlogs[i], 0, is_used ? config->capacity : 0, error) ||
            !agora_check_range("outcomes", state->outcomes[i], 0, is_used ? ALOHA_NUM_OUTCOMES - 1 : 0, error))
            return false;
    }
    return true;
}

/* ---- rules ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const AlohaConfig *config = context->config;
    AlohaState *state = state_bytes;
    (void)rng;
    memset(state->backlogs, config->start_backlog, (size_t)config->num_agents);
}

static uint64_t list_senders(const AlohaConfig *config, const AlohaState *state, const int32_t *actions)
{
    uint64_t senders = 0;
    for (int32_t i = 0; i < config->num_agents; i++) {
        bool sends = actions[i] == 1 && (state->backlogs[i] > 0 || !config->mask_empty);
        senders |= (uint64_t)sends << i;
    }
    return senders;
}

static AlohaOutcome judge(const AlohaModel *model, uint64_t senders, int32_t station, uint8_t backlog)
{
    if (!(senders >> station & 1))
        return ALOHA_IDLE;
    if (backlog == 0)
        return ALOHA_NOISE;
    return senders & model->neighbours[station] ? ALOHA_FAILED : ALOHA_SENT;
}

static void receive(const AlohaConfig *config, AgoraRng *rng, AlohaState *state)
{
    for (int32_t i = 0; i < config->num_agents; i++) {
        bool comes = agora_draw_unit(rng) < config->arrival;
        if (comes && state->backlogs[i] < config->capacity)
            state->backlogs[i]++;
    }
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const AlohaConfig *config = context->config;
    AlohaState *state = state_bytes;
    uint64_t senders = list_senders(config, state, views[0].actions);
    int32_t sent = 0, failed = 0;
    for (int32_t i = 0; i < config->num_agents; i++) {
        AlohaOutcome outcome = judge(context->model, senders, i, state->backlogs[i]);
        state->outcomes[i] = (uint8_t)outcome;
        if (outcome == ALOHA_SENT)
            state->backlogs[i]--;
        sent += outcome == ALOHA_SENT;
        failed += outcome == ALOHA_FAILED;
        views[0].infos[0][i] = outcome == ALOHA_SENT;
        views[0].infos[1][i] = outcome == ALOHA_FAILED;
    }
    receive(config, rng, state);

    if (state->timestep < config->horizon) { /* a loaded state may be the last one already */
        state->timestep++;
        state->packets += sent;
        state->collisions += failed;
    }
    bool is_late = state->timestep >= config->horizon;
    float reward = (float)(sent * config->success_reward - failed * config->collision_penalty);
    for (int32_t i = 0; i < config->num_agents; i++) {
        views[0].rewards[i] = reward;
        views[0].terminations[i] = 0;
        views[0].truncations[i] = is_late;
    }
    return is_late;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const AlohaConfig *config = context->config;
    const AlohaState *state = state_bytes;
    float *observations = views[0].observations;
    for (int32_t i = 0; i < config->num_agents; i++) {
        *observations++ = state->backlogs[i];
        if (config->shows_last)
            *observations++ = state->outcomes[i] != ALOHA_IDLE;
        if (config->shows_parity)
            *observations++ = (float)(state->timestep % 2);
    }
    for (int32_t i = 0; config->mask_empty && i < config->num_agents; i++) {
        views[0].action_masks[2 * i] = 1;
        views[0].action_masks[2 * i + 1] = state->backlogs[i] > 0;
    }
    memset(views[0].alive, 1, (size_t)config->num_agents);
}

static const char *const STATISTICS[] = {"packets", "collisions"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    const AlohaState *state = state_bytes;
    (void)context;
    values[0] = state->packets;
    values[1] = state->collisions;
}

AGORA_STEP_ENVS(agora_aloha)

const AgoraWorld agora_aloha = {
    .name = "aloha",
    .config_size = sizeof(AlohaConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(AlohaState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTICS / sizeof STATISTICS[0],
    .statistic_names = STATISTICS,
    .statistics = statistics,
    .step_envs = step_envs,
};
