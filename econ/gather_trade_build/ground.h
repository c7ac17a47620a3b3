/* The map of gather-trade-build: rows of bits, one plane for each kind of thing. */
#ifndef AGORA_GTB_GROUND_H
#define AGORA_GTB_GROUND_H

#include "chance.h"

static inline bool gtb_bit(const int64_t *rows, int32_t row, int32_t column)
{
    return ((uint64_t)rows[row] >> column) & 1;
}

static inline void gtb_set(int64_t *rows, int32_t row, int32_t column)
{
    rows[row] = (int64_t)((uint64_t)rows[row] | (uint64_t)1 << column);
}

static inline void gtb_clear(int64_t *rows, int32_t row, int32_t column)
{
    rows[row] = (int64_t)((uint64_t)rows[row] & ~((uint64_t)1 << column));
}

/* Whether an agent may come to a tile: on the map, no water, nobody's or its own house, nobody there. */
static inline bool gtb_can_enter(const GtbConfig *config, const GtbState *state, int32_t agent, int32_t row,
                                 int32_t column)
{
    if (row < 0 || column < 0 || row >= config->height || column >= config->width)
        return false;
    int64_t blocked = state->planes[GTB_WATERS][row] | state->planes[GTB_OCCUPIED][row];
    return !gtb_bit(&blocked, 0, column) && (!gtb_bit(state->planes[GTB_HOUSES], row, column) ||
                                             state->owners[row * config->width + column] == agent + 1);
}

/* Whether an agent has what a house needs, and stands where one may be. */
bool gtb_can_build(const GtbConfig *config, const GtbState *state, int32_t agent);
void gtb_build(const GtbConfig *config, int32_t agent, GtbState *state);

/* Moves an agent where it can go (direction 0 to 3: left, right, up, down; -1: nowhere), then takes what lies there. */
void gtb_gather(const GtbConfig *config, int32_t agent, int32_t direction, GtbChance *chance, GtbState *state);

void gtb_regrow(const GtbConfig *config, GtbChance *chance, GtbState *state);

/* Column and row that a direction adds. */
extern const int8_t GTB_DIRECTIONS[4][2];

#endif
