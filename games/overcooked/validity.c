#include "validity.h"

#include "kitchen.h"

#include <math.h>
#include <string.h>

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

/* ---- states ---- */

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
    for (int32_t i = 0; i < kitchen_players(config); i++) {
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
    for (int32_t i = kitchen_players(config); i < OVERCOOKED_MAX_PLAYERS; i++)
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
    for (int32_t i = 0; i < kitchen_players(config); i++)
        if (state->events[i] >> OVERCOOKED_NUM_EVENTS)
            return agora_fail(error, "events: player %d has an unknown event", i);
    return check_players(config, state, error) && check_items(config, state, error);
}

bool overcooked_check_state(const AgoraContext *context, const void *state, AgoraError *error)
{
    return check_state_against(context->config, state, error);
}

/* ---- configs ---- */

bool overcooked_check_config(const void *config_bytes, AgoraError *error)
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
    kitchen_place_start(config, &start);
    return check_state_against(config, &start, error);
}
