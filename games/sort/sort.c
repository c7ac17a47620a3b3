#include "sort.h"

#include <string.h>

/* ---- config ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "starts", .dtype = AGORA_U8, .offset = offsetof(SortConfig, starts), .rank = 1, .shape = {SORT_CUBES}},
    {.name = "horizon", .dtype = AGORA_I32, .offset = offsetof(SortConfig, horizon)},
    {0},
};

static int32_t target_of(int32_t cube) { return 2 * cube + 1; }

/* Panels where a cube may lie: its own target, and those that are nobody's. */
static bool may_lie(int32_t cube, int32_t panel) { return panel % 2 == 0 || panel == target_of(cube); }

static bool reaches(int32_t robot, int32_t panel) { return panel >= 2 * robot && panel <= 2 * robot + 2; }

static bool check_panels(const char *name, const uint8_t panels[SORT_CUBES], AgoraError *error)
{
    for (int32_t cube = 0; cube < SORT_CUBES; cube++) {
        if (!agora_check_range(name, panels[cube], 0, SORT_PANELS - 1, error))
            return false;
        if (!may_lie(cube, panels[cube]))
            return agora_fail(error, "%s: cube %d cannot lie on %d, another cube's target", name, cube, panels[cube]);
    }
    return true;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const SortConfig *config = config_bytes;
    return check_panels("starts", config->starts, error) &&
           agora_check_range("horizon", config->horizon, 1, INT32_MAX, error);
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    (void)context;
    out[0] = (AgoraGroup){
        .name = "robots",
        .agent_name = "robot",
        .num_agents = SORT_ROBOTS,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {SORT_FEATURES},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {SORT_CHOICES},
        .has_action_mask = true,
    };
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    (void)context;
    out[0] = (AgoraField){.name = "timestep", .dtype = AGORA_I32, .offset = offsetof(SortState, timestep)};
    out[1] = (AgoraField){.name = "panels",
                          .dtype = AGORA_U8,
                          .offset = offsetof(SortState, panels),
                          .rank = 1,
                          .shape = {SORT_CUBES}};
    return 2;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const SortConfig *config = context->config;
    const SortState *state = state_bytes;
    if (state->padding)
        return agora_fail(error, "the state's padding must be zero");
    return agora_check_range("timestep", state->timestep, 0, config->horizon, error) &&
           check_panels("panels", state->panels, error);
}

/* ---- rules ---- */

/* Whether a robot may do this now, whatever the others do. */
static bool is_legal(const SortState *state, int32_t robot, int32_t action)
{
    if (action == 0)
        return true;
    int32_t cube = (action - 1) / SORT_PANELS, to = (action - 1) % SORT_PANELS, from = state->panels[cube];
    return from != to && reaches(robot, from) && reaches(robot, to) && may_lie(cube, to);
}

static int32_t count_sorted(const SortState *state)
{
    int32_t sorted = 0;
    for (int32_t cube = 0; cube < SORT_CUBES; cube++)
        sorted += state->panels[cube] == target_of(cube);
    return sorted;
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    (void)rng;
    const SortConfig *config = context->config;
    SortState *state = state_bytes;
    memcpy(state->panels, config->starts, sizeof state->panels);
}

static void act(SortState *state, const int32_t *actions)
{
    int32_t hands[SORT_CUBES] = {0}, to[SORT_CUBES] = {0};
    for (int32_t robot = 0; robot < SORT_ROBOTS; robot++) {
        if (actions[robot] == 0 || !is_legal(state, robot, actions[robot]))
            continue;
        int32_t cube = (actions[robot] - 1) / SORT_PANELS;
        hands[cube]++;
        to[cube] = (actions[robot] - 1) % SORT_PANELS;
    }
    for (int32_t cube = 0; cube < SORT_CUBES; cube++)
        if (hands[cube] == 1)
            state->panels[cube] = (uint8_t)to[cube];
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const SortConfig *config = context->config;
    SortState *state = state_bytes;
    int32_t before = count_sorted(state);
    act(state, views[0].actions);
    int32_t sorted = count_sorted(state);
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool is_done = sorted == SORT_CUBES;
    bool is_late = !is_done && state->timestep >= config->horizon;
    for (int32_t robot = 0; robot < SORT_ROBOTS; robot++) {
        views[0].rewards[robot] = (float)(sorted - before);
        views[0].terminations[robot] = is_done;
        views[0].truncations[robot] = is_late;
    }
    return is_done || is_late;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const SortConfig *config = context->config;
    const SortState *state = state_bytes;
    float *observations = views[0].observations;
    memset(observations, 0, SORT_ROBOTS * SORT_FEATURES * sizeof *observations);
    for (int32_t robot = 0; robot < SORT_ROBOTS; robot++) {
        float *out = observations + robot * SORT_FEATURES;
        out[robot] = 1;
        for (int32_t cube = 0; cube < SORT_CUBES; cube++)
            out[SORT_ROBOTS + cube * SORT_PANELS + state->panels[cube]] = 1;
        out[SORT_FEATURES - 1] = (float)state->timestep / (float)config->horizon;
        for (int32_t action = 0; action < SORT_CHOICES; action++)
            views[0].action_masks[robot * SORT_CHOICES + action] = is_legal(state, robot, action);
        views[0].alive[robot] = 1;
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"is_done"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    (void)context;
    values[0] = count_sorted(state_bytes) == SORT_CUBES;
}

const AgoraWorld agora_sort = {
    .name = "sort",
    .config_size = sizeof(SortConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(SortState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTICS / sizeof STATISTICS[0],
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
