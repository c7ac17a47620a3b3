/* Gather-trade-build, the spatial economy of the AI Economist: agents gather stone and wood, trade them for coin and build
 * houses, which pay by skill; a planner taxes incomes.
 *
 * One step, in this order:
 *   1. Build. Who wants to, has a unit of each resource and stands on an empty tile gives the units, owns a house there and
 *      gets its build payment.
 *   2. Trade. Orders are placed, matched and aged, stone before wood (market.h).
 *   3. Gather. In random order everybody moves, then takes what lies on its tile, with luck a unit more.
 *   4. Tax (econ/taxation/tax.h); then, with `shares_wealth`, all coin is shared equally.
 *   5. Empty sources grow a unit again, each with `regrowth_probability`.
 * Labor adds up; utility is isoelastic in coin, less its cost. Rewards are changes: of utility, of the planner's objective.
 *
 * Actions of a worker (P = max_bid_ask + 1 prices from 0): 0 nothing; 1 build; then P each for buying stone, selling stone,
 * buying wood, selling wood; then left, right, up, down.
 *
 * Observation of a worker, float32: 7 planes and 2 index planes of the tiles around it (side V = 2 view + 1, the worker in
 * the middle), or of the whole map with `sees_all`; then a vector. N workers, B brackets.
 *
 *   plane  1 where there is                 index plane
 *   0      stone                            7   the owner of a house
 *   1      wood                             8   a worker
 *   2      a house                          0: nobody, 1: the observer, i + 2: another worker i
 *   3      water
 *   4, 5   a source of stone, of wood
 *   6      the map (missing with sees_all, whose index planes are 6 and 7)
 *
 *   vector   size     content
 *            1, 1     build payment over `payment`; the skill as drawn
 *            4 P      others' asks for stone, wood; others' bids for stone, wood, by price
 *            2        mean price of past trades, fading: stone, wood
 *            4 P      own asks for stone, wood; own bids for stone, wood
 *            2 P      past trades by price, fading, over 100
 *            1        chance of a second unit
 *            B        marginal rates in force
 *            1, 1     1 on the first, on the last day of a tax period
 *            N        all incomes of the last period, rising, over tax_period
 *            1        own marginal rate at the income so far
 *            1, 1     day over tax_period; steps over 1000 or the horizon
 *            3        own coin, stone, wood over 100
 *            2        column over width, row over height (missing with sees_all)
 *
 * Observation of the planner: the 6 + 2 planes of the whole map if `planner_sees_map`; then
 *            4 P      asks for stone, wood; bids for stone, wood
 *            2, 2 P   mean prices; past trades
 *            B, 1, 1, N, 1, 1   rates, first and last day, incomes, day, time, as above
 *            3        0 (its own inventory, which it has not)
 *   per worker        marginal rate now, last income over tax_period, marginal rate there; then, unless sees_all, coin, stone,
 *                     wood over 100; and column and row if planner_sees_map too
 */
#ifndef AGORA_GATHER_TRADE_BUILD_H
#define AGORA_GATHER_TRADE_BUILD_H

#include "../taxation/tax.h"

enum {
    GTB_MAX_AGENTS = 100,
    GTB_MAX_SIDE = 64, /* tiles; a row of tiles is a 64-bit word */
    GTB_MAX_VIEW = 15,
    GTB_MAX_PRICES = 32,
    GTB_MAX_HISTORY = 1100, /* agents times prices */
    GTB_MAX_ORDERS = 512,   /* agents times orders of each */
    GTB_MAX_DURATION = 250,
    GTB_MAX_MAPS = 4096,
    GTB_MAX_COUNT = 1 << 28, /* units that one agent can have, trades of an episode: where counters stay */
    GTB_NUMPY_WORDS = 625,   /* of a state of NumPy's legacy generator: its key, and the position in it */
};

enum { GTB_STONE, GTB_WOOD, GTB_RESOURCES };
enum { GTB_BIDS, GTB_ASKS, GTB_SIDES };

/* Tiles of a layout. */
typedef enum GtbTile { GTB_EMPTY, GTB_STONE_SOURCE, GTB_WOOD_SOURCE, GTB_WATER, GTB_NUM_TILES } GtbTile;

/* Planes of GtbState.planes, in the order of the observation. */
typedef enum GtbPlane {
    GTB_STONE_UNITS,
    GTB_WOOD_UNITS,
    GTB_HOUSES,
    GTB_WATERS,
    GTB_STONE_SOURCES,
    GTB_WOOD_SOURCES,
    GTB_PLANES,                /* that are shown as they are */
    GTB_OCCUPIED = GTB_PLANES, /* workers */
    GTB_STATE_PLANES,
} GtbPlane;

typedef enum GtbSkills { GTB_NO_SKILLS, GTB_PARETO_SKILLS, GTB_LOGNORMAL_SKILLS, GTB_NUM_SKILLS } GtbSkills;

typedef enum GtbStarts {
    GTB_RANDOM_STARTS, /* any free tile; payments are drawn */
    GTB_RANKED_STARTS, /* a random worker gets the tile and the payment of each rank */
    GTB_SPLIT_STARTS,  /* a random worker gets the payment of each rank, and any free tile on its side of a row */
    GTB_NUM_STARTS,
} GtbStarts;

typedef struct GtbConfig {
    TaxConfig tax;
    AgoraSpan layout; /* [M, H, W] uint8, a GtbTile each; sources start full; each episode is on one of the M maps */
    int32_t height, width, num_agents;
    int32_t starts;            /* a GtbStarts */
    AgoraSpan ranked_payments; /* [N] double, coin a house, the lowest first; not with GTB_RANDOM_STARTS */
    AgoraSpan ranked_tiles;    /* [N] int32, row W + column, no two alike; GTB_RANKED_STARTS */
    AgoraSpan ranked_tops;     /* [N] uint8, whether a rank starts above split_row, or below; GTB_SPLIT_STARTS */
    int32_t split_row;
    int32_t build_skills, gather_skills; /* a GtbSkills each */
    double payment, max_skill;           /* coin a house at skill 1; the highest skill */
    double build_labor, move_labor, gather_labor, order_labor;
    double starting_coin, regrowth_probability;
    int32_t max_bid_ask, max_orders, order_duration; /* coin; open orders per agent and resource; steps */
    double isoelastic_eta, labor_cost;
    double labor_weight; /* of the labor cost, in [0, 1]; live */
    int32_t objective;   /* a WelfareObjective */
    double equality_weight;
    int32_t view; /* tiles seen to each side */
    uint8_t sees_all, planner_sees_map, shares_wealth;
    AgoraSpan numpy_streams; /* [K, 625] int32, or empty: chance as NumPy's; episode k starts from row k mod K */
    int32_t horizon;
} GtbConfig;

/* A map, for each that there is. */
typedef struct GtbModel {
    int64_t sources[GTB_RESOURCES][GTB_MAX_SIDE];
    int64_t waters[GTB_MAX_SIDE];
} GtbModel;

typedef struct GtbState {
    TaxState tax;
    double coin[GTB_MAX_AGENTS], escrow_coin[GTB_MAX_AGENTS]; /* at hand; in bids */
    double labor[GTB_MAX_AGENTS], utilities[GTB_MAX_AGENTS];
    double payments[GTB_MAX_AGENTS];     /* coin a house */
    double skills[GTB_MAX_AGENTS];       /* as drawn: shown, and without effect with ranked starts */
    double second_units[GTB_MAX_AGENTS]; /* probability of a second unit */
    double history[GTB_RESOURCES][GTB_MAX_HISTORY]; /* [N, P] in front: past sales by price, fading */
    double welfare;
    int64_t planes[GTB_STATE_PLANES][GTB_MAX_SIDE]; /* bit c of word r: tile (r, c) */
    int32_t units[GTB_MAX_AGENTS][GTB_RESOURCES], escrow_units[GTB_MAX_AGENTS][GTB_RESOURCES]; /* at hand; in asks */
    int32_t num_orders[GTB_RESOURCES][GTB_SIDES];
    int32_t timestep, num_trades, num_gathered;
    double trade_volume; /* coin paid in trades */
    int32_t numpy_stream[GTB_NUMPY_WORDS]; /* 0 with the engine's chance */
    uint8_t orders[GTB_RESOURCES][GTB_SIDES][GTB_MAX_ORDERS][4]; /* agent, price, age, 0; the first to be served first */
    uint8_t positions[GTB_MAX_AGENTS][2];                        /* row, column */
    uint8_t owners[GTB_MAX_SIDE * GTB_MAX_SIDE];                 /* [H, W] in front: 0 or the owner of the house, from 1 */
    uint8_t open_orders[GTB_MAX_AGENTS][GTB_RESOURCES];          /* of each agent, bids and asks together */
} GtbState;

extern const AgoraWorld agora_gather_trade_build;

#endif
