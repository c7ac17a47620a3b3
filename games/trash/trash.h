/* Trash on a grid: agents carry small pieces to a recycling area; big ones have to be split before.
 *
 * After the Trash-Grid of GMAH, whose code was never published: map, starts, actions and the size of the observation
 * are those that its logs show; what is not in them (who is in whose way, rewards) is ours. README.md says which is which.
 *
 * The map is 10 x 10 cells. The recycling area is rows 8 and 9, columns 6 to 9; nobody enters it. Agents start in row 0,
 * two columns apart, and look down. Pieces lie in rows 3 to 7, columns 0 to 8.
 *
 * One step, for all agents at once, by the map before the step; what an agent faces is the cell in front of it:
 *
 *   forward    to a free cell, unless another agent goes there too. Pieces, the area and agents are in the way.
 *   left, right  turns
 *   pick up    a small piece, if one agent alone reaches for it and it carries less than its capacity
 *   split      a big piece becomes a small one; several agents at once count as one
 *   put down   into the recycling area: all that the agent carries is delivered
 *
 * Observation, float32 [4 N + 3 M + 16] for N agents and M pieces; rows and columns are relative to the observer's, in
 * cells:
 *
 *   offset         content                                                                              range
 *   4 k            row, column, pieces carried, direction of the observer (k = 0), then of the others   -9 to 9
 *                  in index order; direction 0 right, 1 down, 2 left, 3 up
 *   4 N + 3 m      row, column, kind of piece m: 1 small, 2 big; 0, 0, 0 where it is gone
 *   4 N + 3 M + 2 b  row, column of cell b of the recycling area, row by row
 */
#ifndef AGORA_TRASH_H
#define AGORA_TRASH_H

#include "../core/game.h"

enum {
    TRASH_SIDE = 10, /* cells */
    TRASH_MAX_AGENTS = 5,
    TRASH_FIRST_ROW = 3, /* of pieces */
    TRASH_ROWS = 5,
    TRASH_COLUMNS = 9,
    TRASH_MAX_PIECES = TRASH_ROWS * TRASH_COLUMNS,
    TRASH_BIN_ROW = 8, /* the recycling area's upper left corner; it reaches to the lower right one of the map */
    TRASH_BIN_COLUMN = 6,
    TRASH_NUM_BINS = (TRASH_SIDE - TRASH_BIN_ROW) * (TRASH_SIDE - TRASH_BIN_COLUMN),
    TRASH_MAX_CAPACITY = 9,
};

typedef enum TrashAction {
    TRASH_FORWARD,
    TRASH_LEFT, /* turn */
    TRASH_RIGHT,
    TRASH_PICK_UP,
    TRASH_SPLIT,
    TRASH_PUT_DOWN,
    TRASH_NUM_ACTIONS,
} TrashAction;

typedef enum TrashKind { TRASH_GONE, TRASH_SMALL, TRASH_BIG } TrashKind;

typedef struct TrashConfig {
    int32_t num_agents;
    int32_t num_small, num_big; /* 1 to TRASH_MAX_PIECES together */
    int32_t capacity;           /* pieces that an agent can carry */
    int32_t horizon;            /* steps */
    double delivery_reward;     /* to everybody, for each piece */
    double split_reward;        /* to everybody, for each piece */
    double pick_up_reward;      /* to everybody, for each piece */
    double step_cost;           /* to everybody, in each step */
} TrashConfig;

typedef struct TrashState {
    int32_t timestep;
    uint8_t agents[TRASH_MAX_AGENTS][2]; /* row, column */
    uint8_t directions[TRASH_MAX_AGENTS];
    uint8_t loads[TRASH_MAX_AGENTS];         /* pieces carried */
    uint8_t pieces[TRASH_MAX_PIECES][3];     /* row, column, TrashKind; 0, 0, 0 where it is gone. The small come first */
} TrashState;

extern const AgoraWorld agora_trash;

#endif
