#include "pursuit.h"

#include <math.h>
#include <string.h>

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(PursuitConfig, member)}

static const AgoraField CONFIG_FIELDS[] = {
    SCALAR(x_size, AGORA_I32),
    SCALAR(y_size, AGORA_I32),
    {.name = "walls", .dtype = AGORA_U8, .offset = offsetof(PursuitConfig, walls), .is_span = true},
    SCALAR(num_pursuers, AGORA_I32),
    SCALAR(num_evaders, AGORA_I32),
    SCALAR(obs_range, AGORA_I32),
    SCALAR(surround, AGORA_U8),
    SCALAR(n_catch, AGORA_I32),
    SCALAR(freeze_evaders, AGORA_U8),
    SCALAR(shared_reward, AGORA_U8),
    SCALAR(tag_reward, AGORA_F64),
    SCALAR(catch_reward, AGORA_F64),
    SCALAR(urgency_reward, AGORA_F64),
    SCALAR(constraint_window, AGORA_F64),
    SCALAR(horizon, AGORA_I32),
    {0},
};

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const PursuitConfig *config = config_bytes;
    if (!agora_check_range("x_size", config->x_size, 2, PURSUIT_MAX_SIDE, error) ||
        !agora_check_range("y_size", config->y_size, 2, PURSUIT_MAX_SIDE, error) ||
        !agora_check_range("num_pursuers", config->num_pursuers, 1, PURSUIT_MAX_AGENTS, error) ||
        !agora_check_range("num_evaders", config->num_evaders, 1, PURSUIT_MAX_AGENTS, error) ||
        !agora_check_range("obs_range", config->obs_range, 1, PURSUIT_MAX_RANGE, error) ||
        !agora_check_range("n_catch", config->n_catch, 1, INT32_MAX, error) ||
        !agora_check_range("horizon", config->horizon, 1, INT32_MAX, error))
        return false;
    size_t cells = (size_t)(config->x_size * config->y_size);
    if (config->walls.count != (int64_t)cells)
        return agora_fail(error, "walls must have %zu cells, got %lld", cells, (long long)config->walls.count);
    for (size_t cell = 0; cell < cells; cell++)
        if (((const uint8_t *)config->walls.data)[cell] > 1)
            return agora_fail(error, "walls must be 0 or 1");
    if (!memchr(config->walls.data, 0, cells))
        return agora_fail(error, "walls leave no cell to stand on");
    if (config->obs_range % 2 == 0)
        return agora_fail(error, "obs_range must be odd, got %d", config->obs_range);
    if (!(fabs(config->tag_reward) <= 1e6 && fabs(config->catch_reward) <= 1e6 && fabs(config->urgency_reward) <= 1e6))
        return agora_fail(error, "the rewards must be within a million of 0");
    if (!(config->constraint_window >= 0 && config->constraint_window <= 1))
        return agora_fail(error, "constraint_window must be in [0, 1], got %g", config->constraint_window);
    return true;
}

/* ---- the map, worked out once ---- */

enum { MAX_PADDED = (PURSUIT_MAX_SIDE + PURSUIT_MAX_RANGE - 1) * (PURSUIT_MAX_SIDE + PURSUIT_MAX_RANGE - 1) };

typedef struct Town {
    int32_t num_cells, margin, padded_width, padded_cells;
    int32_t num_open;
    uint16_t open_cells[PURSUIT_MAX_CELLS];
    uint8_t needed[PURSUIT_MAX_CELLS]; /* open cells beside a cell */
    uint8_t view[MAX_PADDED * PURSUIT_NUM_CHANNELS]; /* [y][x][channel] with a margin, as seen without agents */
} Town;

static const int8_t STEPS[PURSUIT_NUM_ACTIONS][2] = {{-1, 0}, {1, 0}, {0, 1}, {0, -1}, {0, 0}};

static bool is_open(const PursuitConfig *config, int32_t x, int32_t y)
{
    bool is_inside = x >= 0 && y >= 0 && x < config->x_size && y < config->y_size;
    return is_inside && !((const uint8_t *)config->walls.data)[y * config->x_size + x];
}

static size_t town_size(const void *config)
{
    (void)config;
    return sizeof(Town);
}

static void town_build(const void *config_bytes, void *town_bytes)
{
    const PursuitConfig *config = config_bytes;
    Town *town = town_bytes;
    town->num_cells = config->x_size * config->y_size;
    town->margin = config->obs_range / 2;
    town->padded_width = config->x_size + 2 * town->margin;
    town->padded_cells = town->padded_width * (config->y_size + 2 * town->margin);
    for (int32_t cell = 0; cell < town->num_cells; cell++) {
        int32_t x = cell % config->x_size, y = cell / config->x_size;
        if (is_open(config, x, y))
            town->open_cells[town->num_open++] = (uint16_t)cell;
        for (int32_t side = 0; side < 4; side++)
            town->needed[cell] += is_open(config, x + STEPS[side][0], y + STEPS[side][1]);
    }
    for (int32_t cell = 0; cell < town->padded_cells; cell++) {
        int32_t x = cell % town->padded_width - town->margin, y = cell / town->padded_width - town->margin;
        town->view[cell * PURSUIT_NUM_CHANNELS] = !is_open(config, x, y);
    }
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const PursuitConfig *config = context->config;
    int32_t pursuers = config->num_pursuers, evaders = config->num_evaders;
    out[0] = (AgoraGroup){
        .name = "pursuers",
        .agent_name = "pursuer",
        .num_agents = pursuers,
        .observation_dtype = AGORA_U8,
        .observation_rank = 3,
        .observation_shape = {config->obs_range, config->obs_range, PURSUIT_NUM_CHANNELS},
        .observation_high = (float)(pursuers > evaders ? pursuers : evaders),
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {PURSUIT_NUM_ACTIONS},
        .num_infos = 2,
        .info_names = {"caught", "tagged"},
    };
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const PursuitConfig *config = context->config;
    out[0] = (AgoraField){"timestep", AGORA_I32, offsetof(PursuitState, timestep), 0, {0}, 0, 0};
    out[1] = (AgoraField){"caught", AGORA_I32, offsetof(PursuitState, caught), 0, {0}, 0, 0};
    out[2] = (AgoraField){
        "pursuers", AGORA_U8, offsetof(PursuitState, pursuers), 2, {config->num_pursuers, 2}, 0, 0};
    out[3] = (AgoraField){"evaders", AGORA_U8, offsetof(PursuitState, evaders), 2, {config->num_evaders, 2}, 0, 0};
    return 4;
}

static bool is_gone(const uint8_t position[2]) { return position[0] == PURSUIT_GONE; }

static bool check_places(const PursuitConfig *config, const char *name, const uint8_t (*places)[2], int32_t agents,
                         bool can_be_gone, AgoraError *error)
{
    for (int32_t i = 0; i < PURSUIT_MAX_AGENTS; i++) {
        int32_t x = places[i][0], y = places[i][1];
        bool is_right = i >= agents ? x == 0 && y == 0
                                    : is_open(config, x, y) || (can_be_gone && x == PURSUIT_GONE && y == PURSUIT_GONE);
        if (!is_right)
            return agora_fail(error, "%s: number %d cannot stand at (%d, %d)", name, i, x, y);
    }
    return true;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const PursuitConfig *config = context->config;
    const PursuitState *state = state_bytes;
    return agora_check_range("timestep", state->timestep, 0, config->horizon, error) &&
           agora_check_range("caught", state->caught, 0, config->num_evaders, error) &&
           check_places(config, "pursuers", state->pursuers, config->num_pursuers, false, error) &&
           check_places(config, "evaders", state->evaders, config->num_evaders, true, error);
}

/* ---- start of an episode ---- */

/* Cells where somebody may start: from x_low, y_low up to below x_high, y_high. */
typedef struct Window {
    int32_t x_low, x_high, y_low, y_high;
} Window;

static Window draw_window(const PursuitConfig *config, AgoraRng *rng)
{
    double share = config->constraint_window;
    double x = agora_draw_unit(rng) * (1 - share), y = agora_draw_unit(rng) * (1 - share);
    return (Window){(int32_t)(config->x_size * x), (int32_t)(config->x_size * (x + share)),
                    (int32_t)(config->y_size * y), (int32_t)(config->y_size * (y + share))};
}

/* Uniform on the open cells of the window that are not blocked; without any, on all open cells. */
static int32_t draw_start(const PursuitConfig *config, const Town *town, AgoraRng *rng, const Window *window,
                          const uint8_t *blocked)
{
    uint16_t allowed[PURSUIT_MAX_CELLS];
    int32_t num_allowed = 0;
    for (int32_t k = 0; k < town->num_open; k++) {
        int32_t cell = town->open_cells[k], x = cell % config->x_size, y = cell / config->x_size;
        bool is_inside = x >= window->x_low && x < window->x_high && y >= window->y_low && y < window->y_high;
        allowed[num_allowed] = (uint16_t)cell;
        num_allowed += is_inside && !blocked[cell];
    }
    if (num_allowed == 0)
        return town->open_cells[agora_draw_below(rng, (uint32_t)town->num_open)];
    return allowed[agora_draw_below(rng, (uint32_t)num_allowed)];
}

/* Nobody starts beside another one of its kind, or on it. */
static void place(const PursuitConfig *config, const Town *town, AgoraRng *rng, const Window *window,
                  uint8_t (*places)[2], int32_t agents)
{
    uint8_t blocked[PURSUIT_MAX_CELLS] = {0};
    for (int32_t i = 0; i < agents; i++) {
        int32_t cell = draw_start(config, town, rng, window, blocked), x = cell % config->x_size,
                y = cell / config->x_size;
        places[i][0] = (uint8_t)x;
        places[i][1] = (uint8_t)y;
        for (int32_t side = 0; side < PURSUIT_NUM_ACTIONS; side++)
            if (is_open(config, x + STEPS[side][0], y + STEPS[side][1]))
                blocked[(y + STEPS[side][1]) * config->x_size + x + STEPS[side][0]] = 1;
    }
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const PursuitConfig *config = context->config;
    PursuitState *state = state_bytes;
    Window window = draw_window(config, rng);
    place(config, context->model, rng, &window, state->pursuers, config->num_pursuers);
    place(config, context->model, rng, &window, state->evaders, config->num_evaders);
}

/* ---- a step ---- */

/* How many stand in each cell. */
typedef struct Counts {
    uint8_t pursuers[PURSUIT_MAX_CELLS], evaders[PURSUIT_MAX_CELLS];
} Counts;

static int32_t cell_of(const PursuitConfig *config, const uint8_t position[2])
{
    return position[1] * config->x_size + position[0];
}

static void move(const PursuitConfig *config, uint8_t position[2], int32_t action)
{
    int32_t x = position[0] + STEPS[action][0], y = position[1] + STEPS[action][1];
    if (is_open(config, x, y)) {
        position[0] = (uint8_t)x;
        position[1] = (uint8_t)y;
    }
}

static int32_t clip(int32_t value, int32_t high) { return value < 0 ? 0 : value > high ? high : value; }

/* Evaders on the four cells beside a position; the border folds, as in the reference. */
static int32_t count_beside(const PursuitConfig *config, const Counts *counts, const uint8_t position[2])
{
    int32_t evaders = 0;
    for (int32_t side = 0; side < 4; side++) {
        int32_t x = clip(position[0] + STEPS[side][0], config->x_size - 1);
        int32_t y = clip(position[1] + STEPS[side][1], config->y_size - 1);
        evaders += counts->evaders[y * config->x_size + x];
    }
    return evaders;
}

/* Moves the pursuers and fills in what each gets for evaders beside it. */
static void pursue(const PursuitConfig *config, PursuitState *state, const int32_t *actions, Counts *counts,
                   double *rewards, float *tagged)
{
    int32_t pursuers = config->num_pursuers;
    for (int32_t k = 0; k < pursuers; k++) {
        int32_t before = count_beside(config, counts, state->pursuers[k]);
        move(config, state->pursuers[k], actions[k]);
        int32_t after = count_beside(config, counts, state->pursuers[k]);
        rewards[k] = config->tag_reward * (k * before + (pursuers - k) * after) / pursuers;
        tagged[k] = (float)after;
        counts->pursuers[cell_of(config, state->pursuers[k])]++;
    }
}

static bool is_caught(const PursuitConfig *config, const Town *town, const Counts *counts, const uint8_t position[2])
{
    int32_t cell = cell_of(config, position), taken = 0;
    if (!config->surround)
        return counts->pursuers[cell] >= config->n_catch;
    for (int32_t side = 0; side < 4; side++) {
        int32_t x = position[0] + STEPS[side][0], y = position[1] + STEPS[side][1];
        taken += is_open(config, x, y) && counts->pursuers[y * config->x_size + x] > 0;
    }
    return taken == town->needed[cell];
}

/* Who caught: the pursuers beside the evader, or those on it. */
static void credit(const PursuitConfig *config, const PursuitState *state, const uint8_t evader[2], float *caught)
{
    for (int32_t k = 0; k < config->num_pursuers; k++) {
        int32_t dx = state->pursuers[k][0] - evader[0], dy = state->pursuers[k][1] - evader[1];
        if (dx * dx + dy * dy == (config->surround ? 1 : 0))
            caught[k] = 1;
    }
}

static int32_t remove_caught(const PursuitConfig *config, const Town *town, PursuitState *state, const Counts *counts,
                             float *caught)
{
    int32_t left = 0;
    memset(caught, 0, (size_t)config->num_pursuers * sizeof *caught);
    for (int32_t i = 0; i < config->num_evaders; i++) {
        if (is_gone(state->evaders[i]))
            continue;
        if (is_caught(config, town, counts, state->evaders[i])) {
            credit(config, state, state->evaders[i], caught);
            state->evaders[i][0] = state->evaders[i][1] = PURSUIT_GONE;
            state->caught += state->caught < config->num_evaders;
        } else {
            left++;
        }
    }
    return left;
}

/* 27 actions from one number: the digits to base 5 of a number below 5^27, drawn again where the last, shorter range of
 * the 64-bit numbers would favour the low ones. */
static uint64_t draw_actions(AgoraRng *rng)
{
    const uint64_t range = 7450580596923828125u; /* 5^27 */
    uint64_t number = agora_draw(rng);
    while (number >= 2 * range)
        number = agora_draw(rng);
    return number % range;
}

static void flee(const PursuitConfig *config, PursuitState *state, AgoraRng *rng)
{
    uint64_t digits = 0;
    int32_t num_digits = 0;
    for (int32_t i = 0; i < config->num_evaders; i++) {
        if (is_gone(state->evaders[i]))
            continue;
        if (num_digits == 0) {
            digits = draw_actions(rng);
            num_digits = 27;
        }
        move(config, state->evaders[i], (int32_t)(digits % PURSUIT_NUM_ACTIONS));
        digits /= PURSUIT_NUM_ACTIONS;
        num_digits--;
    }
}

static void pay(const PursuitConfig *config, const double *tags, AgoraView *view)
{
    double mean = 0, own[PURSUIT_MAX_AGENTS];
    for (int32_t k = 0; k < config->num_pursuers; k++) {
        own[k] = tags[k] + config->catch_reward * (double)view->infos[0][k] + config->urgency_reward;
        mean += own[k] / config->num_pursuers;
    }
    for (int32_t k = 0; k < config->num_pursuers; k++)
        view->rewards[k] = (float)(config->shared_reward ? mean : own[k]);
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const PursuitConfig *config = context->config;
    const Town *town = context->model;
    PursuitState *state = state_bytes;
    Counts counts;
    double tags[PURSUIT_MAX_AGENTS];
    memset(counts.pursuers, 0, (size_t)town->num_cells);
    memset(counts.evaders, 0, (size_t)town->num_cells);
    for (int32_t i = 0; i < config->num_evaders; i++)
        if (!is_gone(state->evaders[i]))
            counts.evaders[cell_of(config, state->evaders[i])]++;
    pursue(config, state, views[0].actions, &counts, tags, views[0].infos[1]);
    int32_t left = remove_caught(config, town, state, &counts, views[0].infos[0]);
    if (!config->freeze_evaders)
        flee(config, state, rng);
    pay(config, tags, &views[0]);

    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool is_late = state->timestep >= config->horizon; /* as in the reference, the time limit comes first */
    for (int32_t k = 0; k < config->num_pursuers; k++) {
        views[0].terminations[k] = left == 0 && !is_late;
        views[0].truncations[k] = is_late;
    }
    return left == 0 || is_late;
}

/* ---- observations ---- */

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const PursuitConfig *config = context->config;
    const Town *town = context->model;
    const PursuitState *state = state_bytes;
    uint8_t view[MAX_PADDED * PURSUIT_NUM_CHANNELS];
    memcpy(view, town->view, (size_t)(town->padded_cells * PURSUIT_NUM_CHANNELS));
    int32_t corner = town->margin * town->padded_width + town->margin;
    for (int32_t k = 0; k < config->num_pursuers; k++) {
        const uint8_t *position = state->pursuers[k];
        view[(corner + position[1] * town->padded_width + position[0]) * PURSUIT_NUM_CHANNELS + 1]++;
    }
    for (int32_t i = 0; i < config->num_evaders; i++) {
        const uint8_t *position = state->evaders[i];
        if (!is_gone(position))
            view[(corner + position[1] * town->padded_width + position[0]) * PURSUIT_NUM_CHANNELS + 2]++;
    }
    size_t row_size = (size_t)(config->obs_range * PURSUIT_NUM_CHANNELS);
    uint8_t *observation = views[0].observations;
    for (int32_t k = 0; k < config->num_pursuers; k++) {
        const uint8_t *position = state->pursuers[k];
        const uint8_t *row = view + (position[1] * town->padded_width + position[0]) * PURSUIT_NUM_CHANNELS;
        for (int32_t y = 0; y < config->obs_range; y++, row += town->padded_width * PURSUIT_NUM_CHANNELS) {
            memcpy(observation, row, row_size);
            observation += row_size;
        }
        views[0].alive[k] = 1;
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"caught"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    (void)context;
    values[0] = ((const PursuitState *)state_bytes)->caught;
}

const AgoraWorld agora_pursuit = {
    .name = "pursuit",
    .config_size = sizeof(PursuitConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = town_size,
    .build_model = town_build,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(PursuitState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = 1,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
