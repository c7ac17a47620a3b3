/* Door and key: a locked door stands between the agents and, mostly, the goal. The rules and views of minigrid 3.2.0's
 * DoorKey, for one agent or several.
 *
 * The map is `size` cells square: walls around, and a wall from top to bottom in column `split` with a door in it.
 * The agents and the key start in the left room. The goal is the cell in the lower right corner or, with probability
 * `near_goal`, a cell of the left room.
 *
 * One step, for all agents at once; what an agent faces is the cell in front of it:
 *
 *   1. Turns and moves, by the map before the step. Walls, the key, a door that is not open and other agents stop an
 *      agent; so do others that would move to the same cell. The goal has room for all, and ends the episode.
 *   2. Pick-ups: the key, if one agent alone reaches for it.
 *   3. Drops: onto a free cell without an agent.
 *   4. Toggles: a locked door opens for whoever has the key; another opens, or closes unless somebody stands in it.
 *      Several at once count as one.
 *
 * Observation, uint8 [V, V, 3] per agent, V = view_size, indexed [x][y][channel] as in the reference: the cells in
 * front of the agent, x to its right, y towards it, the agent in the middle of the last y. What walls and closed doors
 * hide is unseen. The agent's own cell shows what it carries.
 *
 *   content            channel 0: kind   1: colour                          2: state
 *   unseen             0                 0                                  0
 *   free               1                 0                                  0
 *   wall, the outside  2                 5                                  0
 *   door               4                 4                                  0 open, 1 closed, 2 locked
 *   key                5                 4                                  0
 *   goal               8                 1                                  0
 *   another agent      10                0, or 4 if it has the key          direction: 0 as the observer's, 1 right ...
 */
#ifndef AGORA_DOOR_KEY_H
#define AGORA_DOOR_KEY_H

#include "../core/game.h"

enum {
    DOOR_KEY_MIN_SIZE = 5, /* cells */
    DOOR_KEY_MAX_SIZE = 32,
    DOOR_KEY_MAX_VIEW = 15, /* cells, odd */
    DOOR_KEY_MAX_AGENTS = 16,
    DOOR_KEY_SPARE_CELLS = 4, /* size - this is the most agents: the smallest room also holds the key and a goal */
    DOOR_KEY_NUM_CHANNELS = 3,
    DOOR_KEY_CARRIED = 255, /* both coordinates of a key that somebody has */
};

/* Numbered as in the reference. */
typedef enum DoorKeyAction {
    DOOR_KEY_LEFT, /* turn */
    DOOR_KEY_RIGHT,
    DOOR_KEY_FORWARD,
    DOOR_KEY_PICK_UP,
    DOOR_KEY_DROP,
    DOOR_KEY_TOGGLE,
    DOOR_KEY_DONE, /* nothing */
    DOOR_KEY_NUM_ACTIONS,
} DoorKeyAction;

typedef enum DoorKeyDoor { DOOR_KEY_OPEN, DOOR_KEY_CLOSED, DOOR_KEY_LOCKED, DOOR_KEY_NUM_DOORS } DoorKeyDoor;

typedef struct DoorKeyConfig {
    int32_t size;         /* cells of a side */
    int32_t num_agents;   /* 1 to size - DOOR_KEY_SPARE_CELLS */
    int32_t view_size;    /* cells of a side, odd */
    int32_t horizon;      /* steps */
    double near_goal;     /* probability that the goal is in the left room */
    double time_penalty;  /* what is left of the reward 1 at the horizon is 1 - time_penalty */
    uint8_t shared_reward; /* 1: everybody gets it; 0: who reached the goal */
} DoorKeyConfig;

/* Positions are x to the right, y down; directions 0 right, 1 down, 2 left, 3 up. */
typedef struct DoorKeyState {
    int32_t timestep;
    uint8_t split, door_y;
    uint8_t door; /* a DoorKeyDoor */
    uint8_t is_reached;
    uint8_t key[2]; /* DOOR_KEY_CARRIED when somebody has it */
    uint8_t goal[2];
    uint8_t positions[DOOR_KEY_MAX_AGENTS][2];
    uint8_t directions[DOOR_KEY_MAX_AGENTS];
    uint8_t has_key[DOOR_KEY_MAX_AGENTS];
} DoorKeyState;

extern const AgoraWorld agora_door_key;

#endif
