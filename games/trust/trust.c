#include "trust.h"

#include <math.h>
#include <string.h>

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(TrustConfig, member)}

static const AgoraField CONFIG_FIELDS[] = {
    SCALAR(width, AGORA_I32),
    SCALAR(height, AGORA_I32),
    SCALAR(num_plants, AGORA_I32),
    SCALAR(stag_reward, AGORA_F64),
    SCALAR(plant_reward, AGORA_F64),
    SCALAR(mauling_reward, AGORA_F64),
    SCALAR(follow_probability, AGORA_F64),
    SCALAR(runs_after_mauling, AGORA_U8),
    SCALAR(ends_at_catch, AGORA_U8),
    SCALAR(ends_at_mauling, AGORA_U8),
    SCALAR(horizon, AGORA_I32),
    SCALAR(observation, AGORA_I32),
    {0},
};

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const TrustConfig *config = config_bytes;
    int32_t width = config->width, height = config->height;
    if (width < 2 || width > TRUST_MAX_SIDE || height < 2 || height > TRUST_MAX_SIDE)
        return agora_fail(error, "a grid has 2 to %d cells a side, got %d x %d", TRUST_MAX_SIDE, width, height);
    int32_t most = width * height - 4; /* both agents, the stag, and a free cell to appear in */
    most = most < TRUST_MAX_PLANTS ? most : TRUST_MAX_PLANTS;
    if (config->num_plants < 0 || config->num_plants > most)
        return agora_fail(error, "%d x %d cells hold 0 to %d plants, got %d", width, height, most, config->num_plants);
    if (!isfinite(config->stag_reward) || !isfinite(config->plant_reward) || !isfinite(config->mauling_reward))
        return agora_fail(error, "the rewards must be finite");
    if (!(config->follow_probability >= 0 && config->follow_probability <= 1))
        return agora_fail(error, "follow_probability must be in [0, 1], got %g", config->follow_probability);
    if (config->horizon < 1)
        return agora_fail(error, "horizon must be at least 1, got %d", config->horizon);
    if (config->observation != TRUST_GRID && config->observation != TRUST_COORDINATES)
        return agora_fail(error, "observation must be 0 or 1, got %d", config->observation);
    return true;
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const TrustConfig *config = context->config;
    out[0] = (AgoraGroup){
        .name = "hunters",
        .agent_name = "hunter",
        .num_agents = TRUST_NUM_AGENTS,
        .observation_dtype = AGORA_U8,
        .observation_rank = 3,
        .observation_shape = {config->height, config->width, TRUST_NUM_CHANNELS},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {TRUST_NUM_ACTIONS},
        .num_infos = 3,
        .info_names = {"caught", "mauled", "ate"},
    };
    if (config->observation == TRUST_COORDINATES) {
        out[0].observation_rank = 1;
        out[0].observation_shape[0] = 6 + 2 * config->num_plants;
        out[0].observation_high = (float)((config->width > config->height ? config->width : config->height) - 1);
    }
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const TrustConfig *config = context->config;
    int32_t n = 0;
    out[n++] = (AgoraField){"timestep", AGORA_I32, offsetof(TrustState, timestep), 0, {0}, 0, 0};
    out[n++] = (AgoraField){"agents", AGORA_U8, offsetof(TrustState, agents), 2, {TRUST_NUM_AGENTS, 2}, 0, 0};
    out[n++] = (AgoraField){"stag", AGORA_U8, offsetof(TrustState, stag), 1, {2}, 0, 0};
    out[n++] = (AgoraField){"plants", AGORA_U8, offsetof(TrustState, plants), 2, {config->num_plants, 2}, 0, 0};
    out[n++] = (AgoraField){"catches", AGORA_I32, offsetof(TrustState, catches), 0, {0}, 0, 0};
    out[n++] = (AgoraField){"maulings", AGORA_I32, offsetof(TrustState, maulings), 1, {TRUST_NUM_AGENTS}, 0, 0};
    out[n++] = (AgoraField){"plants_eaten", AGORA_I32, offsetof(TrustState, plants_eaten), 1, {TRUST_NUM_AGENTS}, 0, 0};
    return n;
}

static bool is_same(TrustCell a, TrustCell b) { return a.x == b.x && a.y == b.y; }

static int32_t index_of(const TrustConfig *config, TrustCell cell) { return cell.y * config->width + cell.x; }

static bool check_count(const char *name, int32_t count, AgoraError *error)
{
    if (count < 0 || count > TRUST_MAX_COUNT)
        return agora_fail(error, "%s must be in [0, %d], got %d", name, TRUST_MAX_COUNT, count);
    return true;
}

static bool check_cell(const TrustConfig *config, const char *name, TrustCell cell, AgoraError *error)
{
    if (cell.x >= config->width || cell.y >= config->height)
        return agora_fail(error, "%s: the cell (%d, %d) is outside the %d x %d grid", name, cell.x, cell.y,
                          config->width, config->height);
    return true;
}

static bool check_plants(const TrustConfig *config, const TrustState *state, AgoraError *error)
{
    for (int32_t i = 0; i < config->num_plants; i++) {
        if (!check_cell(config, "plants", state->plants[i], error))
            return false;
        for (int32_t j = 0; j < i; j++)
            if (is_same(state->plants[i], state->plants[j]))
                return agora_fail(error, "plants %d and %d stand in the same cell", j, i);
    }
    for (int32_t i = config->num_plants; i < TRUST_MAX_PLANTS; i++)
        if (state->plants[i].x | state->plants[i].y)
            return agora_fail(error, "the state has a plant too many");
    return true;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const TrustConfig *config = context->config;
    const TrustState *state = state_bytes;
    if (state->timestep < 0 || state->timestep > config->horizon)
        return agora_fail(error, "timestep must be in [0, %d], got %d", config->horizon, state->timestep);
    if (state->padding[0] | state->padding[1])
        return agora_fail(error, "the state's padding is not zero");
    for (int32_t i = 0; i < TRUST_NUM_AGENTS; i++)
        if (!check_cell(config, "agents", state->agents[i], error) ||
            !check_count("maulings", state->maulings[i], error) ||
            !check_count("plants_eaten", state->plants_eaten[i], error))
            return false;
    return check_cell(config, "stag", state->stag, error) && check_count("catches", state->catches, error) &&
           check_plants(config, state, error);
}

/* ---- where things appear ---- */

/* Uniform on the cells without agent, stag or one of the first `num_plants` plants. */
static TrustCell draw_free_cell(const TrustConfig *config, AgoraRng *rng, const TrustState *state, int32_t num_plants)
{
    uint64_t taken[TRUST_MAX_SIDE * TRUST_MAX_SIDE / 64] = {0};
    int32_t cells = config->width * config->height, free_cells = cells;
    for (int32_t i = 0; i < TRUST_NUM_AGENTS + 1 + num_plants; i++) {
        TrustCell thing = i < TRUST_NUM_AGENTS    ? state->agents[i]
                          : i == TRUST_NUM_AGENTS ? state->stag
                                                  : state->plants[i - TRUST_NUM_AGENTS - 1];
        int32_t cell = index_of(config, thing);
        free_cells -= !(taken[cell / 64] >> cell % 64 & 1);
        taken[cell / 64] |= (uint64_t)1 << cell % 64;
    }
    int32_t left = (int32_t)agora_draw_below(rng, (uint32_t)free_cells), cell = 0;
    while (taken[cell / 64] >> cell % 64 & 1 || left-- > 0)
        cell++;
    return (TrustCell){(uint8_t)(cell % config->width), (uint8_t)(cell / config->width)};
}

/* Agents in the top corners, the stag in the middle, plants anywhere else: the source's start. */
static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const TrustConfig *config = context->config;
    TrustState *state = state_bytes;
    state->agents[1].x = (uint8_t)(config->width - 1);
    state->stag = (TrustCell){(uint8_t)(config->width / 2), (uint8_t)(config->height / 2)};
    for (int32_t i = 0; i < config->num_plants; i++)
        state->plants[i] = draw_free_cell(config, rng, state, i);
}

/* ---- moves ---- */

static TrustCell move(const TrustConfig *config, TrustCell cell, int32_t action)
{
    static const int8_t STEPS[TRUST_NUM_ACTIONS][2] = {{-1, 0}, {0, 1}, {1, 0}, {0, -1}, {0, 0}};
    int32_t x = cell.x + STEPS[action][0], y = cell.y + STEPS[action][1];
    bool is_inside = x >= 0 && y >= 0 && x < config->width && y < config->height;
    return is_inside ? (TrustCell){(uint8_t)x, (uint8_t)y} : cell;
}

/* One of the actions whose bit is set, all equally likely. */
static int32_t draw_action(AgoraRng *rng, uint32_t actions)
{
    int32_t left = (int32_t)agora_draw_below(rng, (uint32_t)__builtin_popcount(actions)), action = 0;
    while (!(actions >> action & 1) || left-- > 0)
        action++;
    return action;
}

/* The moves that stay inside the grid. */
static uint32_t moves_inside(const TrustConfig *config, TrustCell cell)
{
    return (uint32_t)(cell.x > 0) << TRUST_LEFT | (uint32_t)(cell.x < config->width - 1) << TRUST_RIGHT |
           (uint32_t)(cell.y > 0) << TRUST_UP | (uint32_t)(cell.y < config->height - 1) << TRUST_DOWN;
}

static int32_t squared_distance(TrustCell a, TrustCell b)
{
    int32_t dx = a.x - b.x, dy = a.y - b.y;
    return dx * dx + dy * dy;
}

/* The moves that bring the stag closer to the nearest agent; none when it is there already. */
static uint32_t moves_to_nearest(AgoraRng *rng, const TrustState *state)
{
    TrustCell stag = state->stag;
    int32_t gap = squared_distance(stag, state->agents[0]) - squared_distance(stag, state->agents[1]);
    int32_t nearest = gap == 0 ? (int32_t)agora_draw_below(rng, 2) : gap > 0;
    TrustCell agent = state->agents[nearest];
    return (uint32_t)(stag.x > agent.x) << TRUST_LEFT | (uint32_t)(stag.x < agent.x) << TRUST_RIGHT |
           (uint32_t)(stag.y > agent.y) << TRUST_UP | (uint32_t)(stag.y < agent.y) << TRUST_DOWN;
}

static void move_stag(const TrustConfig *config, AgoraRng *rng, TrustState *state)
{
    double share = config->follow_probability;
    bool does_follow = share >= 1 || (share > 0 && agora_draw_unit(rng) < share);
    uint32_t moves = does_follow ? moves_to_nearest(rng, state) : 0;
    if (moves == 0)
        moves = moves_inside(config, state->stag);
    state->stag = move(config, state->stag, draw_action(rng, moves));
}

/* ---- rewards ---- */

/* What the agents' cells bring, by the rules alone: the index of the plant under an agent, or -1. */
typedef struct Outcome {
    bool is_caught, is_mauled[TRUST_NUM_AGENTS];
    int32_t eaten[TRUST_NUM_AGENTS];
} Outcome;

static int32_t plant_at(const TrustConfig *config, const TrustState *state, TrustCell cell)
{
    for (int32_t i = 0; i < config->num_plants; i++)
        if (is_same(state->plants[i], cell))
            return i;
    return -1;
}

/* Who is on the stag eats nothing there. Two agents on one plant eat it both. */
static Outcome judge(const TrustConfig *config, const TrustState *state)
{
    bool on_stag[TRUST_NUM_AGENTS];
    for (int32_t i = 0; i < TRUST_NUM_AGENTS; i++)
        on_stag[i] = is_same(state->agents[i], state->stag);
    Outcome outcome = {.is_caught = on_stag[0] && on_stag[1]};
    for (int32_t i = 0; i < TRUST_NUM_AGENTS; i++) {
        outcome.is_mauled[i] = on_stag[i] && !outcome.is_caught;
        outcome.eaten[i] = on_stag[i] ? -1 : plant_at(config, state, state->agents[i]);
    }
    return outcome;
}

static void count(int32_t *counter, bool has_happened) { *counter += has_happened && *counter < TRUST_MAX_COUNT; }

static void pay(const TrustConfig *config, TrustState *state, const Outcome *outcome, AgoraView *view)
{
    count(&state->catches, outcome->is_caught);
    for (int32_t i = 0; i < TRUST_NUM_AGENTS; i++) {
        bool is_mauled = outcome->is_mauled[i], has_eaten = outcome->eaten[i] >= 0;
        view->rewards[i] = (float)(outcome->is_caught ? config->stag_reward
                                   : is_mauled        ? config->mauling_reward
                                   : has_eaten        ? config->plant_reward
                                                      : 0);
        view->infos[0][i] = outcome->is_caught;
        view->infos[1][i] = is_mauled;
        view->infos[2][i] = has_eaten;
        count(&state->maulings[i], is_mauled);
        count(&state->plants_eaten[i], has_eaten);
    }
}

static void replace_prey(const TrustConfig *config, AgoraRng *rng, TrustState *state, const Outcome *outcome)
{
    bool has_mauled = outcome->is_mauled[0] || outcome->is_mauled[1];
    if (outcome->is_caught || (has_mauled && config->runs_after_mauling))
        state->stag = draw_free_cell(config, rng, state, config->num_plants);
    for (int32_t i = 0; i < TRUST_NUM_AGENTS; i++) {
        bool is_new = outcome->eaten[i] >= 0 && (i == 0 || outcome->eaten[i] != outcome->eaten[0]);
        if (is_new) /* its old cell still counts as taken */
            state->plants[outcome->eaten[i]] = draw_free_cell(config, rng, state, config->num_plants);
    }
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const TrustConfig *config = context->config;
    TrustState *state = state_bytes;
    const int32_t *actions = views[0].actions;
    move_stag(config, rng, state);
    for (int32_t i = 0; i < TRUST_NUM_AGENTS; i++)
        state->agents[i] = move(config, state->agents[i], actions[i]);
    Outcome outcome = judge(config, state);
    pay(config, state, &outcome, &views[0]);
    replace_prey(config, rng, state, &outcome);

    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool has_mauled = outcome.is_mauled[0] || outcome.is_mauled[1];
    bool is_decided = (outcome.is_caught && config->ends_at_catch) || (has_mauled && config->ends_at_mauling);
    bool is_over = is_decided || state->timestep >= config->horizon;
    for (int32_t i = 0; i < TRUST_NUM_AGENTS; i++) {
        views[0].terminations[i] = is_decided;
        views[0].truncations[i] = is_over && !is_decided;
    }
    return is_over;
}

/* ---- observations ---- */

static void show_grid(const TrustConfig *config, const TrustState *state, int32_t agent, uint8_t *cells)
{
    memset(cells, 0, (size_t)(config->width * config->height * TRUST_NUM_CHANNELS));
    cells[index_of(config, state->agents[agent]) * TRUST_NUM_CHANNELS] = 1;
    cells[index_of(config, state->agents[1 - agent]) * TRUST_NUM_CHANNELS + 1] = 1;
    cells[index_of(config, state->stag) * TRUST_NUM_CHANNELS + 2] = 1;
    for (int32_t i = 0; i < config->num_plants; i++)
        cells[index_of(config, state->plants[i]) * TRUST_NUM_CHANNELS + 3] = 1;
}

static void show_coordinates(const TrustConfig *config, const TrustState *state, int32_t agent, uint8_t *numbers)
{
    TrustCell things[3 + TRUST_MAX_PLANTS] = {state->agents[agent], state->agents[1 - agent], state->stag};
    for (int32_t i = 0; i < config->num_plants; i++) {
        int32_t place = 3 + i;
        for (; place > 3 && index_of(config, things[place - 1]) > index_of(config, state->plants[i]); place--)
            things[place] = things[place - 1];
        things[place] = state->plants[i];
    }
    memcpy(numbers, things, (size_t)(3 + config->num_plants) * sizeof *things);
}

static void observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    const TrustConfig *config = context->config;
    uint8_t *observation = views[0].observations;
    for (int32_t i = 0; i < TRUST_NUM_AGENTS; i++) {
        if (config->observation == TRUST_GRID)
            show_grid(config, state, i, observation + i * config->width * config->height * TRUST_NUM_CHANNELS);
        else
            show_coordinates(config, state, i, observation + i * (6 + 2 * config->num_plants));
        views[0].alive[i] = 1;
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"catches", "maulings", "plants_eaten"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    (void)context;
    const TrustState *state = state_bytes;
    values[0] = state->catches;
    values[1] = (double)state->maulings[0] + state->maulings[1];
    values[2] = (double)state->plants_eaten[0] + state->plants_eaten[1];
}

const AgoraWorld agora_trust = {
    .name = "trust",
    .config_size = sizeof(TrustConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(TrustState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = 3,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
