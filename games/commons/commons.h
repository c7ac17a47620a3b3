/* Commons on a grid: agents eat apples, fire at each other and, where there is a river, clean it. Two games share these
 * rules; they differ in what makes apples grow:
 *
 *   harvest   an apple grows where other apples are near: who eats the last one of a patch ends it (a common pool)
 *   cleanup   apples grow the faster, the less waste is in the river: somebody has to clean (a public good)
 *
 * One step, in this order; no rule looks at an agent's index:
 *   1. Everybody turns or walks. Two who want the same free cell: chance decides. Swaps are impossible; chains and
 *      rings of agents that follow each other move.
 *   2. Who stands on an apple eats it.
 *   3. All beams are fired at once, on the map as it is now; then they take effect.
 *   4. Who was hit often enough leaves the map for `timeout_steps` steps; whose time is over comes back.
 *   5. Apples grow, and waste comes, on the map as it was before either.
 *
 * Observation, uint8 [view_ahead + 1 + view_behind, 2 view_side + 1, C], indexed [row][column][channel], seen by an
 * agent that looks up: row 0 is farthest ahead, column 0 farthest left. An agent that is off the map sees walls
 * everywhere and not itself. C = 8 in harvest, 11 in cleanup:
 *
 *   channel  1 where there is
 *   0        a wall, or the outside of the map
 *   1        an apple
 *   2 .. 5   another agent that looks the same way, to the right, towards the observer, to the left
 *   6        a beam fired in the last step
 *   7        the agent itself
 *   8        waste                                     (cleanup)
 *   9        water: river or stream                    (cleanup)
 *   10       a cleaning beam of the last step          (cleanup)
 */
#ifndef AGORA_COMMONS_H
#define AGORA_COMMONS_H

#include "../core/game.h"

enum {
    COMMONS_MAX_SIDE = 64, /* cells */
    COMMONS_MAX_CELLS = 1024,
    COMMONS_MAX_AGENTS = 32,
    COMMONS_MAX_VIEW = 24,       /* cells to one side */
    COMMONS_MAX_BEAM_WIDTH = 9,  /* cells, odd */
    COMMONS_MAX_NEIGHBOURS = 24, /* within squared distance COMMONS_MAX_DISTANCE */
    COMMONS_MAX_DISTANCE = 8,
    COMMONS_MAX_TIMEOUT = 1 << 20,
    COMMONS_MAX_COUNT = 1 << 30, /* where counters stay */
    COMMONS_NOWHERE = 255,       /* both coordinates of an agent off the map */
    COMMONS_HARVEST_CHANNELS = 8,
    COMMONS_CLEANUP_CHANNELS = 11,
};

typedef enum CommonsGame { COMMONS_HARVEST, COMMONS_CLEANUP } CommonsGame;

typedef enum CommonsTerrain {
    COMMONS_FLOOR,
    COMMONS_WALL,
    COMMONS_ORCHARD, /* apples grow here and nowhere else */
    COMMONS_RIVER,   /* waste comes here and nowhere else */
    COMMONS_STREAM,  /* water that stays clean */
    COMMONS_NUM_TERRAINS,
} CommonsTerrain;

/* The bits of a cell of CommonsState.items. */
enum {
    COMMONS_APPLE = 1,
    COMMONS_WASTE = 2,
    COMMONS_FIRED = 4,   /* a beam of the last step */
    COMMONS_CLEANED = 8, /* a cleaning beam of the last step */
};

/* Directions are relative to where the agent looks; the first four are quarter turns away from it, clockwise. */
typedef enum CommonsAction {
    COMMONS_LEFT,
    COMMONS_RIGHT,
    COMMONS_FORWARD,
    COMMONS_BACKWARD,
    COMMONS_STAY,
    COMMONS_TURN_RIGHT,
    COMMONS_TURN_LEFT,
    COMMONS_FIRE,
    COMMONS_CLEAN, /* cleanup only */
} CommonsAction;

typedef struct CommonsConfig {
    int32_t game; /* a CommonsGame */
    int32_t width, height;
    AgoraSpan terrain;     /* [H, W] uint8, a CommonsTerrain each; the border is wall */
    AgoraSpan start_items; /* [H, W] uint8: COMMONS_APPLE on orchard, COMMONS_WASTE on river, else 0 */
    AgoraSpan spawn_cells; /* [at least num_agents] int32, cells (y W + x) that are no wall, no two alike */
    int32_t num_agents;
    int32_t view_ahead, view_behind, view_side; /* cells, 0 to COMMONS_MAX_VIEW */
    AgoraSpan regrowth_probabilities;           /* of an apple in a step, by the number of apples near; harvest */
    int32_t regrowth_distance;   /* squared distance up to which apples are near: 1 to COMMONS_MAX_DISTANCE */
    double apple_probability;    /* of an apple per orchard cell and step, with a clean river; cleanup, as the next */
    double waste_probability;    /* of waste per clean river cell, tried one after the other until it comes once */
    double depletion_threshold;  /* share of waste in the river from which on nothing grows and no waste comes */
    double restoration_threshold; /* share of waste below which apples grow at their full rate */
    double apple_reward, fire_reward, hit_reward, clean_reward; /* for eating, firing, being hit, cleaning */
    int32_t beam_length, beam_width;                            /* cells; the rays beside the middle begin beside it */
    int32_t hits_to_timeout, timeout_steps;                     /* timeout_steps 0: nobody leaves the map */
    int32_t horizon;                                            /* steps */
} CommonsConfig;

typedef struct CommonsState {
    int32_t timestep;
    uint8_t positions[COMMONS_MAX_AGENTS][2]; /* x, y; COMMONS_NOWHERE twice for an agent off the map */
    uint8_t orientations[COMMONS_MAX_AGENTS]; /* 0 up, 1 right, 2 down, 3 left on the map */
    int32_t timeouts[COMMONS_MAX_AGENTS];     /* steps until the agent comes back, 0 on the map */
    int32_t hits[COMMONS_MAX_AGENTS];         /* since the agent came to the map */
    uint8_t items[COMMONS_MAX_CELLS];         /* [H, W] in front, zero behind */
    /* Of this episode, per agent. */
    int32_t apples[COMMONS_MAX_AGENTS], fired[COMMONS_MAX_AGENTS], cleaned[COMMONS_MAX_AGENTS];
    int32_t hits_taken[COMMONS_MAX_AGENTS], steps_out[COMMONS_MAX_AGENTS];
    int64_t apple_steps[COMMONS_MAX_AGENTS]; /* sum of the steps, from 1, in which the agent ate */
    double returns[COMMONS_MAX_AGENTS];
} CommonsState;

extern const AgoraWorld agora_commons;

#endif
