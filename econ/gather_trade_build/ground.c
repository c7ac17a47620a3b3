#include "ground.h"

#include "../welfare/power.h"

const int8_t GTB_DIRECTIONS[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};

bool gtb_can_build(const GtbConfig *config, const GtbState *state, int32_t agent)
{
    (void)config;
    int32_t row = state->positions[agent][0], column = state->positions[agent][1];
    int64_t taken = state->planes[GTB_HOUSES][row] | state->planes[GTB_STONE_SOURCES][row] |
                    state->planes[GTB_WOOD_SOURCES][row] | state->planes[GTB_STONE_UNITS][row] |
                    state->planes[GTB_WOOD_UNITS][row] | state->planes[GTB_WATERS][row];
    return state->units[agent][GTB_STONE] > 0 && state->units[agent][GTB_WOOD] > 0 && !gtb_bit(&taken, 0, column);
}

void gtb_build(const GtbConfig *config, int32_t agent, GtbState *state)
{
    int32_t row = state->positions[agent][0], column = state->positions[agent][1];
    state->units[agent][GTB_STONE]--;
    state->units[agent][GTB_WOOD]--;
    gtb_set(state->planes[GTB_HOUSES], row, column);
    state->owners[row * config->width + column] = (uint8_t)(agent + 1);
    state->coin[agent] += state->payments[agent];
    state->labor[agent] += config->build_labor;
}

static void move(const GtbConfig *config, int32_t agent, int32_t direction, GtbState *state)
{
    uint8_t *position = state->positions[agent];
    int32_t row = position[0] + GTB_DIRECTIONS[direction][1], column = position[1] + GTB_DIRECTIONS[direction][0];
    if (!gtb_can_enter(config, state, agent, row, column))
        return;
    gtb_clear(state->planes[GTB_OCCUPIED], position[0], position[1]);
    gtb_set(state->planes[GTB_OCCUPIED], row, column);
    position[0] = (uint8_t)row;
    position[1] = (uint8_t)column;
    state->labor[agent] += config->move_labor;
}

void gtb_gather(const GtbConfig *config, int32_t agent, int32_t direction, GtbChance *chance, GtbState *state)
{
    if (direction >= 0)
        move(config, agent, direction, state);
    int32_t row = state->positions[agent][0], column = state->positions[agent][1];
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++) {
        int64_t *units = state->planes[GTB_STONE_UNITS + resource];
        if (!gtb_bit(units, row, column))
            continue;
        int32_t gathered = 1 + (gtb_draw_unit(chance) < state->second_units[agent]);
        gtb_clear(units, row, column);
        state->units[agent][resource] += gathered;
        state->labor[agent] += config->gather_labor;
        state->num_gathered += gathered;
    }
}

/* The reference draws a number for every tile, wood first. */
static void regrow_as_numpy(const GtbConfig *config, GtbChance *chance, GtbState *state)
{
    for (int32_t resource = GTB_RESOURCES - 1; resource >= 0; resource--)
        for (int32_t row = 0; row < config->height; row++)
            for (int32_t column = 0; column < config->width; column++) {
                bool grows = gtb_draw_unit(chance) < config->regrowth_probability;
                if (grows && gtb_bit(state->planes[GTB_STONE_SOURCES + resource], row, column))
                    gtb_set(state->planes[GTB_STONE_UNITS + resource], row, column);
            }
}

/* Empty sources up to the next that grows: geometric, so that one number decides about many tiles. */
static int32_t draw_gap(double log_of_failure, GtbChance *chance)
{
    double gap = welfare_log(1 - gtb_draw_unit(chance)) / log_of_failure;
    return gap < 1e6 ? (int32_t)gap : 1000000;
}

void gtb_regrow(const GtbConfig *config, GtbChance *chance, GtbState *state)
{
    if (gtb_is_numpy(chance)) {
        regrow_as_numpy(config, chance, state);
        return;
    }
    if (config->regrowth_probability <= 0)
        return;
    bool is_sure = config->regrowth_probability >= 1;
    double log_of_failure = is_sure ? -1 : welfare_log(1 - config->regrowth_probability);
    int32_t gap = is_sure ? 0 : draw_gap(log_of_failure, chance);
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
        for (int32_t row = 0; row < config->height; row++) {
            int64_t *units = &state->planes[GTB_STONE_UNITS + resource][row];
            uint64_t empty = (uint64_t)(state->planes[GTB_STONE_SOURCES + resource][row] & ~*units);
            for (; empty; empty &= empty - 1) {
                if (gap-- > 0)
                    continue;
                *units = (int64_t)((uint64_t)*units | (empty & -empty));
                gap = is_sure ? 0 : draw_gap(log_of_failure, chance);
            }
        }
}
