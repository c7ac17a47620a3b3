#include "sweep.h"

#include <string.h>

/* ---- config ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "wanted", .dtype = AGORA_U8, .offset = offsetof(SweepConfig, wanted), .is_span = true},
    {.name = "horizon", .dtype = AGORA_I32, .offset = offsetof(SweepConfig, horizon)},
    {0},
};

static int32_t num_cubes(const SweepConfig *config) { return (int32_t)config->wanted.count; }

static bool is_wanted(const SweepConfig *config, int32_t cube) { return ((const uint8_t *)config->wanted.data)[cube]; }

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const SweepConfig *config = config_bytes;
    if (config->wanted.count < 1 || config->wanted.count > SWEEP_MAX_CUBES)
        return agora_fail(error, "wanted must name 1 to %d cubes, got %lld", SWEEP_MAX_CUBES,
                          (long long)config->wanted.count);
    int32_t count = 0;
    for (int32_t cube = 0; cube < num_cubes(config); cube++) {
        if (!agora_check_range("wanted", ((const uint8_t *)config->wanted.data)[cube], 0, 1, error))
            return false;
        count += is_wanted(config, cube);
    }
    if (count == 0)
        return agora_fail(error, "wanted must have at least one cube");
    return agora_check_range("horizon", config->horizon, 1, INT32_MAX, error);
}

/* ---- actions ---- */

typedef enum Verb { WAIT, MOVE, SWEEP, DUMP } Verb;

static Verb verb_of(int32_t cubes, int32_t action, int32_t *cube)
{
    *cube = action == 0 ? 0 : (action - 1) % cubes;
    if (action == 0)
        return WAIT;
    return action <= cubes ? MOVE : action <= 2 * cubes ? SWEEP : DUMP;
}

static bool holds_any(const SweepConfig *config, const SweepState *state)
{
    bool holds = false;
    for (int32_t cube = 0; cube < num_cubes(config); cube++)
        holds |= state->cubes[cube] == SWEEP_IN_PAN;
    return holds;
}

/* Whether a robot may do this now, whatever the other does. */
static bool is_legal(const SweepConfig *config, const SweepState *state, int32_t robot, int32_t action)
{
    int32_t cube;
    switch (verb_of(num_cubes(config), action, &cube)) {
    case WAIT: return true;
    case MOVE: return state->cubes[cube] == SWEEP_ON_FLOOR;
    case SWEEP:
        return robot == SWEEP_BOB && state->cubes[cube] == SWEEP_ON_FLOOR && state->places[SWEEP_ALICE] == cube &&
               state->places[SWEEP_BOB] == cube;
    case DUMP: return robot == SWEEP_ALICE && holds_any(config, state);
    }
    return false;
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    int32_t cubes = num_cubes(context->config);
    out[0] = (AgoraGroup){
        .name = "robots",
        .agent_name = "robot",
        .num_agents = SWEEP_ROBOTS,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {6 * cubes + 5},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {2 * cubes + 2},
        .has_action_mask = true,
    };
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    out[0] = (AgoraField){.name = "timestep", .dtype = AGORA_I32, .offset = offsetof(SweepState, timestep)};
    out[1] = (AgoraField){.name = "cubes",
                          .dtype = AGORA_U8,
                          .offset = offsetof(SweepState, cubes),
                          .rank = 1,
                          .shape = {num_cubes(context->config)}};
    out[2] = (AgoraField){.name = "places",
                          .dtype = AGORA_U8,
                          .offset = offsetof(SweepState, places),
                          .rank = 1,
                          .shape = {SWEEP_ROBOTS}};
    return 3;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const SweepConfig *config = context->config;
    const SweepState *state = state_bytes;
    if (!agora_check_range("timestep", state->timestep, 0, config->horizon, error))
        return false;
    for (int32_t cube = 0; cube < SWEEP_MAX_CUBES; cube++)
        if (!agora_check_range("cubes", state->cubes[cube], 0, cube < num_cubes(config) ? SWEEP_NUM_STATUSES - 1 : 0,
                               error))
            return false;
    for (int32_t robot = 0; robot < SWEEP_ROBOTS; robot++) {
        int32_t place = state->places[robot];
        bool is_place = place < num_cubes(config) || place == SWEEP_START ||
                        (place == SWEEP_BIN && robot == SWEEP_ALICE);
        if (!is_place)
            return agora_fail(error, "places: robot %d cannot be at %d", robot, place);
    }
    if (state->padding[0] || state->padding[1])
        return agora_fail(error, "the state's padding must be zero");
    return true;
}

/* ---- rules ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    (void)context, (void)rng;
    SweepState *state = state_bytes;
    memset(state->places, SWEEP_START, sizeof state->places);
}

static bool is_cleared(const SweepConfig *config, const SweepState *state)
{
    bool is_all = true;
    for (int32_t cube = 0; cube < num_cubes(config); cube++)
        is_all &= !is_wanted(config, cube) || state->cubes[cube] == SWEEP_IN_BIN;
    return is_all;
}

static void dump(const SweepConfig *config, SweepState *state)
{
    for (int32_t cube = 0; cube < num_cubes(config); cube++)
        if (state->cubes[cube] == SWEEP_IN_PAN)
            state->cubes[cube] = SWEEP_IN_BIN;
    state->places[SWEEP_ALICE] = SWEEP_BIN;
}

/* Returns the reward. A sweep needs a waiting Alice, so no order among the robots can show. */
static int32_t act(const SweepConfig *config, SweepState *state, const int32_t *actions)
{
    int32_t reward = 0;
    for (int32_t robot = 0; robot < SWEEP_ROBOTS; robot++) {
        int32_t cube;
        Verb verb = verb_of(num_cubes(config), actions[robot], &cube);
        if (!is_legal(config, state, robot, actions[robot]))
            continue;
        if (verb == MOVE)
            state->places[robot] = (uint8_t)cube;
        if (verb == DUMP)
            dump(config, state);
        if (verb == SWEEP && actions[SWEEP_ALICE] == 0) {
            state->cubes[cube] = SWEEP_IN_PAN;
            reward = is_wanted(config, cube);
        }
    }
    return reward;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const SweepConfig *config = context->config;
    SweepState *state = state_bytes;
    bool was_cleared = is_cleared(config, state); /* a loaded state may be the last one already */
    int32_t reward = act(config, state, views[0].actions);
    bool is_done = is_cleared(config, state);
    reward += is_done && !was_cleared;
    state->timestep += state->timestep < config->horizon;
    bool is_late = !is_done && state->timestep >= config->horizon;
    for (int32_t robot = 0; robot < SWEEP_ROBOTS; robot++) {
        views[0].rewards[robot] = (float)reward;
        views[0].terminations[robot] = is_done;
        views[0].truncations[robot] = is_late;
    }
    return is_done || is_late;
}

/* ---- observations ---- */

static void show_place(int32_t cubes, int32_t place, float *out)
{
    out[place == SWEEP_START ? cubes : place == SWEEP_BIN ? cubes + 1 : place] = 1;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const SweepConfig *config = context->config;
    const SweepState *state = state_bytes;
    int32_t cubes = num_cubes(config), size = 6 * cubes + 5, choices = 2 * cubes + 2;
    float *observations = views[0].observations;
    memset(observations, 0, (size_t)(SWEEP_ROBOTS * size) * sizeof *observations);
    for (int32_t robot = 0; robot < SWEEP_ROBOTS; robot++) {
        float *out = observations + robot * size;
        show_place(cubes, state->places[robot], out);
        show_place(cubes, state->places[1 - robot], out + cubes + 2);
        for (int32_t cube = 0; cube < cubes; cube++) {
            float *about = out + 2 * cubes + 4 + 4 * cube;
            about[state->cubes[cube]] = 1;
            about[SWEEP_NUM_STATUSES] = is_wanted(config, cube);
        }
        out[size - 1] = (float)state->timestep / (float)config->horizon;
        for (int32_t action = 0; action < choices; action++)
            views[0].action_masks[robot * choices + action] = is_legal(config, state, robot, action);
        views[0].alive[robot] = 1;
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"is_done"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    values[0] = is_cleared(context->config, state_bytes);
}

const AgoraWorld agora_sweep = {
    .name = "sweep",
    .config_size = sizeof(SweepConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(SweepState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTICS / sizeof STATISTICS[0],
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
