#include "overcooked.h"

#include "kitchen.h"
#include "observation.h"
#include "validity.h"

#include <string.h>

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(OvercookedConfig, member)}
#define SPAN(member, type)                                                                                             \
    {.name = #member, .dtype = type, .offset = offsetof(OvercookedConfig, member), .is_span = true}
#define TABLE(member, type)                                                                                            \
    {.name = #member, .dtype = type, .offset = offsetof(OvercookedConfig, member), .rank = 2, .shape = {4, 4}}

static const AgoraField CONFIG_FIELDS[] = {
    SCALAR(width, AGORA_I32),
    SCALAR(height, AGORA_I32),
    SPAN(terrain, AGORA_U8),
    SPAN(start_positions, AGORA_U8),
    SPAN(start_orientations, AGORA_U8),
    SPAN(start_held, AGORA_U8),
    SPAN(start_items, AGORA_U8),
    SPAN(start_pot_ticks, AGORA_I16),
    TABLE(delivery_rewards, AGORA_F64),
    TABLE(cook_times, AGORA_I32),
    SCALAR(placement_reward, AGORA_F64),
    SCALAR(dish_reward, AGORA_F64),
    SCALAR(soup_reward, AGORA_F64),
    {.name = "shaped_reward_weight",
     .dtype = AGORA_F64,
     .offset = offsetof(OvercookedConfig, shaped_reward_weight),
     .is_live = true},
    SCALAR(horizon, AGORA_I32),
    SCALAR(observation, AGORA_I32),
    SCALAR(num_feature_pots, AGORA_I32),
    SCALAR(has_old_dynamics, AGORA_U8),
    SCALAR(has_random_positions, AGORA_U8),
    SCALAR(ends_with_delivery, AGORA_U8),
    SCALAR(random_object_probability, AGORA_F64),
    {0},
};

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const OvercookedConfig *config = context->config;
    int32_t players = kitchen_players(config), block = 10 * config->num_feature_pots + 26;
    out[0] = (AgoraGroup){
        .name = "cooks",
        .agent_name = "cook",
        .num_agents = players,
        .observation_dtype = AGORA_U8,
        .observation_rank = 3,
        .observation_shape = {config->width, config->height, 5 * players + 16},
        .observation_high = 255, /* a cook time */
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {OVERCOOKED_NUM_ACTIONS},
        .num_infos = 2,
        .info_names = {"sparse_reward", "shaped_reward"},
    };
    if (config->observation == OVERCOOKED_FEATURES) {
        out[0].observation_dtype = AGORA_F32;
        out[0].observation_rank = 1;
        out[0].observation_shape[0] = players * block + 2 * players;
        out[0].observation_low = -255; /* distances in cells */
    }
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const OvercookedConfig *config = context->config;
    int32_t players = kitchen_players(config), pots = (int32_t)config->start_pot_ticks.count, n = 0;
    out[n++] = (AgoraField){"timestep", AGORA_I32, offsetof(OvercookedState, timestep), 0, {0}, 0, 0};
    out[n++] = (AgoraField){"positions", AGORA_U8, offsetof(OvercookedState, positions), 2, {players, 2}, 0, 0};
    out[n++] = (AgoraField){"orientations", AGORA_U8, offsetof(OvercookedState, orientations), 1, {players}, 0, 0};
    out[n++] = (AgoraField){"held", AGORA_U8, offsetof(OvercookedState, held), 1, {players}, 0, 0};
    out[n++] = (AgoraField){
        "items", AGORA_U8, offsetof(OvercookedState, items), 2, {config->height, config->width}, 0, 0};
    out[n++] = (AgoraField){"pot_ticks", AGORA_I16, offsetof(OvercookedState, pot_ticks), 1, {pots}, 0, 0};
    out[n++] = (AgoraField){"events", AGORA_I32, offsetof(OvercookedState, events), 1, {players}, 0, 0};
    out[n++] = (AgoraField){"deliveries", AGORA_I32, offsetof(OvercookedState, deliveries), 0, {0}, 0, 0};
    out[n++] = (AgoraField){"sparse_return", AGORA_F64, offsetof(OvercookedState, sparse_return), 0, {0}, 0, 0};
    out[n++] = (AgoraField){"shaped_return", AGORA_F64, offsetof(OvercookedState, shaped_return), 0, {0}, 0, 0};
    return n;
}

/* ---- start of an episode ---- */

/* Uniform on the joint positions without collision: each player anywhere, until no two are in one cell. */
static void draw_positions(const OvercookedConfig *config, const Kitchen *kitchen, AgoraRng *rng,
                           OvercookedState *state)
{
    bool has_collision = true;
    while (has_collision) {
        has_collision = false;
        for (int32_t i = 0; i < kitchen->num_players; i++) {
            int32_t cell = kitchen->floor_cells[agora_draw_below(rng, (uint32_t)kitchen->num_floor_cells)];
            state->positions[i][0] = (uint8_t)(cell % config->width);
            state->positions[i][1] = (uint8_t)(cell / config->width);
            for (int32_t j = 0; j < i; j++)
                has_collision |= memcmp(state->positions[i], state->positions[j], 2) == 0;
        }
    }
}

/* One to three onions, then tomatoes up to three in all, as the reference's random start states have them. */
static uint8_t draw_soup(AgoraRng *rng)
{
    uint32_t onions = 1 + agora_draw_below(rng, 3), tomatoes = agora_draw_below(rng, 4 - onions), code = 0;
    for (uint32_t place = 0; place < onions + tomatoes; place++)
        code |= (place < onions ? (uint32_t)OVERCOOKED_ONION : (uint32_t)OVERCOOKED_TOMATO) << (2 * place);
    return (uint8_t)(OVERCOOKED_SOUP | code);
}

static void draw_objects(const OvercookedConfig *config, const Kitchen *kitchen, AgoraRng *rng, OvercookedState *state)
{
    double probability = config->random_object_probability;
    for (int32_t pot = 0; pot < kitchen->num_pots; pot++)
        if (agora_draw_unit(rng) < probability) {
            state->items[kitchen->pot_cells[pot]] = draw_soup(rng);
            state->pot_ticks[pot] = agora_draw_unit(rng) < probability ? 0 : -1;
        }
    for (int32_t i = 0; i < kitchen->num_players; i++)
        if (agora_draw_unit(rng) < probability) {
            double kind = agora_draw_unit(rng); /* dish, onion, soup: 0.2, 0.6, 0.2 in the reference */
            uint8_t soup = draw_soup(rng);
            state->held[i] = kind < 0.2 ? OVERCOOKED_DISH : kind < 0.8 ? OVERCOOKED_ONION : soup;
        }
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const OvercookedConfig *config = context->config;
    OvercookedState *state = state_bytes;
    kitchen_place_start(config, state);
    if (config->has_random_positions)
        draw_positions(config, context->model, rng, state);
    if (config->random_object_probability > 0)
        draw_objects(config, context->model, rng, state);
}

/* ---- interacts ---- */

/* How many pots are in which state before anybody interacts. The reference judges what is useful by this picture. */
typedef struct PotCounts {
    int32_t ready, cooking, partial, full; /* full: three ingredients, not cooking */
} PotCounts;

/* What an interact needs to know and may change. */
typedef struct Turn {
    const OvercookedConfig *config;
    const Kitchen *kitchen;
    OvercookedState *state;
    PotCounts pots;
    int32_t player, cell; /* who interacts, with which cell */
    float sparse, shaped; /* rewards of the player */
} Turn;

static bool is_ready(const Kitchen *kitchen, const OvercookedState *state, int32_t pot)
{
    int32_t tick = state->pot_ticks[pot];
    return tick >= 0 && tick >= contents_of(kitchen, state->items[kitchen->pot_cells[pot]])->cook_time;
}

static PotCounts count_pots(const Kitchen *kitchen, const OvercookedState *state)
{
    PotCounts counts = {0};
    for (int32_t pot = 0; pot < kitchen->num_pots; pot++) {
        uint8_t item = state->items[kitchen->pot_cells[pot]];
        if (!item)
            continue;
        if (state->pot_ticks[pot] >= 0)
            *(is_ready(kitchen, state, pot) ? &counts.ready : &counts.cooking) += 1;
        else
            *(contents_of(kitchen, item)->count == OVERCOOKED_MAX_INGREDIENTS ? &counts.full : &counts.partial) += 1;
    }
    return counts;
}

static void log_event(Turn *turn, int32_t event) { turn->state->events[turn->player] |= 1u << event; }

static bool holds(const Turn *turn, int32_t player, uint8_t item) { return turn->state->held[player] == item; }

static bool has_dish_on_counter(const Turn *turn)
{
    for (int32_t cell = 0; cell < turn->kitchen->num_cells; cell++)
        if (turn->state->items[cell] == OVERCOOKED_DISH)
            return true;
    return false;
}

/* Fewer dishes in hands than soups that are ready, cooking or begun, and none on a counter. The reference's measures
 * of usefulness are defined for two players and false for any other number. */
static bool is_dish_pickup_useful(const Turn *turn)
{
    if (turn->kitchen->num_players != 2 || has_dish_on_counter(turn))
        return false;
    int32_t dishes = holds(turn, 0, OVERCOOKED_DISH) + holds(turn, 1, OVERCOOKED_DISH);
    return dishes < turn->pots.ready + turn->pots.cooking + turn->pots.partial;
}

static bool are_all_pots_full(const Turn *turn)
{
    return turn->pots.ready + turn->pots.cooking + turn->pots.full == turn->kitchen->num_pots;
}

static void log_pickup(Turn *turn, uint8_t item)
{
    bool is_pair = turn->kitchen->num_players == 2;
    bool is_ingredient_useful =
        is_pair && !(are_all_pots_full(turn) && !holds(turn, 1 - turn->player, OVERCOOKED_DISH));
    if (item == OVERCOOKED_DISH) {
        log_event(turn, OVERCOOKED_DISH_PICKUP);
        if (is_dish_pickup_useful(turn))
            log_event(turn, OVERCOOKED_USEFUL_DISH_PICKUP);
    } else if (item == OVERCOOKED_ONION || item == OVERCOOKED_TOMATO) {
        bool is_onion = item == OVERCOOKED_ONION;
        log_event(turn, is_onion ? OVERCOOKED_ONION_PICKUP : OVERCOOKED_TOMATO_PICKUP);
        if (is_ingredient_useful)
            log_event(turn, is_onion ? OVERCOOKED_USEFUL_ONION_PICKUP : OVERCOOKED_USEFUL_TOMATO_PICKUP);
    } else {
        log_event(turn, OVERCOOKED_SOUP_PICKUP);
    }
}

static void log_drop(Turn *turn, uint8_t item)
{
    bool is_pair = turn->kitchen->num_players == 2;
    int32_t other = 1 - turn->player;
    if (item == OVERCOOKED_DISH) {
        log_event(turn, OVERCOOKED_DISH_DROP);
        int32_t full = turn->pots.ready + turn->pots.cooking + turn->pots.full;
        if (is_pair && full == 0 && !holds(turn, other, OVERCOOKED_ONION))
            log_event(turn, OVERCOOKED_USEFUL_DISH_DROP);
    } else if (item == OVERCOOKED_ONION || item == OVERCOOKED_TOMATO) {
        bool is_onion = item == OVERCOOKED_ONION;
        log_event(turn, is_onion ? OVERCOOKED_ONION_DROP : OVERCOOKED_TOMATO_DROP);
        if (is_pair && are_all_pots_full(turn) && !holds(turn, other, OVERCOOKED_DISH))
            log_event(turn, is_onion ? OVERCOOKED_USEFUL_ONION_DROP : OVERCOOKED_USEFUL_TOMATO_DROP);
    } else {
        log_event(turn, OVERCOOKED_SOUP_DROP);
    }
}

static void log_potting(Turn *turn, uint8_t item, double best_before, double best_after)
{
    int32_t tomato = item == OVERCOOKED_TOMATO; /* each tomato event follows its onion event */
    log_event(turn, tomato ? OVERCOOKED_POTTING_TOMATO : OVERCOOKED_POTTING_ONION);
    if (best_before == best_after)
        log_event(turn, OVERCOOKED_OPTIMAL_ONION_POTTING + tomato);
    if (best_after > 0)
        log_event(turn, OVERCOOKED_VIABLE_ONION_POTTING + tomato);
    if (best_before > 0 && best_after == 0)
        log_event(turn, OVERCOOKED_CATASTROPHIC_ONION_POTTING + tomato);
    if (best_before == 0)
        log_event(turn, OVERCOOKED_USELESS_ONION_POTTING + tomato);
}

static void use_counter(Turn *turn)
{
    uint8_t *hand = &turn->state->held[turn->player], *counter = &turn->state->items[turn->cell];
    if (*hand && !*counter) {
        log_drop(turn, *hand);
        *counter = *hand;
        *hand = OVERCOOKED_NOTHING;
    } else if (!*hand && *counter) {
        log_pickup(turn, *counter);
        *hand = *counter;
        *counter = OVERCOOKED_NOTHING;
    }
}

static void use_dispenser(Turn *turn, uint8_t item)
{
    uint8_t *hand = &turn->state->held[turn->player];
    if (*hand)
        return;
    if (item != OVERCOOKED_TOMATO)
        log_pickup(turn, item);
    if (item == OVERCOOKED_DISH && is_dish_pickup_useful(turn))
        turn->shaped += (float)turn->config->dish_reward;
    *hand = item;
}

static void add_ingredient(Turn *turn, int32_t pot)
{
    uint8_t *hand = &turn->state->held[turn->player], *item = &turn->state->items[turn->cell];
    const Contents *before = contents_of(turn->kitchen, *item);
    if (turn->state->pot_ticks[pot] >= 0 || before->count == OVERCOOKED_MAX_INGREDIENTS)
        return;
    *item = (uint8_t)(OVERCOOKED_SOUP | *item | *hand << (2 * before->count));
    turn->shaped += (float)turn->config->placement_reward;
    log_potting(turn, *hand, before->best_value, contents_of(turn->kitchen, *item)->best_value);
    *hand = OVERCOOKED_NOTHING;
}

static void use_pot(Turn *turn)
{
    int32_t pot = turn->kitchen->pot_index[turn->cell];
    uint8_t *hand = &turn->state->held[turn->player], *item = &turn->state->items[turn->cell];
    if (!*hand) {
        if (*item && turn->state->pot_ticks[pot] < 0 && !turn->config->has_old_dynamics)
            turn->state->pot_ticks[pot] = 0;
    } else if (*hand == OVERCOOKED_DISH) {
        if (!*item || !is_ready(turn->kitchen, turn->state, pot))
            return;
        log_event(turn, OVERCOOKED_SOUP_PICKUP);
        *hand = *item;
        *item = OVERCOOKED_NOTHING;
        turn->state->pot_ticks[pot] = -1;
        turn->shaped += (float)turn->config->soup_reward;
    } else if (*hand < OVERCOOKED_SOUP) {
        add_ingredient(turn, pot);
    }
}

static void serve(Turn *turn)
{
    uint8_t *hand = &turn->state->held[turn->player];
    if (*hand < OVERCOOKED_SOUP)
        return;
    turn->sparse += contents_of(turn->kitchen, *hand)->delivery_reward;
    turn->state->deliveries += turn->state->deliveries < OVERCOOKED_MAX_DELIVERIES;
    log_event(turn, OVERCOOKED_SOUP_DELIVERY);
    *hand = OVERCOOKED_NOTHING;
}

static void interact(Turn *turn)
{
    switch ((OvercookedTerrain)turn->kitchen->terrain[turn->cell]) {
    case OVERCOOKED_COUNTER: use_counter(turn); break;
    case OVERCOOKED_POT: use_pot(turn); break;
    case OVERCOOKED_ONIONS: use_dispenser(turn, OVERCOOKED_ONION); break;
    case OVERCOOKED_TOMATOES: use_dispenser(turn, OVERCOOKED_TOMATO); break;
    case OVERCOOKED_DISHES: use_dispenser(turn, OVERCOOKED_DISH); break;
    case OVERCOOKED_SERVE: serve(turn); break;
    case OVERCOOKED_FLOOR:
    case OVERCOOKED_NUM_TERRAINS: break;
    }
}

/* Rewards of this step go to the infos of the view. */
ALWAYS_INLINE void resolve_interacts(const AgoraContext *context, OvercookedState *state, const int32_t *actions,
                                     AgoraView *view, int32_t players)
{
    const Kitchen *kitchen = context->model;
    bool does_any = false;
    for (int32_t i = 0; i < players; i++) {
        view->infos[0][i] = view->infos[1][i] = 0;
        state->events[i] = 0;
        does_any |= actions[i] == OVERCOOKED_INTERACT;
    }
    if (!does_any)
        return;
    Turn turn = {.config = context->config, .kitchen = kitchen, .state = state, .pots = count_pots(kitchen, state)};
    for (int32_t i = 0; i < players; i++) {
        if (actions[i] != OVERCOOKED_INTERACT)
            continue;
        turn.player = i;
        turn.cell = cell_at(turn.config, state->positions[i]) + kitchen->cell_steps[state->orientations[i]];
        turn.sparse = turn.shaped = 0;
        interact(&turn);
        view->infos[0][i] = turn.sparse;
        view->infos[1][i] = turn.shaped;
    }
}

/* ---- movement and time ---- */

ALWAYS_INLINE bool have_collided(const int32_t cells[], const int32_t targets[], int32_t players)
{
    bool have = false;
    for (int32_t i = 1; i < players; i++)
        for (int32_t j = 0; j < i; j++)
            have |= (targets[i] == targets[j]) | ((targets[i] == cells[j]) & (targets[j] == cells[i]));
    return have;
}

/* Everybody turns; then all walk, or none when any two would meet in a cell or swap cells. Written without branches on
 * what an action is: actions are as good as random, and a wrong guess of the processor costs more than the arithmetic. */
ALWAYS_INLINE void resolve_movement(const Kitchen *kitchen, const OvercookedConfig *config, OvercookedState *state,
                                    const int32_t *actions, int32_t players)
{
    static const int8_t STEPS[OVERCOOKED_NUM_ACTIONS][2] = {{0, -1}, {0, 1}, {1, 0}, {-1, 0}, {0, 0}, {0, 0}};
    int32_t cells[OVERCOOKED_MAX_PLAYERS], targets[OVERCOOKED_MAX_PLAYERS];
    for (int32_t i = 0; i < players; i++) {
        int32_t action = actions[i], turns = -(action < OVERCOOKED_STAY); /* all bits, or none */
        cells[i] = cell_at(config, state->positions[i]);
        int32_t ahead = cells[i] + kitchen->cell_steps[action];
        targets[i] = kitchen->terrain[ahead] == OVERCOOKED_FLOOR ? ahead : cells[i];
        state->orientations[i] = (uint8_t)((action & turns) | (state->orientations[i] & ~turns));
    }
    if (have_collided(cells, targets, players))
        return;
    for (int32_t i = 0; i < players; i++) {
        int32_t walks = targets[i] != cells[i];
        state->positions[i][0] = (uint8_t)(state->positions[i][0] + STEPS[actions[i]][0] * walks);
        state->positions[i][1] = (uint8_t)(state->positions[i][1] + STEPS[actions[i]][1] * walks);
    }
}

static void cook(const Kitchen *kitchen, const OvercookedConfig *config, OvercookedState *state)
{
    for (int32_t pot = 0; pot < kitchen->num_pots; pot++) {
        const Contents *contents = contents_of(kitchen, state->items[kitchen->pot_cells[pot]]);
        int32_t tick = state->pot_ticks[pot];
        if (config->has_old_dynamics && tick < 0 && contents->count == OVERCOOKED_MAX_INGREDIENTS)
            tick = 0;
        state->pot_ticks[pot] = (int16_t)(tick + ((tick >= 0) & (tick < contents->cook_time)));
    }
}

ALWAYS_INLINE bool step_players(const AgoraContext *context, OvercookedState *state, AgoraView *view, int32_t players)
{
    const OvercookedConfig *config = context->config;
    const Kitchen *kitchen = context->model;
    const int32_t *actions = view->actions;
    resolve_interacts(context, state, actions, view, players);
    resolve_movement(kitchen, config, state, actions, players);
    cook(kitchen, config, state);
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */

    float sparse = 0;
    for (int32_t i = 0; i < players; i++) {
        sparse += view->infos[0][i];
        state->shaped_return += (double)view->infos[1][i];
    }
    state->sparse_return += (double)sparse;
    bool is_done = config->ends_with_delivery & (sparse > 0);
    bool is_late = !is_done & (state->timestep >= config->horizon);
    for (int32_t i = 0; i < players; i++) {
        view->rewards[i] = sparse + (float)(config->shaped_reward_weight * (double)view->infos[1][i]);
        view->terminations[i] = is_done;
        view->truncations[i] = is_late;
    }
    return is_done | is_late;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state, AgoraView *views)
{
    (void)rng;
    int32_t players = ((const Kitchen *)context->model)->num_players;
    return players == 2 ? step_players(context, state, views, 2) : step_players(context, state, views, players);
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"sparse_return", "shaped_return", "deliveries"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    (void)context;
    const OvercookedState *state = state_bytes;
    values[0] = state->sparse_return;
    values[1] = state->shaped_return;
    values[2] = state->deliveries;
}

const AgoraWorld agora_overcooked = {
    .name = "overcooked",
    .config_size = sizeof(OvercookedConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = overcooked_check_config,
    .model_size = kitchen_size,
    .build_model = kitchen_build,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(OvercookedState),
    .reset = reset,
    .step = step,
    .observe = overcooked_observe,
    .check_state = overcooked_check_state,
    .num_statistics = 3,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
