/* The trust dilemma: a stag hunt on a grid. After Gym-Stag-Hunt's "hunt" game (itself after Peysakhovich and Lerer
 * 2018, "Prosocial learning agents solve generalized stag hunts better than selfish ones"); README.md says what
 * differs.
 *
 * One step: the stag moves, seeing where the agents were; both agents move; rewards; then what was caught or eaten
 * appears elsewhere. Agents, stag and plants may share a cell. No rule looks at an agent's index.
 *
 * Observation "grid", uint8 [H, W, 4] per agent, indexed [y][x][channel], 1 where there is: the agent itself, the other
 * agent, the stag, a plant.
 *
 * Observation "coordinates", uint8 [6 + 2 N] per agent, N plants, columns and rows from the top left cell:
 *
 *   offset  content
 *   0       own x, y
 *   2       the other agent's x, y
 *   4       the stag's x, y
 *   6       x, y of each plant, in row-major order
 */
#ifndef AGORA_TRUST_H
#define AGORA_TRUST_H

#include "../core/game.h"

enum {
    TRUST_NUM_AGENTS = 2,
    TRUST_MAX_SIDE = 32, /* cells */
    TRUST_MAX_PLANTS = 16,
    TRUST_NUM_CHANNELS = 4,
    TRUST_MAX_COUNT = 1 << 30, /* where counters stay */
};

/* Numbered as in the source. */
typedef enum TrustAction {
    TRUST_LEFT,  /* x - 1 */
    TRUST_DOWN,  /* y + 1 */
    TRUST_RIGHT, /* x + 1 */
    TRUST_UP,    /* y - 1 */
    TRUST_STAND,
    TRUST_NUM_ACTIONS,
} TrustAction;

typedef enum TrustObservation { TRUST_GRID, TRUST_COORDINATES } TrustObservation;

typedef struct TrustConfig {
    int32_t width, height;     /* cells, 2 to TRUST_MAX_SIDE */
    int32_t num_plants;        /* 0 to TRUST_MAX_PLANTS, and at least one cell stays free */
    double stag_reward;        /* to both, when both are on the stag */
    double plant_reward;       /* to each agent on a plant that is not on the stag */
    double mauling_reward;     /* to an agent that is alone on the stag */
    double follow_probability; /* of a move of the stag towards the nearest agent; else it moves at random */
    uint8_t runs_after_mauling; /* 1: the stag appears elsewhere after a mauling */
    uint8_t ends_at_catch, ends_at_mauling; /* 1: such an event ends the episode */
    int32_t horizon;           /* steps */
    int32_t observation;       /* a TrustObservation */
} TrustConfig;

typedef struct TrustCell {
    uint8_t x, y;
} TrustCell;

typedef struct TrustState {
    int32_t timestep;
    TrustCell agents[TRUST_NUM_AGENTS], stag;
    TrustCell plants[TRUST_MAX_PLANTS]; /* no two alike; (0, 0) behind num_plants */
    uint8_t padding[2];
    int32_t catches; /* of this episode, as the next two */
    int32_t maulings[TRUST_NUM_AGENTS], plants_eaten[TRUST_NUM_AGENTS];
} TrustState;

extern const AgoraWorld agora_trust;

#endif
