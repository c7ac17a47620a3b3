/* Level-based foraging: players of different levels load food, alone where they are strong enough, else together.
 * The rules, rewards and observations of the PyPI package lbforaging 2.0.0 (Christianos et al. 2020; Albrecht and
 * Ramamoorthy 2013).
 *
 * One step: everybody walks at once, then food is loaded by the players beside it who load, where their levels add up
 * to its level at least. A walk is impossible onto food, outside, and for all who want the same cell; who does not walk
 * wants its own. (As in the reference, two can swap, and one can walk onto a player whose own walk failed.)
 *
 * Observation "vector", float32 [3 F + S P], F foods, S = 3, or 2 without levels; rows and columns are counted from the
 * upper left corner of the part of the field that the player sees:
 *
 *   offset   content
 *   3 f      row, column, level of the f-th visible food in row-major order; -1, -1, 0 behind the last one
 *   3 F      row, column, level of the player itself, then of the others that it sees in index order; -1, -1, 0 behind
 *
 * Observation "grid", float32 [3, 2 sight + 1, 2 sight + 1], the player in the middle: levels of players (1 without
 * levels), levels of food, and 1 where a cell is free and inside.
 */
#ifndef AGORA_FORAGING_H
#define AGORA_FORAGING_H

#include "../core/game.h"

enum {
    FORAGING_MAX_SIDE = 32, /* cells */
    FORAGING_MAX_PLAYERS = 16,
    FORAGING_MAX_FOODS = 16,
    FORAGING_MAX_LEVEL = 80,    /* of a player */
    FORAGING_MAX_FOOD_LEVEL = 240,
    FORAGING_MAX_ATTEMPTS = 1000, /* at finding places for all food, as in the reference */
};

/* Numbered as in the reference. */
typedef enum ForagingAction {
    FORAGING_NONE,
    FORAGING_NORTH, /* row - 1 */
    FORAGING_SOUTH, /* row + 1 */
    FORAGING_WEST,  /* column - 1 */
    FORAGING_EAST,  /* column + 1 */
    FORAGING_LOAD,
    FORAGING_NUM_ACTIONS,
} ForagingAction;

typedef enum ForagingObservation { FORAGING_VECTOR, FORAGING_GRID } ForagingObservation;

typedef struct ForagingConfig {
    int32_t rows, columns; /* 5 to FORAGING_MAX_SIDE */
    int32_t num_players, num_foods;
    int32_t min_player_level, max_player_level;
    int32_t min_food_level, max_food_level; /* max 0: the sum of the three lowest player levels */
    int32_t sight;                          /* cells to each side */
    uint8_t force_coop;                     /* 1: all food has the maximum level */
    uint8_t normalize_reward;               /* 1: rewards of an episode sum to 1 at most */
    uint8_t shows_levels;                   /* 1: players see each other's levels */
    double penalty;                         /* taken from each who loads in vain */
    int32_t observation;                    /* a ForagingObservation */
    int32_t horizon;                        /* steps */
} ForagingConfig;

typedef struct ForagingState {
    int32_t timestep;
    int32_t spawned; /* sum of the levels of all food at the start of the episode */
    int32_t loaded;  /* foods loaded in this episode */
    uint8_t players[FORAGING_MAX_PLAYERS][3]; /* row, column, level */
    uint8_t foods[FORAGING_MAX_FOODS][3];     /* row, column, level in row-major order; 0, 0, 0 where there is none */
} ForagingState;

extern const AgoraWorld agora_foraging;

#endif
