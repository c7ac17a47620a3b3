/* Overcooked: cooks who share a kitchen, bit for bit the rules of overcooked-ai 1.1.0 (Carroll et al. 2019), and of its
 * later `old_dynamics` option.
 *
 * One step: interacts, player 0 first, each on the live kitchen (the reference's order; it favours player 0 when both
 * want the same thing); then all movements at once; then time and pots advance.
 *
 * Observation "lossless", uint8 [W, H, C] per player, C = 5 P + 16, indexed [x][y][channel]. `self` is the observing
 * player, `others` the rest in index order. With P = 2 this is the reference's 26 channels; other P are ours.
 *
 *   offset       channel                   value
 *   0            location of self          1 at its cell
 *   1 .. P-1     location of others        1 at their cells
 *   P + 4 k + d  orientation               1 at the cell of the k-th of (self, others) when it faces d (N, S, E, W)
 *   5 P + 0..5   pot, counter, onion dispenser, tomato dispenser, dish dispenser, serving place: the map
 *   5 P + 6, 7   onions, tomatoes in a pot that is not cooking         0..3
 *   5 P + 8, 9   onions, tomatoes in a soup that cooks or is done      0..3, in pots, on counters and in hands
 *   5 P + 10     cooking time remaining    steps, in pots
 *   5 P + 11     soup is done              1
 *   5 P + 12..14 dishes, onions, tomatoes  1, on counters and in hands
 *   5 P + 15     urgency                   1 everywhere in the last 39 steps and at the end
 *
 * Observation "features", float32 [P (10 N + 26) + 2 (P - 1) + 2] per player, N pots: the reference's featurize_state.
 * The block of one player (10 N + 26 numbers; distances are (dx, dy) in cells from the player):
 *
 *   0     orientation, one-hot N, S, E, W
 *   4     held object, one-hot onion, soup, dish, tomato
 *   8     distance to the closest onion, tomato, dish dispenser and soup, 2 each; 0 for what is held or out of reach
 *   16    onions and tomatoes in the held soup
 *   18    distance to the serving place, to an empty counter (always 0: the reference's planner never goes to counters)
 *   22    per pot, closest first: exists, empty, full, cooking, done, onions, tomatoes, steps remaining, distance (2)
 *   end   1 for each of N, S, E, W where the next cell is not floor
 *
 * Layout of the whole: own block, the others' blocks in index order, distances to the others, own (x, y).
 */
#ifndef AGORA_OVERCOOKED_H
#define AGORA_OVERCOOKED_H

#include "../core/game.h"

enum {
    OVERCOOKED_MAX_CELLS = 256,
    OVERCOOKED_MAX_PLAYERS = 9, /* a layout names its players by the digits 1 to 9 */
    OVERCOOKED_MAX_POTS = 32,
    OVERCOOKED_MAX_INGREDIENTS = 3,
    OVERCOOKED_MAX_DELIVERIES = 1 << 30, /* where the counter stays */
    OVERCOOKED_URGENT_STEPS = 40, /* the urgency channel is on when fewer steps than this remain */
};

typedef enum OvercookedTerrain {
    OVERCOOKED_FLOOR,
    OVERCOOKED_POT,
    OVERCOOKED_COUNTER,
    OVERCOOKED_ONIONS,
    OVERCOOKED_TOMATOES,
    OVERCOOKED_DISHES,
    OVERCOOKED_SERVE,
    OVERCOOKED_NUM_TERRAINS,
} OvercookedTerrain;

typedef enum OvercookedAction {
    OVERCOOKED_NORTH, /* y - 1; the first four are orientations too */
    OVERCOOKED_SOUTH,
    OVERCOOKED_EAST,
    OVERCOOKED_WEST,
    OVERCOOKED_STAY,
    OVERCOOKED_INTERACT,
    OVERCOOKED_NUM_ACTIONS,
} OvercookedAction;

/* What a hand, a counter or a pot holds, in one byte. A soup is OVERCOOKED_SOUP plus its ingredients in the order they
 * went in, two bits each from the lowest: 1 onion, 2 tomato, 0 none. In a pot the ingredients are a soup from the first
 * on; whether it cooks says its pot's tick. */
enum {
    OVERCOOKED_NOTHING = 0,
    OVERCOOKED_ONION = 1,
    OVERCOOKED_TOMATO = 2,
    OVERCOOKED_DISH = 3,
    OVERCOOKED_SOUP = 64,
    OVERCOOKED_NUM_CONTENTS = 64, /* codes of a soup's ingredients */
};

/* What happened to a player in the last step, one bit each, in the order and with the meaning of the reference's
 * EVENT_TYPES (a tomato taken from a dispenser is no event there, nor here). */
typedef enum OvercookedEvent {
    OVERCOOKED_TOMATO_PICKUP,
    OVERCOOKED_USEFUL_TOMATO_PICKUP,
    OVERCOOKED_TOMATO_DROP,
    OVERCOOKED_USEFUL_TOMATO_DROP,
    OVERCOOKED_POTTING_TOMATO,
    OVERCOOKED_ONION_PICKUP,
    OVERCOOKED_USEFUL_ONION_PICKUP,
    OVERCOOKED_ONION_DROP,
    OVERCOOKED_USEFUL_ONION_DROP,
    OVERCOOKED_POTTING_ONION,
    OVERCOOKED_DISH_PICKUP,
    OVERCOOKED_USEFUL_DISH_PICKUP,
    OVERCOOKED_DISH_DROP,
    OVERCOOKED_USEFUL_DISH_DROP,
    OVERCOOKED_SOUP_PICKUP,
    OVERCOOKED_SOUP_DELIVERY,
    OVERCOOKED_SOUP_DROP,
    OVERCOOKED_OPTIMAL_ONION_POTTING,
    OVERCOOKED_OPTIMAL_TOMATO_POTTING,
    OVERCOOKED_VIABLE_ONION_POTTING,
    OVERCOOKED_VIABLE_TOMATO_POTTING,
    OVERCOOKED_CATASTROPHIC_ONION_POTTING,
    OVERCOOKED_CATASTROPHIC_TOMATO_POTTING,
    OVERCOOKED_USELESS_ONION_POTTING,
    OVERCOOKED_USELESS_TOMATO_POTTING,
    OVERCOOKED_NUM_EVENTS,
} OvercookedEvent;

typedef enum OvercookedObservation { OVERCOOKED_LOSSLESS, OVERCOOKED_FEATURES } OvercookedObservation;

typedef struct OvercookedConfig {
    int32_t width, height;
    AgoraSpan terrain;            /* [H, W] uint8, an OvercookedTerrain each; the border is not floor */
    AgoraSpan start_positions;    /* [P, 2] uint8 x, y; on floor, no two alike */
    AgoraSpan start_orientations; /* [P] uint8 */
    AgoraSpan start_held;         /* [P] uint8, what is in the hand */
    AgoraSpan start_items;        /* [H, W] uint8, what lies on counters and in pots */
    AgoraSpan start_pot_ticks;    /* [number of pots] int16, as OvercookedState.pot_ticks */
    double delivery_rewards[4][4]; /* [onions][tomatoes], for serving that soup; 0 when nobody ordered it */
    int32_t cook_times[4][4];      /* [onions][tomatoes] steps, 1 to 255 */
    double placement_reward, dish_reward, soup_reward; /* shaped: ingredient into pot, useful dish, soup from pot */
    double shaped_reward_weight;                       /* live: reward = sum of deliveries + weight * own shaped */
    int32_t horizon;                                   /* steps */
    int32_t observation;                               /* an OvercookedObservation */
    int32_t num_feature_pots;                          /* N of "features" */
    uint8_t has_old_dynamics;                          /* soups of three start by themselves, and only those */
    uint8_t has_random_positions;                      /* start cells uniform on the floor, no two alike */
    uint8_t ends_with_delivery;                        /* the first soup that earns a reward ends the episode */
    double random_object_probability; /* of a soup in each pot, of its cooking, and of something in each hand */
} OvercookedConfig;

typedef struct OvercookedState {
    int32_t timestep;
    uint8_t positions[OVERCOOKED_MAX_PLAYERS][2]; /* x, y */
    uint8_t orientations[OVERCOOKED_MAX_PLAYERS];
    uint8_t held[OVERCOOKED_MAX_PLAYERS];
    uint32_t events[OVERCOOKED_MAX_PLAYERS];
    int16_t pot_ticks[OVERCOOKED_MAX_POTS]; /* pots in row-major order: -1 not cooking, else steps cooked */
    uint8_t items[OVERCOOKED_MAX_CELLS];    /* row-major [H, W] in front, zero behind */
    int32_t deliveries;                     /* soups served in this episode, ordered or not */
    double sparse_return, shaped_return;    /* of this episode, all players together */
} OvercookedState;

extern const AgoraWorld agora_overcooked;

#endif
