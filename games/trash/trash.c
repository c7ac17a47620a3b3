#include "trash.h"

#include <string.h>

enum { ROW, COLUMN, KIND };

static const int8_t STEPS[4][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}}; /* row and column, by direction */

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(TrashConfig, member)}

static const AgoraField CONFIG_FIELDS[] = {
    SCALAR(num_agents, AGORA_I32),      SCALAR(num_small, AGORA_I32),    SCALAR(num_big, AGORA_I32),
    SCALAR(capacity, AGORA_I32),        SCALAR(horizon, AGORA_I32),      SCALAR(delivery_reward, AGORA_F64),
    SCALAR(split_reward, AGORA_F64),    SCALAR(pick_up_reward, AGORA_F64), SCALAR(step_cost, AGORA_F64),
    {0},
};

static bool check_amount(const char *name, double value, AgoraError *error)
{
    return (value >= 0 && value <= 1000) || agora_fail(error, "%s must be in [0, 1000], got %g", name, value);
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const TrashConfig *config = config_bytes;
    if (!agora_check_range("num_small", config->num_small, 0, TRASH_MAX_PIECES, error) ||
        !agora_check_range("num_big", config->num_big, 0, TRASH_MAX_PIECES, error))
        return false;
    return agora_check_range("num_small + num_big", config->num_small + config->num_big, 1, TRASH_MAX_PIECES, error) &&
           agora_check_range("num_agents", config->num_agents, 1, TRASH_MAX_AGENTS, error) &&
           agora_check_range("capacity", config->capacity, 1, TRASH_MAX_CAPACITY, error) &&
           agora_check_range("horizon", config->horizon, 1, INT32_MAX, error) &&
           check_amount("delivery_reward", config->delivery_reward, error) &&
           check_amount("split_reward", config->split_reward, error) &&
           check_amount("pick_up_reward", config->pick_up_reward, error) &&
           check_amount("step_cost", config->step_cost, error);
}

static int32_t num_pieces(const TrashConfig *config) { return config->num_small + config->num_big; }

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const TrashConfig *config = context->config;
    out[0] = (AgoraGroup){
        .name = "agents",
        .agent_name = "agent",
        .num_agents = config->num_agents,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {4 * config->num_agents + 3 * num_pieces(config) + 2 * TRASH_NUM_BINS},
        .observation_low = 1 - TRASH_SIDE,
        .observation_high = TRASH_SIDE - 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {TRASH_NUM_ACTIONS},
        .num_infos = 3,
        .info_names = {"picked_up", "split", "delivered"},
    };
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const TrashConfig *config = context->config;
    out[0] = (AgoraField){"timestep", AGORA_I32, offsetof(TrashState, timestep), 0, {0}, 0, 0};
    out[1] = (AgoraField){"agents", AGORA_U8, offsetof(TrashState, agents), 2, {config->num_agents, 2}, 0, 0};
    out[2] = (AgoraField){"directions", AGORA_U8, offsetof(TrashState, directions), 1, {config->num_agents}, 0, 0};
    out[3] = (AgoraField){"loads", AGORA_U8, offsetof(TrashState, loads), 1, {config->num_agents}, 0, 0};
    out[4] = (AgoraField){"pieces", AGORA_U8, offsetof(TrashState, pieces), 2, {num_pieces(config), 3}, 0, 0};
    return 5;
}

static bool is_bin(int32_t row, int32_t column) { return row >= TRASH_BIN_ROW && column >= TRASH_BIN_COLUMN; }

static bool check_piece(const TrashConfig *config, const TrashState *state, int32_t m, AgoraError *error)
{
    const uint8_t *piece = state->pieces[m];
    int32_t most = m >= num_pieces(config) ? TRASH_GONE : m < config->num_small ? TRASH_SMALL : TRASH_BIG;
    if (piece[KIND] == TRASH_GONE)
        return !(piece[ROW] | piece[COLUMN]) || agora_fail(error, "pieces: number %d is gone and lies somewhere", m);
    if (piece[KIND] > most || piece[ROW] < TRASH_FIRST_ROW || piece[ROW] >= TRASH_FIRST_ROW + TRASH_ROWS ||
        piece[COLUMN] >= TRASH_COLUMNS)
        return agora_fail(error, "pieces: number %d cannot be of kind %d in row %d, column %d", m, piece[KIND],
                          piece[ROW], piece[COLUMN]);
    for (int32_t k = 0; k < m; k++)
        if (state->pieces[k][KIND] && memcmp(piece, state->pieces[k], 2) == 0)
            return agora_fail(error, "pieces: numbers %d and %d lie in the same cell", k, m);
    return true;
}

static bool check_agent(const TrashConfig *config, const TrashState *state, int32_t i, AgoraError *error)
{
    const uint8_t *agent = state->agents[i];
    if (i >= config->num_agents)
        return !(agent[ROW] | agent[COLUMN] | state->directions[i] | state->loads[i]) ||
               agora_fail(error, "the state has an agent too many");
    if (agent[ROW] >= TRASH_SIDE || agent[COLUMN] >= TRASH_SIDE || is_bin(agent[ROW], agent[COLUMN]) ||
        state->directions[i] > 3 || state->loads[i] > config->capacity)
        return agora_fail(error, "agents: number %d cannot be in row %d, column %d with direction %d and %d pieces", i,
                          agent[ROW], agent[COLUMN], state->directions[i], state->loads[i]);
    for (int32_t m = 0; m < num_pieces(config); m++)
        if (state->pieces[m][KIND] && memcmp(agent, state->pieces[m], 2) == 0)
            return agora_fail(error, "agents: number %d stands on piece %d", i, m);
    for (int32_t k = 0; k < i; k++)
        if (memcmp(agent, state->agents[k], 2) == 0)
            return agora_fail(error, "agents: numbers %d and %d stand in the same cell", k, i);
    return true;
}

static int32_t num_gone(const TrashConfig *config, const TrashState *state)
{
    int32_t gone = 0;
    for (int32_t m = 0; m < num_pieces(config); m++)
        gone += state->pieces[m][KIND] == TRASH_GONE;
    return gone;
}

/* Pieces that are neither on the ground nor carried. */
static int32_t num_delivered(const TrashConfig *config, const TrashState *state)
{
    int32_t delivered = num_gone(config, state);
    for (int32_t i = 0; i < config->num_agents; i++)
        delivered -= state->loads[i];
    return delivered;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const TrashConfig *config = context->config;
    const TrashState *state = state_bytes;
    for (int32_t m = 0; m < TRASH_MAX_PIECES; m++)
        if (!check_piece(config, state, m, error))
            return false;
    for (int32_t i = 0; i < TRASH_MAX_AGENTS; i++)
        if (!check_agent(config, state, i, error))
            return false;
    if (num_delivered(config, state) < 0)
        return agora_fail(error, "loads: more pieces are carried than are gone");
    return agora_check_range("timestep", state->timestep, 0, config->horizon, error);
}

/* ---- start of an episode ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const TrashConfig *config = context->config;
    TrashState *state = state_bytes;
    uint8_t cells[TRASH_MAX_PIECES];
    for (int32_t i = 0; i < config->num_agents; i++) {
        state->agents[i][COLUMN] = (uint8_t)(2 * i);
        state->directions[i] = 1;
    }
    for (int32_t c = 0; c < TRASH_MAX_PIECES; c++)
        cells[c] = (uint8_t)c;
    for (int32_t m = 0; m < num_pieces(config); m++) {
        uint32_t pick = agora_draw_below(rng, (uint32_t)(TRASH_MAX_PIECES - m));
        state->pieces[m][ROW] = (uint8_t)(TRASH_FIRST_ROW + cells[pick] / TRASH_COLUMNS);
        state->pieces[m][COLUMN] = (uint8_t)(cells[pick] % TRASH_COLUMNS);
        state->pieces[m][KIND] = m < config->num_small ? TRASH_SMALL : TRASH_BIG;
        cells[pick] = cells[TRASH_MAX_PIECES - 1 - m];
    }
}

/* ---- a step ---- */

/* What a cell holds: a piece has its number. */
enum { FREE = TRASH_MAX_PIECES, BIN, AGENT, OUTSIDE };

typedef struct Map {
    uint8_t cells[TRASH_SIDE][TRASH_SIDE];
} Map;

static void fill_map(const TrashConfig *config, const TrashState *state, Map *map)
{
    memset(map->cells, FREE, sizeof map->cells);
    for (int32_t row = TRASH_BIN_ROW; row < TRASH_SIDE; row++)
        memset(&map->cells[row][TRASH_BIN_COLUMN], BIN, TRASH_SIDE - TRASH_BIN_COLUMN);
    for (int32_t m = 0; m < num_pieces(config); m++)
        if (state->pieces[m][KIND] != TRASH_GONE)
            map->cells[state->pieces[m][ROW]][state->pieces[m][COLUMN]] = (uint8_t)m;
    for (int32_t i = 0; i < config->num_agents; i++)
        map->cells[state->agents[i][ROW]][state->agents[i][COLUMN]] = AGENT;
}

/* What one agent is about to do: the cell in front, what is there, and whether it works unless others want it too. */
typedef struct Intent {
    int32_t row, column;
    uint8_t content;
    bool goes, takes, splits;
} Intent;

static Intent find_intent(const TrashConfig *config, const TrashState *state, const Map *map, int32_t i, int32_t action)
{
    Intent intent = {.row = state->agents[i][ROW] + STEPS[state->directions[i]][0],
                     .column = state->agents[i][COLUMN] + STEPS[state->directions[i]][1]};
    bool is_inside =
        intent.row >= 0 && intent.row < TRASH_SIDE && intent.column >= 0 && intent.column < TRASH_SIDE;
    intent.content = is_inside ? map->cells[intent.row][intent.column] : OUTSIDE;
    uint8_t kind = intent.content < TRASH_MAX_PIECES ? state->pieces[intent.content][KIND] : TRASH_GONE;
    intent.goes = action == TRASH_FORWARD && intent.content == FREE;
    intent.takes = action == TRASH_PICK_UP && kind == TRASH_SMALL && state->loads[i] < config->capacity;
    intent.splits = action == TRASH_SPLIT && kind == TRASH_BIG;
    return intent;
}

/* Whether another agent goes to the same cell, or takes from it. */
static bool is_contested(const TrashConfig *config, const Intent *intents, int32_t i)
{
    bool is_wanted = false;
    for (int32_t k = 0; k < config->num_agents; k++)
        is_wanted |= k != i && intents[k].row == intents[i].row && intents[k].column == intents[i].column &&
                     (intents[k].goes || intents[k].takes);
    return is_wanted;
}

/* Carries out what one agent does, and notes it in the infos. */
static void act(const TrashConfig *config, TrashState *state, const Intent *intents, int32_t i, int32_t action,
                AgoraView *view)
{
    const Intent *own = &intents[i];
    bool is_free = !is_contested(config, intents, i), puts_down = action == TRASH_PUT_DOWN && own->content == BIN;
    view->infos[0][i] = own->takes && is_free;
    view->infos[1][i] = own->splits;
    view->infos[2][i] = puts_down ? (float)state->loads[i] : 0;
    if (own->goes && is_free) {
        state->agents[i][ROW] = (uint8_t)own->row;
        state->agents[i][COLUMN] = (uint8_t)own->column;
    } else if (own->takes && is_free) {
        memset(state->pieces[own->content], 0, sizeof state->pieces[own->content]);
        state->loads[i]++;
    } else if (own->splits) {
        state->pieces[own->content][KIND] = TRASH_SMALL;
    } else if (puts_down) {
        state->loads[i] = 0;
    }
    int32_t turn = (action == TRASH_RIGHT) + 3 * (action == TRASH_LEFT);
    state->directions[i] = (uint8_t)((state->directions[i] + turn) & 3);
}

static int32_t num_big_left(const TrashConfig *config, const TrashState *state)
{
    int32_t big = 0;
    for (int32_t m = config->num_small; m < num_pieces(config); m++)
        big += state->pieces[m][KIND] == TRASH_BIG;
    return big;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const TrashConfig *config = context->config;
    TrashState *state = state_bytes;
    const int32_t *actions = views[0].actions;
    int32_t big = num_big_left(config, state), delivered = num_delivered(config, state);
    int32_t gone = num_gone(config, state);
    Intent intents[TRASH_MAX_AGENTS];
    Map map;
    fill_map(config, state, &map);
    for (int32_t i = 0; i < config->num_agents; i++)
        intents[i] = find_intent(config, state, &map, i, actions[i]);
    for (int32_t i = 0; i < config->num_agents; i++)
        act(config, state, intents, i, actions[i], &views[0]);
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    int32_t all_delivered = num_delivered(config, state);
    double reward = (all_delivered - delivered) * config->delivery_reward +
                    (big - num_big_left(config, state)) * config->split_reward +
                    (num_gone(config, state) - gone) * config->pick_up_reward - config->step_cost;
    bool is_clean = all_delivered == num_pieces(config), is_late = !is_clean && state->timestep >= config->horizon;
    for (int32_t i = 0; i < config->num_agents; i++) {
        views[0].rewards[i] = (float)reward;
        views[0].terminations[i] = is_clean;
        views[0].truncations[i] = is_late;
    }
    return is_clean || is_late;
}

/* ---- what agents see ---- */

static float *show_agent(const TrashState *state, int32_t i, const uint8_t *eye, float *out)
{
    *out++ = (float)(state->agents[i][ROW] - eye[ROW]);
    *out++ = (float)(state->agents[i][COLUMN] - eye[COLUMN]);
    *out++ = state->loads[i];
    *out++ = state->directions[i];
    return out;
}

static float *show_rest(const TrashConfig *config, const TrashState *state, const uint8_t *eye, float *out)
{
    for (int32_t m = 0; m < num_pieces(config); m++, out += 3) {
        const uint8_t *piece = state->pieces[m];
        bool is_there = piece[KIND] != TRASH_GONE;
        out[ROW] = is_there ? (float)(piece[ROW] - eye[ROW]) : 0;
        out[COLUMN] = is_there ? (float)(piece[COLUMN] - eye[COLUMN]) : 0;
        out[KIND] = piece[KIND];
    }
    for (int32_t row = TRASH_BIN_ROW; row < TRASH_SIDE; row++)
        for (int32_t column = TRASH_BIN_COLUMN; column < TRASH_SIDE; column++) {
            *out++ = (float)(row - eye[ROW]);
            *out++ = (float)(column - eye[COLUMN]);
        }
    return out;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const TrashConfig *config = context->config;
    const TrashState *state = state_bytes;
    float *out = views[0].observations;
    for (int32_t i = 0; i < config->num_agents; i++) {
        const uint8_t *eye = state->agents[i];
        out = show_agent(state, i, eye, out);
        for (int32_t k = 0; k < config->num_agents; k++)
            if (k != i)
                out = show_agent(state, k, eye, out);
        out = show_rest(config, state, eye, out);
        views[0].alive[i] = 1;
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"delivered", "split"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    const TrashConfig *config = context->config;
    values[0] = num_delivered(config, state_bytes);
    values[1] = config->num_big - num_big_left(config, state_bytes);
}

const AgoraWorld agora_trash = {
    .name = "trash",
    .config_size = sizeof(TrashConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(TrashState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = 2,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
