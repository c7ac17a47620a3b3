#include "overcooked.h"

#include "kitchen.h"

#include <math.h>
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
    SCALAR(random_object_probability, AGORA_F64),
    {0},
};

static int32_t num_players(const OvercookedConfig *config) { return (int32_t)config->start_orientations.count; }

static int32_t terrain_at(const OvercookedConfig *config, int32_t cell)
{
    return ((const uint8_t *)config->terrain.data)[cell];
}

static int32_t count_terrain(const OvercookedConfig *config, OvercookedTerrain terrain)
{
    int32_t count = 0;
    for (int32_t cell = 0; cell < config->width * config->height; cell++)
        count += terrain_at(config, cell) == (int32_t)terrain;
    return count;
}

static bool check_terrain(const OvercookedConfig *config, AgoraError *error)
{
    int32_t width = config->width, height = config->height;
    if (width < 3 || height < 3 || (int64_t)width * height > OVERCOOKED_MAX_CELLS)
        return agora_fail(error, "a kitchen has at least 3 x 3 and at most %d cells, got %d x %d", OVERCOOKED_MAX_CELLS,
                          width, height);
    if (config->terrain.count != width * height)
        return agora_fail(error, "terrain must have %d cells, got %lld", width * height,
                          (long long)config->terrain.count);
    for (int32_t cell = 0; cell < width * height; cell++) {
        int32_t x = cell % width, y = cell / width;
        bool is_border = x == 0 || y == 0 || x == width - 1 || y == height - 1;
        if (terrain_at(config, cell) >= OVERCOOKED_NUM_TERRAINS)
            return agora_fail(error, "row %d, column %d: unknown terrain %d", y, x, terrain_at(config, cell));
        if (is_border && terrain_at(config, cell) == OVERCOOKED_FLOOR)
            return agora_fail(error, "row %d, column %d: the border must not be floor", y, x);
    }
    if (count_terrain(config, OVERCOOKED_POT) > OVERCOOKED_MAX_POTS)
        return agora_fail(error, "a kitchen has at most %d pots", OVERCOOKED_MAX_POTS);
    return true;
}

static bool check_recipes(const OvercookedConfig *config, AgoraError *error)
{
    for (int32_t onions = 0; onions <= 3; onions++)
        for (int32_t tomatoes = 0; onions + tomatoes <= 3; tomatoes++) {
            int32_t time = config->cook_times[onions][tomatoes];
            double reward = config->delivery_rewards[onions][tomatoes];
            if (time < 1 || time > 255)
                return agora_fail(error, "cook time of %d onions, %d tomatoes must be in [1, 255], got %d", onions,
                                  tomatoes, time);
            if (!(reward > -INFINITY)) /* plus infinity is the order_bonus of a shipped kitchen */
                return agora_fail(error, "delivery reward of %d onions, %d tomatoes cannot be %g", onions, tomatoes,
                                  reward);
        }
    return true;
}

static bool check_state_against(const OvercookedConfig *config, const OvercookedState *state, AgoraError *error);
static void place_start(const OvercookedConfig *config, OvercookedState *state);

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const OvercookedConfig *config = config_bytes;
    if (!check_terrain(config, error) || !check_recipes(config, error))
        return false;
    int64_t players = config->start_orientations.count;
    if (players < 1 || players > OVERCOOKED_MAX_PLAYERS)
        return agora_fail(error, "a kitchen has 1 to %d players, got %lld", OVERCOOKED_MAX_PLAYERS, (long long)players);
    if (config->start_positions.count != 2 * players || config->start_held.count != players ||
        config->start_items.count != config->terrain.count ||
        config->start_pot_ticks.count != count_terrain(config, OVERCOOKED_POT))
        return agora_fail(error, "the start state does not have the sizes of the kitchen");
    if (config->horizon < 1)
        return agora_fail(error, "horizon must be at least 1, got %d", config->horizon);
    if (config->observation != OVERCOOKED_LOSSLESS && config->observation != OVERCOOKED_FEATURES)
        return agora_fail(error, "observation must be 0 or 1, got %d", config->observation);
    if (config->num_feature_pots < 0 || config->num_feature_pots > OVERCOOKED_MAX_POTS)
        return agora_fail(error, "num_feature_pots must be in [0, %d], got %d", OVERCOOKED_MAX_POTS,
                          config->num_feature_pots);
    if (!(config->random_object_probability >= 0 && config->random_object_probability <= 1))
        return agora_fail(error, "random_object_probability must be in [0, 1], got %g",
                          config->random_object_probability);
    double shaping = config->placement_reward + config->dish_reward + config->soup_reward;
    if (!isfinite(shaping) || !isfinite(config->shaped_reward_weight))
        return agora_fail(error, "shaped rewards and their weight must be finite");
    OvercookedState start = {0};
    place_start(config, &start);
    return check_state_against(config, &start, error);
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const OvercookedConfig *config = context->config;
    int32_t players = num_players(config), block = 10 * config->num_feature_pots + 26;
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
    int32_t players = num_players(config), pots = (int32_t)config->start_pot_ticks.count, n = 0;
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

static bool is_item(uint8_t item)
{
    if (item <= OVERCOOKED_DISH)
        return true;
    int32_t first = item & 3, second = item >> 2 & 3, third = item >> 4 & 3;
    bool is_packed = first != 0 && (second != 0 || third == 0);
    return item >> 6 == 1 && is_packed && first < 3 && second < 3 && third < 3;
}

static bool check_players(const OvercookedConfig *config, const OvercookedState *state, AgoraError *error)
{
    for (int32_t i = 0; i < num_players(config); i++) {
        const uint8_t *position = state->positions[i];
        if (position[0] >= config->width || position[1] >= config->height ||
            terrain_at(config, cell_at(config, position)) != OVERCOOKED_FLOOR)
            return agora_fail(error, "positions: player %d stands at (%d, %d), which is not floor", i, position[0],
                              position[1]);
        for (int32_t j = 0; j < i; j++)
            if (memcmp(position, state->positions[j], 2) == 0)
                return agora_fail(error, "positions: players %d and %d stand in the same cell", j, i);
        if (state->orientations[i] > OVERCOOKED_WEST)
            return agora_fail(error, "orientations: player %d faces %d, not 0 to 3", i, state->orientations[i]);
        if (!is_item(state->held[i]))
            return agora_fail(error, "held: player %d holds %d, which is no item", i, state->held[i]);
    }
    for (int32_t i = num_players(config); i < OVERCOOKED_MAX_PLAYERS; i++)
        if (state->positions[i][0] | state->positions[i][1] | state->orientations[i] | state->held[i] |
            (int32_t)state->events[i])
            return agora_fail(error, "the state has a player too many");
    return true;
}

static bool check_items(const OvercookedConfig *config, const OvercookedState *state, AgoraError *error)
{
    int32_t pot = 0;
    for (int32_t cell = 0; cell < OVERCOOKED_MAX_CELLS; cell++) {
        bool is_inside = cell < config->width * config->height;
        int32_t x = cell % config->width, y = cell / config->width;
        int32_t terrain = is_inside ? terrain_at(config, cell) : OVERCOOKED_FLOOR;
        uint8_t item = state->items[cell];
        if (terrain == OVERCOOKED_COUNTER ? !is_item(item)
                                          : item != 0 && (terrain != OVERCOOKED_POT || item < OVERCOOKED_SOUP ||
                                                          !is_item(item)))
            return agora_fail(error, "items: row %d, column %d cannot hold %d", y, x, item);
        if (terrain != OVERCOOKED_POT)
            continue;
        int32_t tick = state->pot_ticks[pot++], onions = 0, tomatoes = 0;
        for (int32_t place = 0; place < OVERCOOKED_MAX_INGREDIENTS; place++) {
            onions += (item >> (2 * place) & 3) == OVERCOOKED_ONION;
            tomatoes += (item >> (2 * place) & 3) == OVERCOOKED_TOMATO;
        }
        if (tick < -1 || tick > (item ? config->cook_times[onions][tomatoes] : -1))
            return agora_fail(error, "pot_ticks: the pot at row %d, column %d cannot have tick %d", y, x, tick);
    }
    for (; pot < OVERCOOKED_MAX_POTS; pot++)
        if (state->pot_ticks[pot] != 0)
            return agora_fail(error, "the state has a pot too many");
    return true;
}

static bool check_state_against(const OvercookedConfig *config, const OvercookedState *state, AgoraError *error)
{
    if (state->timestep < 0 || state->timestep > config->horizon)
        return agora_fail(error, "timestep must be in [0, %d], got %d", config->horizon, state->timestep);
    if (state->deliveries < 0 || state->deliveries > OVERCOOKED_MAX_DELIVERIES)
        return agora_fail(error, "deliveries cannot be %d", state->deliveries);
    if (!(state->sparse_return > -INFINITY && state->shaped_return > -INFINITY))
        return agora_fail(error, "sparse_return and shaped_return must be numbers above minus infinity");
    for (int32_t i = 0; i < num_players(config); i++)
        if (state->events[i] >> OVERCOOKED_NUM_EVENTS)
            return agora_fail(error, "events: player %d has an unknown event", i);
    return check_players(config, state, error) && check_items(config, state, error);
}

static bool check_state(const AgoraContext *context, const void *state, AgoraError *error)
{
    return check_state_against(context->config, state, error);
}

/* ---- start of an episode ---- */

static void place_start(const OvercookedConfig *config, OvercookedState *state)
{
    size_t players = (size_t)num_players(config);
    memcpy(state->positions, config->start_positions.data, 2 * players);
    memcpy(state->orientations, config->start_orientations.data, players);
    memcpy(state->held, config->start_held.data, players);
    memcpy(state->items, config->start_items.data, (size_t)config->start_items.count);
    memcpy(state->pot_ticks, config->start_pot_ticks.data, (size_t)config->start_pot_ticks.count * sizeof(int16_t));
}

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
    place_start(config, state);
    if (config->has_random_positions)
        draw_positions(config, context->model, rng, state);
    if (config->random_object_probability > 0)
        draw_objects(config, context->model, rng, state);
}

/* Functions on the path of every step take the number of players as an argument and are inlined: nearly all kitchens
 * have two, and with that number known the compiler unrolls their loops (measured: a quarter of a step's time). */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

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

static const Contents *contents_of(const Kitchen *kitchen, uint8_t soup)
{
    return &kitchen->contents[soup & (OVERCOOKED_NUM_CONTENTS - 1)];
}

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

    bool is_over = state->timestep >= config->horizon;
    float sparse = 0;
    for (int32_t i = 0; i < players; i++) {
        sparse += view->infos[0][i];
        state->shaped_return += (double)view->infos[1][i];
    }
    state->sparse_return += (double)sparse;
    for (int32_t i = 0; i < players; i++) {
        view->rewards[i] = sparse + (float)(config->shaped_reward_weight * (double)view->infos[1][i]);
        view->terminations[i] = 0;
        view->truncations[i] = is_over;
    }
    return is_over;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state, AgoraView *views)
{
    (void)rng;
    int32_t players = ((const Kitchen *)context->model)->num_players;
    return players == 2 ? step_players(context, state, views, 2) : step_players(context, state, views, players);
}

/* ---- observation "lossless" ---- */

/* Where a batch's row goes: one plane per player, side by side. */
typedef struct Planes {
    uint8_t *bytes;
    size_t size; /* of one plane */
    int32_t players;
} Planes;

/* Writes eight channels of one cell, counted from 5 P, in every player's plane. */
ALWAYS_INLINE void show(const Kitchen *kitchen, Planes planes, int32_t cell, int32_t first_channel, Glyph glyph)
{
    uint8_t *channels = planes.bytes + kitchen->plane_offsets[cell] + 5 * planes.players + first_channel;
    for (int32_t player = 0; player < planes.players; player++)
        memcpy(channels + (size_t)player * planes.size, &glyph, sizeof glyph);
}

/* Which byte of a word in memory holds its lowest bit that is set; the word is not 0. */
ALWAYS_INLINE int32_t lowest_byte(uint64_t word)
{
    int32_t byte = __builtin_ctzll(word) / 8;
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? byte : 7 - byte;
}

/* Most counters hold nothing: eight are looked at together, and only those with something are visited. Item codes stay
 * below 128, so that adding 127 sets the top bit of exactly the bytes that are not 0. */
ALWAYS_INLINE void show_counters(const Kitchen *kitchen, const OvercookedState *state, const Glyph *glyphs,
                                 Planes planes)
{
    const uint64_t below_top = 0x7F7F7F7F7F7F7F7Fu;
    for (int32_t first = 0, end = kitchen->num_cells; first < end; first += 8) {
        uint64_t items;
        memcpy(&items, state->items + first, sizeof items); /* MAX_CELLS is a multiple of 8 */
        uint64_t found = ((items & kitchen->counters[first / 8]) + below_top) & ~below_top;
        for (; found; found &= found - 1) {
            int32_t cell = first + lowest_byte(found);
            show(kitchen, planes, cell, ITEM_GLYPH, glyphs[state->items[cell]]);
        }
    }
}

ALWAYS_INLINE void show_pots(const Kitchen *kitchen, const OvercookedState *state, Planes planes)
{
    for (int32_t pot = 0, pots = kitchen->num_pots; pot < pots; pot++) {
        int32_t cell = kitchen->pot_cells[pot], tick = state->pot_ticks[pot];
        int32_t code = state->items[cell] & (OVERCOOKED_NUM_CONTENTS - 1), has_started = tick >= 0;
        int32_t remaining = kitchen->contents[code].cook_time - tick;
        Glyph glyph = kitchen->pot_glyphs[has_started][code];
        glyph.channels[4] = (uint8_t)(has_started * remaining);
        glyph.channels[5] = (uint8_t)(has_started & (remaining <= 0));
        show(kitchen, planes, cell, POT_GLYPH, glyph);
    }
}

ALWAYS_INLINE void show_players(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                                const Glyph *glyphs, Planes planes)
{
    for (int32_t i = 0; i < planes.players; i++) {
        int32_t cell = cell_at(config, state->positions[i]), orientation = state->orientations[i];
        uint8_t *channels = planes.bytes + kitchen->plane_offsets[cell];
        show(kitchen, planes, cell, ITEM_GLYPH, glyphs[state->held[i]]);
        for (int32_t self = 0; self < planes.players; self++, channels += planes.size) {
            int32_t rank = i == self ? 0 : i + (i < self); /* self first, then the others in index order */
            channels[rank] = 1;
            channels[planes.players + 4 * rank + orientation] = 1;
        }
    }
}

ALWAYS_INLINE void observe_planes(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                                  Planes planes)
{
    int32_t is_urgent = config->horizon - state->timestep < OVERCOOKED_URGENT_STEPS;
    size_t all_planes = (size_t)planes.players * planes.size;
    const Glyph *glyphs = kitchen->item_glyphs[is_urgent];
    memcpy(planes.bytes, kitchen->tables + (is_urgent ? all_planes : 0), all_planes);
    show_counters(kitchen, state, glyphs, planes);
    show_pots(kitchen, state, planes);
    show_players(config, kitchen, state, glyphs, planes);
}

static void observe_lossless(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                             uint8_t *observations)
{
    if (kitchen->num_players == 2)
        observe_planes(config, kitchen, state, (Planes){observations, kitchen->plane_size, 2});
    else
        observe_planes(config, kitchen, state, (Planes){observations, kitchen->plane_size, kitchen->num_players});
}

/* ---- observation "features" ---- */

static float *show_distance(float *out, const int8_t delta[2], bool is_zero)
{
    out[0] = is_zero ? 0 : (float)delta[0];
    out[1] = is_zero ? 0 : (float)delta[1];
    return out + 2;
}

static float *show_feature_pot(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                               int32_t player, int32_t pot, float *out)
{
    memset(out, 0, 10 * sizeof *out);
    if (pot == KITCHEN_NONE)
        return out + 10;
    int32_t cell = kitchen->pot_cells[pot], tick = state->pot_ticks[pot];
    const Contents *contents = contents_of(kitchen, state->items[cell]);
    bool is_done = tick >= 0 && tick >= contents->cook_time;
    out[0] = 1;
    out[1] = contents->count == 0;
    out[2] = tick >= 0 || contents->count == OVERCOOKED_MAX_INGREDIENTS;
    out[3] = tick >= 0 && !is_done;
    out[4] = is_done;
    out[5] = contents->onions;
    out[6] = contents->tomatoes;
    out[7] = tick < 0 ? 0 : (float)(contents->cook_time - tick);
    out[8] = (float)(cell % config->width - state->positions[player][0]);
    out[9] = (float)(cell / config->width - state->positions[player][1]);
    return out + 10;
}

static void show_player(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                        int32_t player, float *out)
{
    static const uint8_t DISPENSED[3] = {OVERCOOKED_ONION, OVERCOOKED_TOMATO, OVERCOOKED_DISH};
    uint8_t held = state->held[player];
    const Surroundings *around =
        surroundings_at(kitchen, cell_at(config, state->positions[player]), state->orientations[player]);
    memset(out, 0, 8 * sizeof *out);
    out[state->orientations[player]] = 1;
    if (held)
        out[4 + (held == OVERCOOKED_ONION ? 0 : held >= OVERCOOKED_SOUP ? 1 : held == OVERCOOKED_DISH ? 2 : 3)] = 1;
    out += 8;
    for (int32_t i = 0; i < 3; i++)
        out = show_distance(out, around->dispensers[i], held == DISPENSED[i]);
    const Contents *soup = contents_of(kitchen, held >= OVERCOOKED_SOUP ? held : 0);
    out = show_distance(out, around->serve, true); /* the closest soup: held, or out of reach on a counter */
    *out++ = soup->onions;
    *out++ = soup->tomatoes;
    out = show_distance(out, around->serve, false);
    out = show_distance(out, around->serve, true); /* the closest empty counter */
    for (int32_t i = 0; i < config->num_feature_pots; i++)
        out = show_feature_pot(config, kitchen, state, player, around->pots[i], out);
    for (int32_t direction = 0; direction < 4; direction++)
        *out++ = around->walls[direction];
}

static void observe_features(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                             float *observations)
{
    int32_t players = kitchen->num_players;
    size_t block = (size_t)(10 * config->num_feature_pots + 26), size = (size_t)players * (block + 2);
    for (int32_t self = 0; self < players; self++) {
        float *own = observations + (size_t)self * size, *distances = own + (size_t)players * block;
        show_player(config, kitchen, state, self, own);
        for (int32_t i = 0; i < players; i++) {
            if (i == self)
                continue;
            int32_t rank = i < self ? i + 1 : i;
            show_player(config, kitchen, state, i, own + (size_t)rank * block);
            *distances++ = (float)(state->positions[i][0] - state->positions[self][0]);
            *distances++ = (float)(state->positions[i][1] - state->positions[self][1]);
        }
        *distances++ = state->positions[self][0];
        *distances++ = state->positions[self][1];
    }
}

static void observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    const OvercookedConfig *config = context->config;
    const Kitchen *kitchen = context->model;
    if (config->observation == OVERCOOKED_LOSSLESS)
        observe_lossless(config, kitchen, state, views[0].observations);
    else
        observe_features(config, kitchen, state, views[0].observations);
    memset(views[0].alive, 1, (size_t)kitchen->num_players);
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
    .check_config = check_config,
    .model_size = kitchen_size,
    .build_model = kitchen_build,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(OvercookedState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = 3,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
