#include "bits.h"

#include "../core/stepping.h"

#include <stdlib.h>
#include <string.h>

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(BitsConfig, member)}

static const AgoraField CONFIG_FIELDS[] = {
    SCALAR(num_agents, AGORA_I32),
    SCALAR(band, AGORA_I32),
    SCALAR(flip, AGORA_F64),
    SCALAR(zero_share, AGORA_F64),
    SCALAR(pays_next, AGORA_U8),
    SCALAR(horizon, AGORA_I32),
    {0},
};

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const BitsConfig *config = config_bytes;
    return agora_check_range("num_agents", config->num_agents, 1, BITS_MAX_AGENTS, error) &&
           agora_check_range("band", config->band, 0, config->num_agents, error) &&
           agora_check_share("flip", config->flip, error) &&
           agora_check_share("zero_share", config->zero_share, error) &&
           agora_check_range("pays_next", config->pays_next, 0, 1, error) &&
           agora_check_range("horizon", config->horizon, 1, INT32_MAX, error);
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const BitsConfig *config = context->config;
    out[0] = (AgoraGroup){
        .name = "agents",
        .agent_name = "agent",
        .num_agents = config->num_agents,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {config->num_agents},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {2},
        .num_infos = 1,
        .info_names = {"flipped"},
    };
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const BitsConfig *config = context->config;
    out[0] = (AgoraField){"timestep", AGORA_I32, offsetof(BitsState, timestep), 0, {0}, 0, 0};
    out[1] = (AgoraField){"best_steps", AGORA_I32, offsetof(BitsState, best_steps), 0, {0}, 0, 0};
    out[2] = (AgoraField){"bits", AGORA_U8, offsetof(BitsState, bits), 1, {config->num_agents}, 0, 0};
    out[3] = (AgoraField){"choices", AGORA_U8, offsetof(BitsState, choices), 1, {config->num_agents}, 0, 0};
    return 4;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const BitsConfig *config = context->config;
    const BitsState *state = state_bytes;
    if (!agora_check_range("timestep", state->timestep, 0, config->horizon, error) ||
        !agora_check_range("best_steps", state->best_steps, 0, state->timestep, error))
        return false;
    for (int32_t i = 0; i < BITS_MAX_AGENTS; i++) {
        bool is_used = i < config->num_agents;
        if (!agora_check_range("bits", state->bits[i], 0, is_used, error) ||
            !agora_check_range("choices", state->choices[i], 0, is_used ? BITS_NO_CHOICE : 0, error))
            return false;
    }
    return true;
}

/* ---- rules ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const BitsConfig *config = context->config;
    BitsState *state = state_bytes;
    for (int32_t i = 0; i < config->num_agents; i++) {
        state->bits[i] = agora_draw_unit(rng) >= config->zero_share;
        state->choices[i] = BITS_NO_CHOICE;
    }
}

static int32_t pay(const BitsConfig *config, const BitsState *state)
{
    int32_t ones = 0;
    for (int32_t i = 0; i < config->num_agents; i++)
        ones += state->bits[i];
    int32_t lead = config->num_agents - 2 * ones; /* of the zeros */
    if (abs(lead) <= config->band)
        return lead < 0 ? 1 : 0;
    return lead > 0 ? BITS_BEST_REWARD : 2;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const BitsConfig *config = context->config;
    BitsState *state = state_bytes;
    const int32_t *actions = views[0].actions;
    int32_t reward = pay(config, state);
    for (int32_t i = 0; i < config->num_agents; i++) {
        bool is_flipped = agora_draw_unit(rng) < config->flip;
        state->choices[i] = (uint8_t)actions[i];
        state->bits[i] = state->choices[i] ^ is_flipped;
        views[0].infos[0][i] = is_flipped;
    }
    if (config->pays_next)
        reward = pay(config, state);

    if (state->timestep < config->horizon) { /* a loaded state may be the last one already */
        state->timestep++;
        state->best_steps += reward == BITS_BEST_REWARD;
    }
    bool is_late = state->timestep >= config->horizon;
    for (int32_t i = 0; i < config->num_agents; i++) {
        views[0].rewards[i] = (float)reward;
        views[0].terminations[i] = 0;
        views[0].truncations[i] = is_late;
    }
    return is_late;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const BitsConfig *config = context->config;
    const BitsState *state = state_bytes;
    size_t count = (size_t)config->num_agents;
    float *observations = views[0].observations;
    for (size_t i = 0; i < count; i++)
        observations[i] = state->bits[i];
    for (size_t agent = 1; agent < count; agent++)
        memcpy(observations + agent * count, observations, count * sizeof *observations);
    memset(views[0].alive, 1, count);
}

static const char *const STATISTICS[] = {"best_steps"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    (void)context;
    values[0] = ((const BitsState *)state_bytes)->best_steps;
}

AGORA_STEP_ENVS(agora_bits)

const AgoraWorld agora_bits = {
    .name = "bits",
    .config_size = sizeof(BitsConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(BitsState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTICS / sizeof STATISTICS[0],
    .statistic_names = STATISTICS,
    .statistics = statistics,
    .step_envs = step_envs,
};
