/* Sweep the floor: two robots clear cubes of the wanted colours, one with a dustpan and one with a broom.
 *
 * The symbolic form of DV-RoCoBench's Sweep Floor (Zhang et al. 2024, "Towards efficient LLM grounding for embodied
 * multi-agent collaboration"), which is RoCoBench's with more cubes. Alice (robot 0) has the dustpan, Bob (robot 1) the
 * broom. n cubes lie on the floor; one step, for both at once:
 *
 *   WAIT     0              nothing
 *   MOVE i   1 + i          to cube i, if it is on the floor
 *   SWEEP i  1 + n + i      Bob: cube i goes into the dustpan, if both stand at it, and Alice WAITs in this step
 *   DUMP     1 + 2 n        Alice: what is in the dustpan, if anything, goes into the bin; she stands there then
 *
 * Everybody gets 1 for a wanted cube that goes into the dustpan, and 1 when the last of them is in the bin, which ends
 * the episode.
 *
 * Observation, float [6 n + 5] per robot, entries 0 or 1 but for the last:
 *
 *   0          own place, one-hot: n cubes, where it started, the bin
 *   n + 2      the other's place
 *   2 n + 4    per cube: on the floor, in the dustpan, in the bin, wanted
 *   6 n + 4    share of the horizon that has passed
 */
#ifndef AGORA_SWEEP_H
#define AGORA_SWEEP_H

#include "../core/game.h"

enum {
    SWEEP_MAX_CUBES = 16,
    SWEEP_ROBOTS = 2,
    SWEEP_ALICE = 0,
    SWEEP_BOB = 1,
    SWEEP_START = 254, /* places that are no cube's */
    SWEEP_BIN = 255,   /* only Alice gets there */
};

typedef enum SweepCube { SWEEP_ON_FLOOR, SWEEP_IN_PAN, SWEEP_IN_BIN, SWEEP_NUM_STATUSES } SweepCube;

typedef struct SweepConfig {
    AgoraSpan wanted; /* [n] uint8, 1 where the cube has to be cleared; n in 1 to SWEEP_MAX_CUBES */
    int32_t horizon;  /* steps */
} SweepConfig;

typedef struct SweepState {
    int32_t timestep;
    uint8_t cubes[SWEEP_MAX_CUBES];  /* a SweepCube each; 0 behind the last */
    uint8_t places[SWEEP_ROBOTS];    /* a cube's number, SWEEP_START or SWEEP_BIN */
    uint8_t padding[2];
} SweepState;

extern const AgoraWorld agora_sweep;

#endif
