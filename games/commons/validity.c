#include "validity.h"

#include "ground.h"

#include <math.h>

static const double COMMONS_MAX_REWARD = 1e6;

/* ---- config ---- */

/* Whether an item, without beams, may lie in a cell. */
static bool can_lie(const CommonsConfig *config, int32_t cell, int32_t item)
{
    int32_t terrain = ground_terrain(config, cell);
    return item == 0 || (item == COMMONS_APPLE && terrain == COMMONS_ORCHARD) ||
           (item == COMMONS_WASTE && terrain == COMMONS_RIVER);
}

static bool check_map(const CommonsConfig *config, AgoraError *error)
{
    int32_t width = config->width, height = config->height;
    if (width < 3 || width > COMMONS_MAX_SIDE || height < 3 || height > COMMONS_MAX_SIDE ||
        width * height > COMMONS_MAX_CELLS)
        return agora_fail(error, "a map has 3 to %d cells a side and at most %d in all, got %d x %d", COMMONS_MAX_SIDE,
                          COMMONS_MAX_CELLS, width, height);
    if (config->terrain.count != width * height || config->start_items.count != width * height)
        return agora_fail(error, "terrain and start_items must have %d cells", width * height);
    for (int32_t cell = 0; cell < width * height; cell++) {
        int32_t x = cell % width, y = cell / width, terrain = ground_terrain(config, cell);
        bool is_border = x == 0 || y == 0 || x == width - 1 || y == height - 1;
        if (terrain >= COMMONS_NUM_TERRAINS)
            return agora_fail(error, "row %d, column %d: unknown terrain %d", y, x, terrain);
        if (is_border && terrain != COMMONS_WALL)
            return agora_fail(error, "row %d, column %d: the border must be wall", y, x);
        if (!can_lie(config, cell, ((const uint8_t *)config->start_items.data)[cell]))
            return agora_fail(error, "start_items: row %d, column %d cannot hold %d", y, x,
                              ((const uint8_t *)config->start_items.data)[cell]);
    }
    return true;
}

static bool check_spawn_cells(const CommonsConfig *config, AgoraError *error)
{
    const int32_t *cells = config->spawn_cells.data;
    if (config->spawn_cells.count < config->num_agents || config->spawn_cells.count > COMMONS_MAX_CELLS)
        return agora_fail(error, "%d agents need as many spawn cells, got %lld", config->num_agents,
                          (long long)config->spawn_cells.count);
    bool is_taken[COMMONS_MAX_CELLS] = {false};
    for (int64_t k = 0; k < config->spawn_cells.count; k++) {
        if (cells[k] < 0 || cells[k] >= config->width * config->height ||
            ground_terrain(config, cells[k]) == COMMONS_WALL)
            return agora_fail(error, "spawn_cells: %d is no cell that can be stood on", cells[k]);
        if (is_taken[cells[k]])
            return agora_fail(error, "spawn_cells: %d is named twice", cells[k]);
        is_taken[cells[k]] = true;
    }
    return true;
}

static bool check_chances(const CommonsConfig *config, AgoraError *error)
{
    const double *probabilities = config->regrowth_probabilities.data;
    if (config->regrowth_probabilities.count < 1 || config->regrowth_probabilities.count > COMMONS_MAX_NEIGHBOURS + 1)
        return agora_fail(error, "regrowth_probabilities must have 1 to %d entries, got %lld",
                          COMMONS_MAX_NEIGHBOURS + 1, (long long)config->regrowth_probabilities.count);
    for (int64_t k = 0; k < config->regrowth_probabilities.count; k++)
        if (!agora_check_share("regrowth_probabilities", probabilities[k], error))
            return false;
    if (!(config->restoration_threshold >= 0 && config->restoration_threshold < config->depletion_threshold &&
          config->depletion_threshold <= 2))
        return agora_fail(error, "thresholds must be 0 <= restoration < depletion <= 2, got %g and %g",
                          config->restoration_threshold, config->depletion_threshold);
    double rewards[] = {config->apple_reward, config->fire_reward, config->hit_reward, config->clean_reward};
    for (int32_t k = 0; k < 4; k++)
        if (!(fabs(rewards[k]) <= COMMONS_MAX_REWARD))
            return agora_fail(error, "a reward must be within %g of 0, got %g", COMMONS_MAX_REWARD, rewards[k]);
    return agora_check_share("apple_probability", config->apple_probability, error) &&
           agora_check_share("waste_probability", config->waste_probability, error);
}

bool commons_check_config(const void *config_bytes, AgoraError *error)
{
    const CommonsConfig *config = config_bytes;
    if (config->beam_width % 2 == 0)
        return agora_fail(error, "beam_width must be odd, got %d", config->beam_width);
    return agora_check_range("game", config->game, COMMONS_HARVEST, COMMONS_CLEANUP, error) &&
           check_map(config, error) &&
           agora_check_range("num_agents", config->num_agents, 1, COMMONS_MAX_AGENTS, error) &&
           agora_check_range("view_ahead", config->view_ahead, 0, COMMONS_MAX_VIEW, error) &&
           agora_check_range("view_behind", config->view_behind, 0, COMMONS_MAX_VIEW, error) &&
           agora_check_range("view_side", config->view_side, 0, COMMONS_MAX_VIEW, error) &&
           agora_check_range("regrowth_distance", config->regrowth_distance, 1, COMMONS_MAX_DISTANCE, error) &&
           agora_check_range("beam_length", config->beam_length, 0, COMMONS_MAX_SIDE, error) &&
           agora_check_range("beam_width", config->beam_width, 1, COMMONS_MAX_BEAM_WIDTH, error) &&
           agora_check_range("hits_to_timeout", config->hits_to_timeout, 1, COMMONS_MAX_COUNT, error) &&
           agora_check_range("timeout_steps", config->timeout_steps, 0, COMMONS_MAX_TIMEOUT, error) &&
           agora_check_range("horizon", config->horizon, 1, INT32_MAX, error) && check_spawn_cells(config, error) &&
           check_chances(config, error);
}

/* ---- states ---- */

static bool check_place(const CommonsConfig *config, const CommonsState *state, int32_t agent, AgoraError *error)
{
    int32_t x = state->positions[agent][0], y = state->positions[agent][1];
    if (state->timeouts[agent] < 0 || state->timeouts[agent] > config->timeout_steps)
        return agora_fail(error, "timeouts: agent %d must have [0, %d] steps left, got %d", agent,
                          config->timeout_steps, state->timeouts[agent]);
    if (state->timeouts[agent] > 0)
        return (x == COMMONS_NOWHERE && y == COMMONS_NOWHERE) ||
               agora_fail(error, "positions: agent %d is off the map and must be at (%d, %d)", agent, COMMONS_NOWHERE,
                          COMMONS_NOWHERE);
    if (x >= config->width || y >= config->height || ground_terrain(config, y * config->width + x) == COMMONS_WALL)
        return agora_fail(error, "positions: agent %d cannot stand at (%d, %d)", agent, x, y);
    for (int32_t j = 0; j < agent; j++)
        if (state->positions[j][0] == x && state->positions[j][1] == y)
            return agora_fail(error, "positions: agents %d and %d stand in the same cell", j, agent);
    return true;
}

static bool check_agent(const CommonsConfig *config, const CommonsState *state, int32_t agent, AgoraError *error)
{
    if (state->orientations[agent] > 3)
        return agora_fail(error, "orientations: agent %d looks to %d, not 0 to 3", agent, state->orientations[agent]);
    bool can_be_hit = config->timeout_steps > 0;
    if (state->hits[agent] < 0 || state->hits[agent] > (can_be_hit ? config->hits_to_timeout - 1 : 0))
        return agora_fail(error, "hits: agent %d cannot have %d and be where it is", agent, state->hits[agent]);
    bool has_counts = agora_check_range("apples", state->apples[agent], 0, COMMONS_MAX_COUNT, error) &&
                      agora_check_range("fired", state->fired[agent], 0, COMMONS_MAX_COUNT, error) &&
                      agora_check_range("cleaned", state->cleaned[agent], 0, COMMONS_MAX_COUNT, error) &&
                      agora_check_range("hits_taken", state->hits_taken[agent], 0, COMMONS_MAX_COUNT, error) &&
                      agora_check_range("steps_out", state->steps_out[agent], 0, COMMONS_MAX_COUNT, error);
    if (!has_counts)
        return false;
    if (state->apple_steps[agent] < 0 ||
        state->apple_steps[agent] > (int64_t)state->apples[agent] * config->horizon || !isfinite(state->returns[agent]))
        return agora_fail(error, "apple_steps and returns of agent %d cannot be", agent);
    return check_place(config, state, agent, error);
}

static bool check_nobody(const CommonsState *state, int32_t agent, AgoraError *error)
{
    bool is_empty = !(state->positions[agent][0] | state->positions[agent][1] | state->orientations[agent] |
                      state->timeouts[agent] | state->hits[agent] | state->apples[agent] | state->fired[agent] |
                      state->cleaned[agent] | state->hits_taken[agent] | state->steps_out[agent]);
    return (is_empty && state->apple_steps[agent] == 0 && state->returns[agent] == 0) ||
           agora_fail(error, "the state has an agent too many");
}

bool commons_check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const CommonsConfig *config = context->config;
    const CommonsState *state = state_bytes;
    if (!agora_check_range("timestep", state->timestep, 0, config->horizon, error))
        return false;
    for (int32_t i = 0; i < COMMONS_MAX_AGENTS; i++)
        if (!(i < config->num_agents ? check_agent(config, state, i, error) : check_nobody(state, i, error)))
            return false;
    for (int32_t cell = 0; cell < COMMONS_MAX_CELLS; cell++) {
        int32_t beams = COMMONS_FIRED | COMMONS_CLEANED, item = state->items[cell];
        bool is_inside = cell < config->width * config->height;
        bool is_wall = !is_inside || ground_terrain(config, cell) == COMMONS_WALL;
        if (is_wall ? item != 0 : item > 15 || !can_lie(config, cell, item & ~beams))
            return agora_fail(error, "items: row %d, column %d cannot hold %d", cell / config->width,
                              cell % config->width, item);
    }
    return true;
}
