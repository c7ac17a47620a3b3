/* Pursuit: pursuers surround evaders that move at random. The rules, rewards and observations of PettingZoo's
 * sisl/pursuit-v5 (1.27.0), whose steps follow each other agent by agent; here all pursuers move at once, which gives
 * the same, because nobody is in anybody's way.
 *
 * One step: pursuers move; evaders that are caught leave; the others move. An evader is caught when all open cells
 * beside it have a pursuer (surround), or when enough pursuers stand on it.
 *
 * Rewards, N pursuers: `tag_reward` / N for each evader beside pursuer k, counted N times: k times where it was, N - k
 * times where it went. (The reference adds the rewards of N single moves. The border folds: a cell outside counts as
 * the cell on it.) `catch_reward` to each pursuer that took part in a catch, `urgency_reward` to all. With
 * shared_reward everybody gets the mean.
 *
 * Observation, uint8 [R, R, 3] per pursuer, R = obs_range, indexed [y][x][channel], the pursuer in the middle:
 *
 *   channel  content
 *   0        1 where there is a wall, or the outside
 *   1        number of pursuers, the observer included
 *   2        number of evaders
 */
#ifndef AGORA_PURSUIT_H
#define AGORA_PURSUIT_H

#include "../core/game.h"

enum {
    PURSUIT_MAX_SIDE = 64, /* cells */
    PURSUIT_MAX_CELLS = PURSUIT_MAX_SIDE * PURSUIT_MAX_SIDE,
    PURSUIT_MAX_AGENTS = 64, /* of either kind */
    PURSUIT_MAX_RANGE = 31,  /* cells, odd */
    PURSUIT_NUM_CHANNELS = 3,
    PURSUIT_GONE = 255, /* both coordinates of an evader that was caught */
};

/* Numbered as in the reference. */
typedef enum PursuitAction {
    PURSUIT_LEFT,  /* x - 1 */
    PURSUIT_RIGHT, /* x + 1 */
    PURSUIT_UP,    /* y + 1 */
    PURSUIT_DOWN,  /* y - 1 */
    PURSUIT_STAY,
    PURSUIT_NUM_ACTIONS,
} PursuitAction;

typedef struct PursuitConfig {
    int32_t x_size, y_size;              /* cells, 2 to PURSUIT_MAX_SIDE */
    AgoraSpan walls;                     /* [y_size, x_size] uint8, 1 where nobody can be; at least one 0 */
    int32_t num_pursuers, num_evaders;   /* 1 to PURSUIT_MAX_AGENTS */
    int32_t obs_range;                   /* cells, odd */
    uint8_t surround;                    /* 1: caught when surrounded; 0: when n_catch pursuers stand on it */
    int32_t n_catch;
    uint8_t freeze_evaders, shared_reward;
    double tag_reward, catch_reward, urgency_reward;
    double constraint_window; /* share of each side of the window in which everybody starts */
    int32_t horizon;          /* steps */
} PursuitConfig;

typedef struct PursuitState {
    int32_t timestep;
    int32_t caught; /* evaders */
    uint8_t pursuers[PURSUIT_MAX_AGENTS][2], evaders[PURSUIT_MAX_AGENTS][2]; /* x, y */
} PursuitState;

extern const AgoraWorld agora_pursuit;

#endif
