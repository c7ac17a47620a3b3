#include "door_key.h"

#include <math.h>
#include <string.h>

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(DoorKeyConfig, member)}

static const AgoraField CONFIG_FIELDS[] = {
    SCALAR(size, AGORA_I32),         SCALAR(num_agents, AGORA_I32), SCALAR(view_size, AGORA_I32),
    SCALAR(horizon, AGORA_I32),      SCALAR(near_goal, AGORA_F64),  SCALAR(time_penalty, AGORA_F64),
    SCALAR(shared_reward, AGORA_U8), {0},
};

static int32_t max_agents(int32_t size)
{
    int32_t agents = size - DOOR_KEY_SPARE_CELLS;
    return agents < DOOR_KEY_MAX_AGENTS ? agents : DOOR_KEY_MAX_AGENTS;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const DoorKeyConfig *config = config_bytes;
    if (config->view_size % 2 == 0)
        return agora_fail(error, "view_size must be odd, got %d", config->view_size);
    return agora_check_range("size", config->size, DOOR_KEY_MIN_SIZE, DOOR_KEY_MAX_SIZE, error) &&
           agora_check_range("num_agents", config->num_agents, 1, max_agents(config->size), error) &&
           agora_check_range("view_size", config->view_size, 3, DOOR_KEY_MAX_VIEW, error) &&
           agora_check_range("horizon", config->horizon, 1, INT32_MAX, error) &&
           agora_check_range("shared_reward", config->shared_reward, 0, 1, error) &&
           agora_check_share("near_goal", config->near_goal, error) &&
           agora_check_share("time_penalty", config->time_penalty, error);
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const DoorKeyConfig *config = context->config;
    out[0] = (AgoraGroup){
        .name = "agents",
        .agent_name = "agent",
        .num_agents = config->num_agents,
        .observation_dtype = AGORA_U8,
        .observation_rank = 3,
        .observation_shape = {config->view_size, config->view_size, DOOR_KEY_NUM_CHANNELS},
        .observation_high = 10,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {DOOR_KEY_NUM_ACTIONS},
        .num_infos = 2,
        .info_names = {"got_key", "unlocked"},
    };
    return 1;
}

static AgoraField byte_field(const char *name, size_t offset, int32_t rank, int32_t rows, int32_t columns)
{
    return (AgoraField){.name = name, .dtype = AGORA_U8, .offset = offset, .rank = rank, .shape = {rows, columns}};
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    int32_t agents = ((const DoorKeyConfig *)context->config)->num_agents;
    const AgoraField fields[] = {
        {.name = "timestep", .dtype = AGORA_I32, .offset = offsetof(DoorKeyState, timestep)},
        byte_field("split", offsetof(DoorKeyState, split), 0, 0, 0),
        byte_field("door_y", offsetof(DoorKeyState, door_y), 0, 0, 0),
        byte_field("door", offsetof(DoorKeyState, door), 0, 0, 0),
        byte_field("is_reached", offsetof(DoorKeyState, is_reached), 0, 0, 0),
        byte_field("key", offsetof(DoorKeyState, key), 1, 2, 0),
        byte_field("goal", offsetof(DoorKeyState, goal), 1, 2, 0),
        byte_field("positions", offsetof(DoorKeyState, positions), 2, agents, 2),
        byte_field("directions", offsetof(DoorKeyState, directions), 1, agents, 0),
        byte_field("has_key", offsetof(DoorKeyState, has_key), 1, agents, 0),
    };
    memcpy(out, fields, sizeof fields);
    return (int32_t)(sizeof fields / sizeof fields[0]);
}

/* ---- the map ---- */

static const int8_t STEPS[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}}; /* by direction */

static bool is_at(const uint8_t place[2], int32_t x, int32_t y) { return place[0] == x && place[1] == y; }

static bool is_door(const DoorKeyState *state, int32_t x, int32_t y) { return x == state->split && y == state->door_y; }

/* Inside the outer walls, and not in the wall between the rooms; doors are no walls. */
static bool is_room(int32_t size, const DoorKeyState *state, int32_t x, int32_t y)
{
    return x > 0 && y > 0 && x < size - 1 && y < size - 1 && x != state->split;
}

/* Whether an agent may stand there. */
static bool is_open(int32_t size, const DoorKeyState *state, int32_t x, int32_t y)
{
    if (is_door(state, x, y))
        return state->door == DOOR_KEY_OPEN;
    return is_room(size, state, x, y) && !is_at(state->key, x, y);
}

static bool has_agent(const DoorKeyConfig *config, const uint8_t (*positions)[2], int32_t x, int32_t y)
{
    bool is_there = false;
    for (int32_t i = 0; i < config->num_agents; i++)
        is_there |= is_at(positions[i], x, y);
    return is_there;
}

/* The cell that agent i faces. */
static void face(const DoorKeyState *state, int32_t i, int32_t *x, int32_t *y)
{
    *x = state->positions[i][0] + STEPS[state->directions[i]][0];
    *y = state->positions[i][1] + STEPS[state->directions[i]][1];
}

/* ---- states from outside ---- */

static bool check_map(const DoorKeyConfig *config, const DoorKeyState *state, AgoraError *error)
{
    int32_t size = config->size;
    bool is_carried = is_at(state->key, DOOR_KEY_CARRIED, DOOR_KEY_CARRIED);
    if (!agora_check_range("timestep", state->timestep, 0, config->horizon, error) ||
        !agora_check_range("split", state->split, 2, size - 3, error) ||
        !agora_check_range("door_y", state->door_y, 1, size - 2, error) ||
        !agora_check_range("door", state->door, 0, DOOR_KEY_NUM_DOORS - 1, error) ||
        !agora_check_range("is_reached", state->is_reached, 0, 1, error))
        return false;
    if (!is_room(size, state, state->goal[0], state->goal[1]))
        return agora_fail(error, "the goal cannot be at (%d, %d)", state->goal[0], state->goal[1]);
    if (!is_carried && (!is_room(size, state, state->key[0], state->key[1]) ||
                        is_at(state->goal, state->key[0], state->key[1])))
        return agora_fail(error, "the key cannot be at (%d, %d)", state->key[0], state->key[1]);
    return true;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const DoorKeyConfig *config = context->config;
    const DoorKeyState *state = state_bytes;
    int32_t carriers = 0;
    if (!check_map(config, state, error))
        return false;
    for (int32_t i = 0; i < DOOR_KEY_MAX_AGENTS; i++) {
        int32_t x = state->positions[i][0], y = state->positions[i][1];
        bool is_used = i < config->num_agents;
        if (is_used ? !is_open(config->size, state, x, y) : x != 0 || y != 0)
            return agora_fail(error, "positions: agent %d cannot stand at (%d, %d)", i, x, y);
        for (int32_t k = 0; k < i && is_used; k++)
            if (is_at(state->positions[k], x, y) && !is_at(state->goal, x, y))
                return agora_fail(error, "positions: agents %d and %d stand at (%d, %d)", k, i, x, y);
        if (state->directions[i] > (is_used ? 3 : 0) || state->has_key[i] > (is_used ? 1 : 0))
            return agora_fail(error, "agent %d cannot have direction %d and %d keys", i, state->directions[i],
                              state->has_key[i]);
        carriers += state->has_key[i];
    }
    if (carriers != is_at(state->key, DOOR_KEY_CARRIED, DOOR_KEY_CARRIED))
        return agora_fail(error, "the key must lie somewhere or be carried by one agent, got %d carriers", carriers);
    return true;
}

/* ---- start of an episode ---- */

/* The room's cells in an order that chance makes up as they are asked for. */
typedef struct Deck {
    uint16_t cells[DOOR_KEY_MAX_SIZE * DOOR_KEY_MAX_SIZE];
    int32_t num_left;
} Deck;

static void draw_cell(Deck *deck, AgoraRng *rng, int32_t size, uint8_t place[2])
{
    uint32_t pick = agora_draw_below(rng, (uint32_t)deck->num_left);
    int32_t cell = deck->cells[pick];
    deck->cells[pick] = deck->cells[--deck->num_left];
    place[0] = (uint8_t)(cell % size);
    place[1] = (uint8_t)(cell / size);
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const DoorKeyConfig *config = context->config;
    DoorKeyState *state = state_bytes;
    int32_t size = config->size;
    Deck deck;
    deck.num_left = 0;
    state->split = (uint8_t)(2 + agora_draw_below(rng, (uint32_t)(size - 4)));
    state->door_y = (uint8_t)(1 + agora_draw_below(rng, (uint32_t)(size - 3))); /* never in the last row */
    state->door = DOOR_KEY_LOCKED;
    for (int32_t y = 1; y < size - 1; y++)
        for (int32_t x = 1; x < state->split; x++)
            deck.cells[deck.num_left++] = (uint16_t)(y * size + x);
    for (int32_t i = 0; i < config->num_agents; i++) {
        draw_cell(&deck, rng, size, state->positions[i]);
        state->directions[i] = (uint8_t)agora_draw_below(rng, 4);
    }
    draw_cell(&deck, rng, size, state->key);
    state->goal[0] = state->goal[1] = (uint8_t)(size - 2);
    if (config->near_goal > 0 && agora_draw_unit(rng) < config->near_goal)
        draw_cell(&deck, rng, size, state->goal);
}

/* ---- a step ---- */

/* Turns and moves; returns a bit for each agent that reached the goal. */
static uint32_t move(const DoorKeyConfig *config, DoorKeyState *state, const int32_t *actions)
{
    int32_t size = config->size, xs[DOOR_KEY_MAX_AGENTS], ys[DOOR_KEY_MAX_AGENTS];
    uint32_t moving = 0, reached = 0;
    for (int32_t i = 0; i < config->num_agents; i++) {
        face(state, i, &xs[i], &ys[i]);
        bool goes = actions[i] == DOOR_KEY_FORWARD && is_open(size, state, xs[i], ys[i]);
        bool is_goal = goes && is_at(state->goal, xs[i], ys[i]);
        goes &= is_goal || !has_agent(config, (const uint8_t (*)[2])state->positions, xs[i], ys[i]);
        moving |= (uint32_t)goes << i;
        reached |= (uint32_t)is_goal << i;
    }
    for (int32_t i = 0; i < config->num_agents; i++) {
        bool is_free = (moving >> i & 1);
        for (int32_t k = 0; k < config->num_agents && is_free; k++)
            if (k != i && (moving >> k & 1) && xs[k] == xs[i] && ys[k] == ys[i])
                is_free = reached >> i & 1;
        if (is_free) {
            state->positions[i][0] = (uint8_t)xs[i];
            state->positions[i][1] = (uint8_t)ys[i];
        }
        int32_t turn = (actions[i] == DOOR_KEY_RIGHT) + 3 * (actions[i] == DOOR_KEY_LEFT);
        state->directions[i] = (uint8_t)((state->directions[i] + turn) & 3);
    }
    return reached;
}

static void pick_up(const DoorKeyConfig *config, DoorKeyState *state, const int32_t *actions, float *got_key)
{
    int32_t x, y, hands = 0, taker = 0;
    for (int32_t i = 0; i < config->num_agents; i++) {
        got_key[i] = 0;
        face(state, i, &x, &y);
        bool reaches = actions[i] == DOOR_KEY_PICK_UP && is_at(state->key, x, y);
        taker = reaches ? i : taker;
        hands += reaches;
    }
    if (hands != 1)
        return;
    state->key[0] = state->key[1] = DOOR_KEY_CARRIED;
    state->has_key[taker] = 1;
    got_key[taker] = 1;
}

/* There is one key, so one agent at most can drop it. */
static void drop(const DoorKeyConfig *config, DoorKeyState *state, const int32_t *actions)
{
    int32_t x, y;
    for (int32_t i = 0; i < config->num_agents; i++) {
        if (actions[i] != DOOR_KEY_DROP || !state->has_key[i])
            continue;
        face(state, i, &x, &y);
        if (!is_room(config->size, state, x, y) || is_at(state->goal, x, y) ||
            has_agent(config, (const uint8_t (*)[2])state->positions, x, y))
            continue;
        state->has_key[i] = 0;
        state->key[0] = (uint8_t)x;
        state->key[1] = (uint8_t)y;
    }
}

static void toggle(const DoorKeyConfig *config, DoorKeyState *state, const int32_t *actions, float *unlocked)
{
    int32_t x, y, hands = 0;
    bool was_locked = state->door == DOOR_KEY_LOCKED;
    for (int32_t i = 0; i < config->num_agents; i++) {
        face(state, i, &x, &y);
        bool reaches = actions[i] == DOOR_KEY_TOGGLE && is_door(state, x, y) && (!was_locked || state->has_key[i]);
        unlocked[i] = reaches && was_locked;
        hands += reaches;
    }
    bool is_taken = has_agent(config, (const uint8_t (*)[2])state->positions, state->split, state->door_y);
    if (hands > 0 && !is_taken)
        state->door = state->door == DOOR_KEY_OPEN ? DOOR_KEY_CLOSED : DOOR_KEY_OPEN;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const DoorKeyConfig *config = context->config;
    DoorKeyState *state = state_bytes;
    const int32_t *actions = views[0].actions;
    uint32_t reached = move(config, state, actions);
    pick_up(config, state, actions, views[0].infos[0]);
    drop(config, state, actions);
    toggle(config, state, actions, views[0].infos[1]);
    state->is_reached = reached != 0;
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool is_late = !reached && state->timestep >= config->horizon;
    double reward = 1 - config->time_penalty * ((double)state->timestep / config->horizon);
    for (int32_t i = 0; i < config->num_agents; i++) {
        bool is_paid = config->shared_reward ? reached != 0 : reached >> i & 1;
        views[0].rewards[i] = is_paid ? (float)reward : 0;
        views[0].terminations[i] = reached != 0;
        views[0].truncations[i] = is_late;
    }
    return reached || is_late;
}

/* ---- what agents see ---- */

/* What a cell holds. Agents follow: direction, and 4 more with the key. */
enum { UNSEEN, FREE, WALL, KEY, GOAL, DOOR, AGENT = DOOR + DOOR_KEY_NUM_DOORS, NUM_KINDS = AGENT + 8 };

static const uint8_t SHOWN[NUM_KINDS][DOOR_KEY_NUM_CHANNELS] = {
    {0, 0, 0}, {1, 0, 0}, {2, 5, 0},  {5, 4, 0},  {8, 1, 0},  {4, 4, 0},  {4, 4, 1},  {4, 4, 2},
    {10, 0, 0}, {10, 0, 1}, {10, 0, 2}, {10, 0, 3}, {10, 4, 0}, {10, 4, 1}, {10, 4, 2}, {10, 4, 3},
};

enum { MARGIN = DOOR_KEY_MAX_VIEW - 1, WIDTH = DOOR_KEY_MAX_SIZE + 2 * MARGIN };

/* The map with everybody on it, and walls outside as far as an agent may see. */
typedef struct Chart {
    uint8_t cells[WIDTH * WIDTH];
    int32_t width, corner; /* of the chart; of the map in it */
} Chart;

static uint8_t *chart_cell(Chart *chart, int32_t x, int32_t y)
{
    return chart->cells + chart->corner + y * chart->width + x;
}

static void draw_chart(const DoorKeyConfig *config, const DoorKeyState *state, Chart *chart)
{
    int32_t size = config->size, margin = config->view_size - 1;
    chart->width = size + 2 * margin;
    chart->corner = margin * chart->width + margin;
    memset(chart->cells, WALL, (size_t)(chart->width * chart->width));
    for (int32_t y = 1; y < size - 1; y++) {
        memset(chart_cell(chart, 1, y), FREE, (size_t)(size - 2));
        *chart_cell(chart, state->split, y) = WALL;
    }
    *chart_cell(chart, state->split, state->door_y) = (uint8_t)(DOOR + state->door);
    *chart_cell(chart, state->goal[0], state->goal[1]) = GOAL;
    if (state->key[0] != DOOR_KEY_CARRIED)
        *chart_cell(chart, state->key[0], state->key[1]) = KEY;
    for (int32_t i = 0; i < config->num_agents && config->num_agents > 1; i++)
        *chart_cell(chart, state->positions[i][0], state->positions[i][1]) =
            (uint8_t)(AGENT + 4 * state->has_key[i] + state->directions[i]);
}

/* Spreads light in a row of cells, bit by bit towards the higher ones: from a lit cell that is clear to the next. */
static uint32_t spread_up(uint32_t lit, uint32_t clear)
{
    uint32_t passes = clear << 1;
    for (int32_t reach = 1; reach < DOOR_KEY_MAX_VIEW; reach *= 2) {
        lit |= passes & (lit << reach);
        passes &= passes << reach;
    }
    return lit;
}

static uint32_t spread_down(uint32_t lit, uint32_t clear)
{
    uint32_t passes = clear >> 1;
    for (int32_t reach = 1; reach < DOOR_KEY_MAX_VIEW; reach *= 2) {
        lit |= passes & (lit >> reach);
        passes &= passes >> reach;
    }
    return lit;
}

/* Which cells of a view are seen, as in the reference: row by row away from the agent, light spreads to the right and
 * then to the left, and from each clear cell to the row beyond, straight and on the side to which it spreads. */
static void light(int32_t view_size, const uint32_t *clear, uint32_t *lit)
{
    uint32_t all = (1u << view_size) - 1;
    memset(lit, 0, (size_t)view_size * sizeof *lit);
    lit[view_size - 1] = 1u << view_size / 2;
    for (int32_t y = view_size - 1; y >= 0; y--) {
        uint32_t right = spread_up(lit[y], clear[y]) & all, left = spread_down(right, clear[y]);
        uint32_t to_right = right & clear[y] & (all >> 1), to_left = left & clear[y] & ~1u;
        lit[y] = left;
        if (y > 0)
            lit[y - 1] |= to_right | to_right << 1 | to_left | to_left >> 1;
    }
}

static void show_agent(const DoorKeyConfig *config, const DoorKeyState *state, Chart *chart, int32_t i, uint8_t *out)
{
    int32_t size = config->view_size, own = state->directions[i];
    int32_t ahead = STEPS[own][1] * chart->width + STEPS[own][0], right = STEPS[own][0] * chart->width - STEPS[own][1];
    uint32_t clear[DOOR_KEY_MAX_VIEW], lit[DOOR_KEY_MAX_VIEW];
    uint8_t *here = chart_cell(chart, state->positions[i][0], state->positions[i][1]), kind_here = *here;
    uint8_t *first = here - right * (size / 2);
    *here = state->has_key[i] ? KEY : FREE;
    for (int32_t y = 0; y < size; y++) {
        const uint8_t *row = first + ahead * (size - 1 - y);
        clear[y] = 0;
        for (int32_t x = 0; x < size; x++) {
            uint8_t kind = row[right * x];
            bool is_clear = kind != WALL && kind != DOOR + DOOR_KEY_CLOSED && kind != DOOR + DOOR_KEY_LOCKED;
            clear[y] |= (uint32_t)is_clear << x;
        }
    }
    light(size, clear, lit);
    for (int32_t x = 0; x < size; x++)
        for (int32_t y = 0; y < size; y++, out += DOOR_KEY_NUM_CHANNELS) {
            uint8_t kind = lit[y] >> x & 1 ? first[ahead * (size - 1 - y) + right * x] : UNSEEN;
            if (kind >= AGENT) /* directions are relative */
                kind = (uint8_t)(AGENT + ((kind - AGENT) & 4) + ((kind - AGENT - own) & 3));
            memcpy(out, SHOWN[kind], DOOR_KEY_NUM_CHANNELS);
        }
    *here = kind_here;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const DoorKeyConfig *config = context->config;
    const DoorKeyState *state = state_bytes;
    size_t row_size = (size_t)(config->view_size * config->view_size * DOOR_KEY_NUM_CHANNELS);
    Chart chart;
    draw_chart(config, state, &chart);
    for (int32_t i = 0; i < config->num_agents; i++) {
        show_agent(config, state, &chart, i, (uint8_t *)views[0].observations + (size_t)i * row_size);
        views[0].alive[i] = 1;
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"reached", "unlocked"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    (void)context;
    const DoorKeyState *state = state_bytes;
    values[0] = state->is_reached;
    values[1] = state->door != DOOR_KEY_LOCKED;
}

const AgoraWorld agora_door_key = {
    .name = "door_key",
    .config_size = sizeof(DoorKeyConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(DoorKeyState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = 2,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
