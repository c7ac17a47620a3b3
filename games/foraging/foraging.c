#include "foraging.h"

#include <math.h>
#include <string.h>

enum { ROW, COLUMN, LEVEL };

static const int8_t STEPS[FORAGING_NUM_ACTIONS][2] = {{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}, {0, 0}};

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(ForagingConfig, member)}

static const AgoraField CONFIG_FIELDS[] = {
    SCALAR(rows, AGORA_I32),
    SCALAR(columns, AGORA_I32),
    SCALAR(num_players, AGORA_I32),
    SCALAR(num_foods, AGORA_I32),
    SCALAR(min_player_level, AGORA_I32),
    SCALAR(max_player_level, AGORA_I32),
    SCALAR(min_food_level, AGORA_I32),
    SCALAR(max_food_level, AGORA_I32),
    SCALAR(sight, AGORA_I32),
    SCALAR(force_coop, AGORA_U8),
    SCALAR(normalize_reward, AGORA_U8),
    SCALAR(shows_levels, AGORA_U8),
    SCALAR(penalty, AGORA_F64),
    SCALAR(observation, AGORA_I32),
    SCALAR(horizon, AGORA_I32),
    {0},
};

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const ForagingConfig *config = config_bytes;
    if (!(config->penalty >= 0 && config->penalty <= 1e6))
        return agora_fail(error, "penalty must be in [0, 1e6], got %g", config->penalty);
    return agora_check_range("rows", config->rows, 5, FORAGING_MAX_SIDE, error) &&
           agora_check_range("columns", config->columns, 5, FORAGING_MAX_SIDE, error) &&
           agora_check_range("num_players", config->num_players, 1, FORAGING_MAX_PLAYERS, error) &&
           agora_check_range("num_foods", config->num_foods, 1, FORAGING_MAX_FOODS, error) &&
           agora_check_range("max_player_level", config->max_player_level, 1, FORAGING_MAX_LEVEL, error) &&
           agora_check_range("min_player_level", config->min_player_level, 1, config->max_player_level, error) &&
           agora_check_range("max_food_level", config->max_food_level, 0, FORAGING_MAX_FOOD_LEVEL, error) &&
           agora_check_range("min_food_level", config->min_food_level, 1, FORAGING_MAX_FOOD_LEVEL, error) &&
           agora_check_range("sight", config->sight, 1, FORAGING_MAX_SIDE, error) &&
           agora_check_range("observation", config->observation, FORAGING_VECTOR, FORAGING_GRID, error) &&
           agora_check_range("horizon", config->horizon, 1, INT32_MAX, error);
}

/* ---- spaces and state ---- */

static int32_t max_of(int32_t a, int32_t b) { return a > b ? a : b; }

static int32_t min_of(int32_t a, int32_t b) { return a < b ? a : b; }

/* The largest level that any food can have. */
static int32_t top_food_level(const ForagingConfig *config)
{
    int32_t players = min_of(config->num_players, 3);
    return config->max_food_level ? config->max_food_level : players * config->max_player_level;
}

static int32_t group_observation(const ForagingConfig *config, int32_t shape[AGORA_MAX_RANK])
{
    if (config->observation == FORAGING_GRID) {
        shape[0] = 3;
        shape[1] = shape[2] = 2 * config->sight + 1;
        return 3;
    }
    shape[0] = 3 * config->num_foods + (config->shows_levels ? 3 : 2) * config->num_players;
    return 1;
}

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const ForagingConfig *config = context->config;
    int32_t levels = max_of(top_food_level(config), config->max_player_level);
    out[0] = (AgoraGroup){
        .name = "players",
        .agent_name = "player",
        .num_agents = config->num_players,
        .observation_dtype = AGORA_F32,
        .observation_low = -1,
        .observation_high = (float)max_of(levels, max_of(config->rows, config->columns) - 1),
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {FORAGING_NUM_ACTIONS},
    };
    if (config->observation == FORAGING_GRID) {
        out[0].observation_low = 0;
        out[0].observation_high = (float)levels;
    }
    out[0].observation_rank = group_observation(config, out[0].observation_shape);
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const ForagingConfig *config = context->config;
    out[0] = (AgoraField){"timestep", AGORA_I32, offsetof(ForagingState, timestep), 0, {0}, 0, 0};
    out[1] = (AgoraField){"spawned", AGORA_I32, offsetof(ForagingState, spawned), 0, {0}, 0, 0};
    out[2] = (AgoraField){"loaded", AGORA_I32, offsetof(ForagingState, loaded), 0, {0}, 0, 0};
    out[3] = (AgoraField){"players", AGORA_U8, offsetof(ForagingState, players), 2, {config->num_players, 3}, 0, 0};
    out[4] = (AgoraField){"foods", AGORA_U8, offsetof(ForagingState, foods), 2, {config->num_foods, 3}, 0, 0};
    return 5;
}

static bool are_beside(const uint8_t one[3], const uint8_t other[3])
{
    int32_t rows = one[ROW] - other[ROW], columns = one[COLUMN] - other[COLUMN];
    return rows * rows + columns * columns == 1;
}

/* Too near for two foods: within the eight cells around, or two cells away along a row or a column. So no cell is
 * beside two of them. */
static bool are_crowded(const uint8_t one[3], const uint8_t other[3])
{
    int32_t rows = one[ROW] - other[ROW], columns = one[COLUMN] - other[COLUMN];
    return rows * rows + columns * columns <= 2 || rows * rows + columns * columns == 4;
}

static bool check_player(const ForagingConfig *config, const ForagingState *state, int32_t i, AgoraError *error)
{
    const uint8_t *player = state->players[i];
    if (i >= config->num_players)
        return !(player[ROW] | player[COLUMN] | player[LEVEL]) || agora_fail(error, "the state has a player too many");
    if (player[ROW] >= config->rows || player[COLUMN] >= config->columns || player[LEVEL] < 1 ||
        player[LEVEL] > config->max_player_level)
        return agora_fail(error, "players: number %d cannot be in row %d, column %d with level %d", i, player[ROW],
                          player[COLUMN], player[LEVEL]);
    for (int32_t f = 0; f < config->num_foods; f++)
        if (state->foods[f][LEVEL] && memcmp(player, state->foods[f], 2) == 0)
            return agora_fail(error, "players: number %d stands on food", i);
    return true;
}

static bool check_food(const ForagingConfig *config, const ForagingState *state, int32_t f, AgoraError *error)
{
    const uint8_t *food = state->foods[f];
    if (food[LEVEL] == 0 || f >= config->num_foods)
        return !(food[ROW] | food[COLUMN] | food[LEVEL]) || agora_fail(error, "foods: number %d has no level", f);
    bool is_inside =
        food[ROW] > 0 && food[ROW] < config->rows - 1 && food[COLUMN] > 0 && food[COLUMN] < config->columns - 1;
    if (!is_inside || food[LEVEL] > top_food_level(config))
        return agora_fail(error, "foods: number %d cannot be in row %d, column %d with level %d", f, food[ROW],
                          food[COLUMN], food[LEVEL]);
    for (int32_t g = 0; g < f; g++)
        if (state->foods[g][LEVEL] && (are_crowded(food, state->foods[g]) || memcmp(state->foods[g], food, 2) > 0))
            return agora_fail(error, "foods: numbers %d and %d are too near or not in order", g, f);
    return true;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const ForagingConfig *config = context->config;
    const ForagingState *state = state_bytes;
    for (int32_t f = 0; f < FORAGING_MAX_FOODS; f++)
        if (!check_food(config, state, f, error))
            return false;
    for (int32_t i = 0; i < FORAGING_MAX_PLAYERS; i++)
        if (!check_player(config, state, i, error))
            return false;
    int32_t left = 0;
    for (int32_t f = 0; f < config->num_foods; f++)
        left += state->foods[f][LEVEL];
    return agora_check_range("timestep", state->timestep, 0, config->horizon, error) &&
           agora_check_range("spawned", state->spawned, left, config->num_foods * top_food_level(config), error) &&
           agora_check_range("loaded", state->loaded, 0, config->num_foods, error);
}

/* ---- start of an episode ---- */

static uint8_t draw_between(AgoraRng *rng, int32_t low, int32_t high)
{
    return (uint8_t)(low >= high ? high : low + (int32_t)agora_draw_below(rng, (uint32_t)(high - low + 1)));
}

/* Players stand anywhere, no two alike. */
static void place_players(const ForagingConfig *config, AgoraRng *rng, ForagingState *state)
{
    for (int32_t i = 0; i < config->num_players; i++) {
        uint8_t *player = state->players[i];
        bool is_taken = true;
        while (is_taken) {
            is_taken = false;
            player[ROW] = (uint8_t)agora_draw_below(rng, (uint32_t)config->rows);
            player[COLUMN] = (uint8_t)agora_draw_below(rng, (uint32_t)config->columns);
            for (int32_t j = 0; j < i; j++)
                is_taken |= memcmp(player, state->players[j], 2) == 0;
        }
        player[LEVEL] = draw_between(rng, config->min_player_level, config->max_player_level);
    }
}

static int32_t sum_of_three_lowest(const ForagingConfig *config, const ForagingState *state)
{
    int32_t lowest[3] = {0, 0, 0}, count = 0; /* in increasing order */
    for (int32_t i = 0; i < config->num_players; i++) {
        int32_t level = state->players[i][LEVEL], place = min_of(count, 2);
        if (count == 3 && level >= lowest[2])
            continue;
        for (; place > 0 && lowest[place - 1] > level; place--)
            lowest[place] = lowest[place - 1];
        lowest[place] = level;
        count = min_of(count + 1, 3);
    }
    return lowest[0] + lowest[1] + lowest[2];
}

static bool can_hold_food(const ForagingConfig *config, const ForagingState *state, const uint8_t cell[3],
                          int32_t foods)
{
    for (int32_t f = 0; f < foods; f++)
        if (are_crowded(cell, state->foods[f]))
            return false;
    for (int32_t i = 0; i < config->num_players; i++)
        if (memcmp(cell, state->players[i], 2) == 0)
            return false;
    return true;
}

/* Tries places away from the border until all food has one or the attempts are used up, as the reference does. */
static void place_foods(const ForagingConfig *config, AgoraRng *rng, ForagingState *state)
{
    int32_t high = config->max_food_level ? config->max_food_level : sum_of_three_lowest(config, state);
    int32_t low = config->force_coop ? high : config->min_food_level, foods = 0;
    for (int32_t attempt = 0; attempt < FORAGING_MAX_ATTEMPTS && foods < config->num_foods; attempt++) {
        uint8_t food[3] = {draw_between(rng, 1, config->rows - 2), draw_between(rng, 1, config->columns - 2), 0};
        if (!can_hold_food(config, state, food, foods))
            continue;
        food[LEVEL] = draw_between(rng, low, high);
        state->spawned += food[LEVEL];
        int32_t place = foods++;
        for (; place > 0 && memcmp(state->foods[place - 1], food, 2) > 0; place--)
            memcpy(state->foods[place], state->foods[place - 1], 3);
        memcpy(state->foods[place], food, 3);
    }
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    place_players(context->config, rng, state_bytes);
    place_foods(context->config, rng, state_bytes);
}

/* ---- a step ---- */

static bool has_food(const ForagingConfig *config, const ForagingState *state, const uint8_t cell[3])
{
    for (int32_t f = 0; f < config->num_foods; f++)
        if (state->foods[f][LEVEL] && memcmp(cell, state->foods[f], 2) == 0)
            return true;
    return false;
}

static void walk(const ForagingConfig *config, ForagingState *state, const int32_t *actions)
{
    uint8_t targets[FORAGING_MAX_PLAYERS][3] = {{0}};
    for (int32_t i = 0; i < config->num_players; i++) {
        int32_t row = state->players[i][ROW] + STEPS[actions[i]][0];
        int32_t column = state->players[i][COLUMN] + STEPS[actions[i]][1];
        bool is_inside = row >= 0 && row < config->rows && column >= 0 && column < config->columns;
        uint8_t target[3] = {(uint8_t)row, (uint8_t)column, 0};
        bool does_walk = is_inside && !has_food(config, state, target);
        memcpy(targets[i], does_walk ? target : state->players[i], 2);
    }
    for (int32_t i = 0; i < config->num_players; i++) {
        int32_t wanted = 0;
        for (int32_t j = 0; j < config->num_players; j++)
            wanted += memcmp(targets[i], targets[j], 2) == 0;
        if (wanted == 1)
            memcpy(state->players[i], targets[i], 2);
    }
}

/* One food: who beside it loads gets it, or a penalty. */
static void load(const ForagingConfig *config, ForagingState *state, int32_t f, const int32_t *actions, float *rewards)
{
    int32_t levels = 0, food = state->foods[f][LEVEL];
    bool does_load[FORAGING_MAX_PLAYERS];
    for (int32_t i = 0; i < config->num_players; i++) {
        does_load[i] = actions[i] == FORAGING_LOAD && are_beside(state->players[i], state->foods[f]);
        levels += does_load[i] ? state->players[i][LEVEL] : 0;
    }
    if (levels == 0)
        return;
    double share = config->normalize_reward ? (double)levels * state->spawned : 1;
    for (int32_t i = 0; i < config->num_players; i++)
        if (does_load[i])
            rewards[i] = (float)(levels < food ? 0 - config->penalty : state->players[i][LEVEL] * food / share);
    if (levels < food)
        return;
    memset(state->foods[f], 0, 3);
    state->loaded += state->loaded < config->num_foods;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const ForagingConfig *config = context->config;
    ForagingState *state = state_bytes;
    const int32_t *actions = views[0].actions;
    walk(config, state, actions);
    memset(views[0].rewards, 0, (size_t)config->num_players * sizeof(float));
    bool is_empty = true;
    for (int32_t f = 0; f < config->num_foods; f++) {
        if (state->foods[f][LEVEL])
            load(config, state, f, actions, views[0].rewards);
        is_empty &= state->foods[f][LEVEL] == 0;
    }
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool is_late = state->timestep >= config->horizon;
    for (int32_t i = 0; i < config->num_players; i++) {
        views[0].terminations[i] = is_empty;
        views[0].truncations[i] = is_late && !is_empty;
    }
    return is_empty || is_late;
}

/* ---- observations ---- */

static void show_vector(const ForagingConfig *config, const ForagingState *state, int32_t me, float *numbers)
{
    int32_t sight = config->sight, row = state->players[me][ROW], column = state->players[me][COLUMN];
    int32_t top = max_of(row - sight, 0), left = max_of(column - sight, 0), size = config->shows_levels ? 3 : 2;
    float *end = numbers + 3 * config->num_foods;
    for (int32_t f = 0; f < config->num_foods; f++) {
        const uint8_t *food = state->foods[f];
        bool is_seen = food[LEVEL] && food[ROW] >= top && food[ROW] <= row + sight && food[COLUMN] >= left &&
                       food[COLUMN] <= column + sight;
        if (!is_seen)
            continue;
        *numbers++ = (float)(food[ROW] - top);
        *numbers++ = (float)(food[COLUMN] - left);
        *numbers++ = food[LEVEL];
    }
    while (numbers < end) {
        *numbers++ = -1;
        *numbers++ = -1;
        *numbers++ = 0;
    }
    end += size * config->num_players;
    for (int32_t k = 0; k < config->num_players; k++) {
        int32_t i = k == 0 ? me : k <= me ? k - 1 : k; /* self first, then the others in index order */
        int32_t y = state->players[i][ROW] - top, x = state->players[i][COLUMN] - left;
        if (y < 0 || x < 0 || y > 2 * sight || x > 2 * sight)
            continue;
        *numbers++ = (float)y;
        *numbers++ = (float)x;
        if (config->shows_levels)
            *numbers++ = state->players[i][LEVEL];
    }
    while (numbers < end) {
        *numbers++ = -1;
        *numbers++ = -1;
        if (config->shows_levels)
            *numbers++ = 0;
    }
}

/* The place of a cell in the layers, or -1 where the player does not see it. */
static int32_t find_place(const ForagingConfig *config, const uint8_t me[3], const uint8_t cell[3])
{
    int32_t sight = config->sight, y = cell[ROW] - me[ROW] + sight, x = cell[COLUMN] - me[COLUMN] + sight;
    bool is_seen = y >= 0 && x >= 0 && y <= 2 * sight && x <= 2 * sight;
    return is_seen ? y * (2 * sight + 1) + x : -1;
}

static void show_grid(const ForagingConfig *config, const ForagingState *state, int32_t me, float *layers)
{
    int32_t side = 2 * config->sight + 1, cells = side * side;
    float *players = layers, *foods = layers + cells, *access = layers + 2 * cells;
    memset(layers, 0, (size_t)(2 * cells) * sizeof *layers);
    for (int32_t y = 0; y < side; y++)
        for (int32_t x = 0; x < side; x++) {
            int32_t row = state->players[me][ROW] - config->sight + y;
            int32_t column = state->players[me][COLUMN] - config->sight + x;
            access[y * side + x] = row >= 0 && column >= 0 && row < config->rows && column < config->columns;
        }
    for (int32_t i = 0; i < config->num_players; i++) {
        int32_t place = find_place(config, state->players[me], state->players[i]);
        if (place < 0)
            continue;
        players[place] = config->shows_levels ? state->players[i][LEVEL] : 1;
        access[place] = 0;
    }
    for (int32_t f = 0; f < config->num_foods; f++) {
        int32_t place = state->foods[f][LEVEL] ? find_place(config, state->players[me], state->foods[f]) : -1;
        if (place < 0)
            continue;
        foods[place] = state->foods[f][LEVEL];
        access[place] = 0;
    }
}

static void observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    const ForagingConfig *config = context->config;
    int32_t shape[AGORA_MAX_RANK], rank = group_observation(config, shape), size = 1;
    for (int32_t axis = 0; axis < rank; axis++)
        size *= shape[axis];
    for (int32_t i = 0; i < config->num_players; i++) {
        float *observation = (float *)views[0].observations + (size_t)i * (size_t)size;
        if (config->observation == FORAGING_GRID)
            show_grid(config, state, i, observation);
        else
            show_vector(config, state, i, observation);
        views[0].alive[i] = 1;
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"loaded"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    (void)context;
    values[0] = ((const ForagingState *)state_bytes)->loaded;
}

const AgoraWorld agora_foraging = {
    .name = "foraging",
    .config_size = sizeof(ForagingConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(ForagingState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = 1,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
