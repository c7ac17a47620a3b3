#include "cases.h"

#include "../../econ/gather_trade_build/gather_trade_build.h"
#include "../../econ/one_step/one_step.h"
#include "../../econ/welfare/social.h"
#include "../../games/aloha/aloha.h"
#include "../../games/bits/bits.h"
#include "../../games/commons/commons.h"
#include "../../games/control/control.h"
#include "../../games/door_key/door_key.h"
#include "../../games/driving/driving.h"
#include "../../games/foraging/foraging.h"
#include "../../games/goofspiel/goofspiel.h"
#include "../../games/kuhn_poker/kuhn_poker.h"
#include "../../games/leduc_poker/leduc_poker.h"
#include "../../games/markov/markov.h"
#include "../../games/matrix/matrix.h"
#include "../../games/overcooked/overcooked.h"
#include "../../games/particles/particles.h"
#include "../../games/probe/probe.h"
#include "../../games/pursuit/pursuit.h"
#include "../../games/sandwich/sandwich.h"
#include "../../games/sort/sort.h"
#include "../../games/sweep/sweep.h"
#include "../../games/trash/trash.h"
#include "../../games/trust/trust.h"

#include <math.h>

#define SPAN(array) {.data = array, .count = sizeof array / sizeof array[0]}

/* ---- cards ---- */

static const GoofspielConfig OPEN_BIDS = {.players = 2, .num_cards = 6, .num_turns = 6};
static const GoofspielConfig HIDDEN_BIDS = {.players = 3,
                                            .num_cards = 5,
                                            .num_turns = 3,
                                            .points_order = GOOFSPIEL_DESCENDING,
                                            .returns_type = GOOFSPIEL_POINT_DIFFERENCE,
                                            .imp_info = 1,
                                            .egocentric = 1};
static const KuhnConfig KUHN_FOR_TWO = {.players = 2}, KUHN_FOR_TEN = {.players = KUHN_MAX_PLAYERS};
static const LeducConfig LEDUC_FOR_TWO = {.players = 2};
static const LeducConfig LEDUC_FOR_TEN = {.players = LEDUC_MAX_PLAYERS, .starting_player = 4, .suit_isomorphism = 1};
/* ---- markov ---- */

/* Two players with 2 actions each, three states of which the last is terminal; chance in every row, one-hot states. */
static const int32_t PAIR[] = {2, 2};
static const int32_t ROW_STARTS[] = {0, 2, 5, 7, 9, 11, 12, 14, 17, 17, 17, 17, 17};
static const int32_t SUCCESSORS[] = {0, 1, 0, 1, 2, 0, 1, 1, 2, 0, 1, 1, 0, 1, 0, 1, 2};
static const double PROBABILITIES[] = {0.5,  0.5, 0.25, 0.5, 0.25, 0.9, 0.1, 0.7, 0.3,
                                       0.25, 0.75, 1,   0.5, 0.5,  0.3, 0.6, 0.1};
static const double ROW_REWARDS[] = {1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8, -8, 0, 0, 0, 0, 0, 0, 0, 0};
static const double HALVES[] = {0.5, 0.5, 0};
static const uint8_t LAST_IS_TERMINAL[] = {0, 0, 1};
#define SMALL_GAME                                                                                                     \
    .num_actions = SPAN(PAIR), .row_starts = SPAN(ROW_STARTS), .successors = SPAN(SUCCESSORS),                         \
    .probabilities = SPAN(PROBABILITIES), .initial = SPAN(HALVES), .terminal = SPAN(LAST_IS_TERMINAL)
static const MarkovConfig MARKOV_CONFIG = {SMALL_GAME, .rewards = SPAN(ROW_REWARDS), .continuation = 1, .horizon = 30};

/* The same chances with rewards of outcomes, masks, features of each player's own, and sudden ends. */
static const double OUTCOME_REWARDS[] = {1, 2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
                                         1, -2, -3, -4, -5, -6, -7, -8, -9, 0,  1,  2,  3,  4,  5,  6,  7};
static const uint8_t STATE_LEGAL[] = {1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1};
static const float FEATURES[] = {0, 0.5f, 1, -1, 0.25f, 0.75f, 1, 1, 0, 0, -0.5f, 0.5f};
static const MarkovConfig MARKOV_MASKS_CONFIG = {SMALL_GAME,
                                                 .rewards = SPAN(OUTCOME_REWARDS),
                                                 .legal_actions = SPAN(STATE_LEGAL),
                                                 .features = SPAN(FEATURES),
                                                 .num_features = 2,
                                                 .feature_low = -1,
                                                 .feature_high = 1,
                                                 .continuation = 0.9,
                                                 .horizon = 12};
/* ---- driving ---- */

/* Three lanes of 2 km; traffic that collides with agents only, as in highway_fast. */
static const double HIGHWAY_SHAPES[] = {0, 0, 2000, 0, 0, 0, 0, 0, 4, 2000, 4, 0, 0, 0, 0, 8, 2000, 8, 0, 0, 0};
static const double HIGHWAY_TRAITS[] = {4, 30, HUGE_VAL, 4, 30, HUGE_VAL, 4, 30, 1900};
static const int32_t HIGHWAY_LANES[] = {DRIVING_STRAIGHT, 0, 1, 0, 0, DRIVING_STRAIGHT, 0, 1, 0, 0, DRIVING_STRAIGHT, 0, 1, 0, 0};
static const int32_t FIRST_LANE[] = {0};
static const double THREE_SPEEDS[] = {20, 25, 30};
static const int32_t KINEMATIC_FEATURES[] = {DRIVING_PRESENCE, DRIVING_X, DRIVING_Y, DRIVING_VX, DRIVING_VY};
#define DRIVERS                                                                                                        \
    .ego_spacing = 1.5, .density = 1.5, .simulation_frequency = 5, .policy_frequency = 1, .comfort_acceleration = 3,    \
    .comfort_braking = 5, .max_acceleration = 6, .distance_wanted = 10, .time_wanted = 1.5, .min_gain = 0.2,           \
    .max_imposed_braking = 2, .lane_change_delay = 1, .target_speeds = SPAN(THREE_SPEEDS),                             \
    .acceleration_range = {-5, 5}, .steering_range = {-0.8, 0.8}, .is_clipped = 1, .grid_size = {{-20, 20}, {-10, 10}}, \
    .grid_step = {5, 5}, .reward_speed_range = {20, 30}, .collision_reward = -1, .high_speed_reward = 0.4
static const DrivingConfig HIGHWAY_CONFIG = {.lane_shapes = SPAN(HIGHWAY_SHAPES),
                                             .lane_traits = SPAN(HIGHWAY_TRAITS),
                                             .lane_numbers = SPAN(HIGHWAY_LANES),
                                             .entries = SPAN(FIRST_LANE),
                                             .scene = DRIVING_HIGHWAY,
                                             .num_agents = 2,
                                             .num_others = 18,
                                             .max_vehicles = 20,
                                             .initial_lane = -1,
                                             DRIVERS,
                                             .ends_together = 1,
                                             .horizon = 30,
                                             .actions = DRIVING_META,
                                             .observation = DRIVING_KINEMATICS,
                                             .num_rows = 5,
                                             .features = SPAN(KINEMATIC_FEATURES),
                                             .feature_ranges = {[DRIVING_X] = {-200, 200},
                                                                [DRIVING_VX] = {-80, 80},
                                                                [DRIVING_VY] = {-80, 80}},
                                             .has_lane_range = 1,
                                             .is_team = 1,
                                             .is_normalized = 1,
                                             .right_lane_reward = 0.1};

/* A loop of every kind of lane, with an obstacle; agents steer freely and see grids. */
static const double LOOP_SHAPES[] = {0,  0, 120, 0, 0,   0,    0,   0,   4,  120, 4,      0, 0, 0,
                                     120, 4, 200, 4, 3, 0.07, 0.5, 200, 34, 30,  -1.5708, 1.5708, 1, 0};
static const double LOOP_TRAITS[] = {4, 25, HUGE_VAL, 4, 25, HUGE_VAL, 4, 20, HUGE_VAL, 5, 15, 60};
static const int32_t LOOP_LANES[] = {DRIVING_STRAIGHT, 0, 1, 2, 0, DRIVING_STRAIGHT, 0, 1, 1, 0,
                                     DRIVING_SINE,     1, 2, 3, 4, DRIVING_CIRCULAR, 2, 0, 0, 1};
static const double LOOP_OBSTACLE[] = {150, 12};
static const int32_t LOOP_ENTRIES[] = {1, 2};
static const int32_t GRID_FEATURES[] = {DRIVING_PRESENCE, DRIVING_VX, DRIVING_ON_ROAD};
static const DrivingConfig LOOP_CONFIG = {.lane_shapes = SPAN(LOOP_SHAPES),
                                          .lane_traits = SPAN(LOOP_TRAITS),
                                          .lane_numbers = SPAN(LOOP_LANES),
                                          .obstacles = SPAN(LOOP_OBSTACLE),
                                          .entries = SPAN(LOOP_ENTRIES),
                                          .scene = DRIVING_TWO_WAY,
                                          .num_agents = 3,
                                          .num_others = 6,
                                          .max_vehicles = 9,
                                          .initial_lane = -1,
                                          DRIVERS,
                                          .is_regulated = 1,
                                          .traffic_checks_collisions = 1,
                                          .horizon = 25,
                                          .actions = DRIVING_CONTINUOUS,
                                          .observation = DRIVING_GRID,
                                          .num_rows = 1,
                                          .features = SPAN(GRID_FEATURES),
                                          .feature_ranges = {[DRIVING_VX] = {-80, 80}},
                                          .is_grid_aligned = 1,
                                          .politeness = 0.5,
                                          .left_lane_reward = 0.2};

/* ---- matrix ---- */

static const int32_t TWO_BY_TWO[] = {2, 2};
static const double DILEMMA[] = {3, 0, 5, 1, 3, 5, 0, 1};
static const MatrixConfig DILEMMA_CONFIG = {
    .num_actions = SPAN(TWO_BY_TWO), .payoffs = SPAN(DILEMMA), .horizon = 7, .memory = 1};

/* Five rounds of memory in an episode of seven. */
static const MatrixConfig MEMORY_CONFIG = {
    .num_actions = SPAN(TWO_BY_TWO), .payoffs = SPAN(DILEMMA), .horizon = 7, .memory = 5};

/* Three players with unequal numbers of actions, so three groups; one action of player 2 is forbidden. */
static const int32_t UNEQUAL[] = {2, 1, 3};
static const double UNEQUAL_PAYOFFS[] = {0, 1, 2, 3, 4, 5, 0, -1, -2, -3, -4, -5, 0.5, 0.25, 0.125, 1, 1, 1};
static const uint8_t UNEQUAL_LEGAL[] = {1, 1, 1, 0, 1, 1};
static const MatrixConfig UNEQUAL_CONFIG = {.num_actions = SPAN(UNEQUAL),
                                            .payoffs = SPAN(UNEQUAL_PAYOFFS),
                                            .legal_actions = SPAN(UNEQUAL_LEGAL),
                                            .horizon = 3,
                                            .memory = 1};

/* ---- overcooked ---- */

/* The layout cramped_room: 5 x 4 cells. */
static const uint8_t CRAMPED_ROOM[] = {
    OVERCOOKED_COUNTER, OVERCOOKED_COUNTER, OVERCOOKED_POT,     OVERCOOKED_COUNTER, OVERCOOKED_COUNTER,
    OVERCOOKED_ONIONS,  OVERCOOKED_FLOOR,   OVERCOOKED_FLOOR,   OVERCOOKED_FLOOR,   OVERCOOKED_ONIONS,
    OVERCOOKED_COUNTER, OVERCOOKED_FLOOR,   OVERCOOKED_FLOOR,   OVERCOOKED_FLOOR,   OVERCOOKED_COUNTER,
    OVERCOOKED_COUNTER, OVERCOOKED_DISHES,  OVERCOOKED_COUNTER, OVERCOOKED_SERVE,   OVERCOOKED_COUNTER};
static const uint8_t TWO_COOKS[] = {1, 2, 3, 1}, FACING_NORTH[] = {0, 0}, EMPTY_HANDS[] = {0, 0};
static const uint8_t EMPTY_COUNTERS[20] = {0};
static const int16_t ONE_POT[] = {-1};
#define KITCHEN                                                                                                        \
    .width = 5, .height = 4, .terrain = SPAN(CRAMPED_ROOM), .start_positions = SPAN(TWO_COOKS),                        \
    .start_orientations = SPAN(FACING_NORTH), .start_held = SPAN(EMPTY_HANDS), .start_items = SPAN(EMPTY_COUNTERS),    \
    .start_pot_ticks = SPAN(ONE_POT), .delivery_rewards = {[1] = {10, 10, 10}, [2] = {10, 15}, [3] = {20}},            \
    .cook_times = {{20, 20, 20, 20}, {20, 20, 20, 20}, {20, 20, 20, 20}, {20, 20, 20, 20}}, .placement_reward = 3,     \
    .dish_reward = 3, .soup_reward = 5, .shaped_reward_weight = 1, .num_feature_pots = 2, .horizon = 90
static const OvercookedConfig PICTURES_CONFIG = {KITCHEN, .observation = OVERCOOKED_LOSSLESS};
static const OvercookedConfig CHANCE_CONFIG = {KITCHEN,
                                               .observation = OVERCOOKED_FEATURES,
                                               .has_old_dynamics = 1,
                                               .has_random_positions = 1,
                                               .random_object_probability = 0.6};

/* ---- particles ---- */

static const ParticlesConfig SPREAD_CONFIG = {.scenario = PARTICLES_SPREAD,
                                              .horizon = 25,
                                              .num_agents = 3,
                                              .local_ratio = 0.5,
                                              .moves_before_forces = 1};

/* A crowd of changing size that sees its nearest neighbors only. */
static const int32_t CROWDS[] = {2, 7, 20};
static const ParticlesConfig SPREAD_CROWDS = {.populations = SPAN(CROWDS),
                                              .scenario = PARTICLES_SPREAD,
                                              .horizon = 40,
                                              .num_agents = 20,
                                              .agent_neighbors = 3,
                                              .landmark_neighbors = 5,
                                              .local_ratio = 0.2,
                                              .is_continuous = 1,
                                              .ends_on_success = 1};

static const int32_t PACKS[] = {1, 1, 4, 2, 2, 3};
static const ParticlesConfig TAG_PACKS = {.populations = SPAN(PACKS),
                                          .scenario = PARTICLES_TAG,
                                          .horizon = 60,
                                          .num_agents = 3,
                                          .num_adversaries = 4,
                                          .num_obstacles = 3,
                                          .ends_on_success = 1,
                                          .moves_before_forces = 1};
static const int32_t DECOYS[] = {1, 1, 1, 5};
static const ParticlesConfig ADVERSARY_DECOYS = {.populations = SPAN(DECOYS),
                                                 .scenario = PARTICLES_ADVERSARY,
                                                 .horizon = 25,
                                                 .num_agents = 5,
                                                 .landmark_neighbors = 2,
                                                 .moves_before_forces = 1};
static const ParticlesConfig PUSH_CONFIG = {.scenario = PARTICLES_PUSH, .horizon = 25, .moves_before_forces = 1};
static const ParticlesConfig LISTENER_CONFIG = {
    .scenario = PARTICLES_SPEAKER_LISTENER, .horizon = 25, .is_continuous = 1, .moves_before_forces = 1};
static const ParticlesConfig REFERENCE_CONFIG = {
    .scenario = PARTICLES_REFERENCE, .horizon = 25, .local_ratio = 0.5, .moves_before_forces = 1};
static const ParticlesConfig CRYPTO_CONFIG = {.scenario = PARTICLES_CRYPTO, .horizon = 25, .moves_before_forces = 1};
static const ParticlesConfig WORLD_COMM_CONFIG = {.scenario = PARTICLES_WORLD_COMM,
                                                  .horizon = 25,
                                                  .num_agents = 2,
                                                  .num_adversaries = 4,
                                                  .num_obstacles = 1,
                                                  .num_food = 2,
                                                  .num_forests = 2,
                                                  .moves_before_forces = 1};

static const int32_t SETTLERS[] = {3, 12, 6};
static const ParticlesConfig RESOURCES_SETTLERS = {.populations = SPAN(SETTLERS),
                                                   .scenario = PARTICLES_RESOURCE_OCCUPATION,
                                                   .horizon = 20,
                                                   .num_agents = 12,
                                                   .shares_reward = 1,
                                                   .shows_views = 1};
static const int32_t MARKETS[] = {2, 1, 7, 3, 5, 2};
static const ParticlesConfig TREASURE_MARKETS = {.populations = SPAN(MARKETS),
                                                 .scenario = PARTICLES_TREASURE_COLLECTION,
                                                 .horizon = 40,
                                                 .num_agents = 7,
                                                 .num_adversaries = 3,
                                                 .agent_neighbors = 4,
                                                 .landmark_neighbors = 3,
                                                 .is_continuous = 1};
static const int32_t HERDS[] = {2, 3, 4, 6};
static const ParticlesConfig GRASSLAND_HERDS = {.populations = SPAN(HERDS),
                                                .scenario = PARTICLES_GRASSLAND,
                                                .local_ratio = 0.75,
                                                .horizon = 60,
                                                .num_agents = 6,
                                                .num_adversaries = 4,
                                                .num_food = 4,
                                                .ends_on_success = 1};
static const ParticlesConfig ADVERSARIAL_TEAMS = {
    .scenario = PARTICLES_ADVERSARIAL, .horizon = 60, .num_agents = 8, .num_adversaries = 8, .num_food = 4};
static const ParticlesConfig FOOD_CROWDS = {.populations = SPAN(CROWDS),
                                            .scenario = PARTICLES_FOOD_COLLECTION,
                                            .local_ratio = 1,
                                            .horizon = 25,
                                            .num_agents = 20,
                                            .agent_neighbors = 3};

/* ---- probe ---- */

static const uint8_t MELODY[] = {0, 2, 4, 1, 2};
static const ProbeConfig PROBE_CONFIG = {.melody = SPAN(MELODY),
                                         .quota = 4,
                                         .gust = 0.02,
                                         .values = {0.25f, 0.5f, 1, 0.75f},
                                         .speed = 0.1f,
                                         .radius = 0.2f,
                                         .horizon = 40,
                                         .stock = {3, 2, 1, 2},
                                         .stamina = {5, 60},
                                         .max_mistakes = 20};

/* A long time limit and short lives: every episode ends before the time does. */
static const uint8_t ONE_CALL[] = {3};
static const ProbeConfig PROBE_EXTREMES = {.melody = SPAN(ONE_CALL),
                                           .quota = 1,
                                           .gust = 1,
                                           .values = {1, 1, 0, 0},
                                           .speed = 1,
                                           .radius = 0,
                                           .horizon = INT32_MAX,
                                           .stock = {PROBE_MAX_STOCK, PROBE_MAX_STOCK, 1, PROBE_MAX_STOCK},
                                           .stamina = {1, 3},
                                           .max_mistakes = 1};

/* ---- control ---- */

static const double CARTPOLE_BODIES[] = {1, 0.1, 1, 1, 5e-4, 2e-6, 2, 0.5, 0.3, 1, 1, 0.1, 0, 40};
static const ControlConfig CARTPOLE_CONFIG = {.variants = SPAN(CARTPOLE_BODIES),
                                              .contexts = {0.5, 1, 2},
                                              .num_contexts = 3,
                                              .task = CONTROL_CARTPOLE,
                                              .nominal_masses = {1, 0.1},
                                              .motor = 10,
                                              .timestep = 0.01,
                                              .substeps = 2,
                                              .horizon = 150,
                                              .shows_context = 1,
                                              .context_scales_force = 1};
static const double ACROBOT_BODY[] = {1, 1, 1, 1, 0.05, 0.05, 1};
static const ControlConfig ACROBOT_CONFIG = {.variants = SPAN(ACROBOT_BODY),
                                             .num_contexts = 1,
                                             .task = CONTROL_ACROBOT,
                                             .nominal_masses = {1, 1},
                                             .motor = 2,
                                             .timestep = 0.01,
                                             .substeps = 1,
                                             .horizon = 100,
                                             .inertia_follows_mass = 1};
/* A light body in a storm, which meets walls and sides. */
static const double FEATHER[] = {0.05, 1, 1, 1, 0.2, 0.1, 10};
static const ControlConfig STORM_CONFIG = {.variants = SPAN(FEATHER),
                                           .num_contexts = 1,
                                           .task = CONTROL_POINT_MASS,
                                           .wind = CONTROL_PLANE,
                                           .nominal_masses = {1, 1},
                                           .motor = 1,
                                           .timestep = 0.01,
                                           .substeps = 10,
                                           .horizon = 200};

/* ---- trust ---- */

static const TrustConfig TRUST_CONFIG = {.width = 5,
                                         .height = 5,
                                         .num_plants = 2,
                                         .stag_reward = 5,
                                         .plant_reward = 1,
                                         .mauling_reward = -5,
                                         .follow_probability = 1,
                                         .horizon = 90};
/* As crowded as a grid can be, and every event has its consequence. */
static const TrustConfig TRUST_CROWD = {.width = 4,
                                        .height = 2,
                                        .num_plants = 4,
                                        .stag_reward = 3,
                                        .plant_reward = 0.5,
                                        .mauling_reward = -0.25,
                                        .follow_probability = 0.5,
                                        .runs_after_mauling = 1,
                                        .ends_at_catch = 1,
                                        .horizon = 30,
                                        .observation = TRUST_COORDINATES};

/* ---- commons ---- */

enum { O = COMMONS_FLOOR, W = COMMONS_WALL, B = COMMONS_ORCHARD, R = COMMONS_RIVER, S = COMMONS_STREAM };
static const uint8_t VALLEY[] = {W, W, W, W, W, W, W, W, W, /* 9 x 6 cells */
                                 W, R, R, O, O, O, B, B, W, /**/
                                 W, R, R, O, O, O, B, B, W, /**/
                                 W, S, S, O, O, B, B, B, W, /**/
                                 W, R, R, O, W, O, B, B, W, /**/
                                 W, W, W, W, W, W, W, W, W};
static const uint8_t APPLES_IN_VALLEY[54] = {[15] = COMMONS_APPLE, [16] = COMMONS_APPLE, [24] = COMMONS_APPLE,
                                             [33] = COMMONS_APPLE, [34] = COMMONS_APPLE, [42] = COMMONS_APPLE};
static const uint8_t WASTE_IN_VALLEY[54] = {[10] = COMMONS_WASTE, [20] = COMMONS_WASTE};
static const int32_t VALLEY_SPAWN[] = {12, 13, 21, 22, 30, 31, 39};
static const double REGROWTH[] = {0, 0.05, 0.1, 0.3};
#define VALLEY_CONFIG                                                                                                  \
    .width = 9, .height = 6, .terrain = SPAN(VALLEY), .spawn_cells = SPAN(VALLEY_SPAWN),                               \
    .regrowth_probabilities = SPAN(REGROWTH), .regrowth_distance = 4, .apple_probability = 0.2,                        \
    .waste_probability = 0.3, .depletion_threshold = 0.9, .restoration_threshold = 0.1, .apple_reward = 1,             \
    .fire_reward = -1, .hit_reward = -50, .clean_reward = 0.125, .beam_length = 5, .beam_width = 3,                    \
    .hits_to_timeout = 1, .view_ahead = 4, .view_behind = 1, .view_side = 2, .horizon = 90
static const CommonsConfig HARVEST_CONFIG = {VALLEY_CONFIG, .game = COMMONS_HARVEST, .num_agents = 3,
                                             .start_items = SPAN(APPLES_IN_VALLEY)};
/* As many agents as spawn cells, sent away often. */
static const CommonsConfig CLEANUP_CONFIG = {VALLEY_CONFIG, .game = COMMONS_CLEANUP, .num_agents = 7,
                                             .start_items = SPAN(WASTE_IN_VALLEY), .timeout_steps = 4};

/* ---- coordination ---- */

static const BitsConfig BITS_CONFIG = {
    .num_agents = 5, .band = 2, .flip = 0.1, .zero_share = 0.2, .pays_next = 1, .horizon = 25};
static const BitsConfig BITS_CROWD = {
    .num_agents = BITS_MAX_AGENTS, .band = 21, .flip = 0.3, .zero_share = 0.5, .horizon = 40};
static const uint8_t LINE_OF_FOUR[] = {0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0};
static const AlohaConfig ALOHA_CONFIG = {.neighbours = SPAN(LINE_OF_FOUR), .num_agents = 4, .capacity = 5,
                                         .start_backlog = 1, .arrival = 0.6, .success_reward = 0.1,
                                         .collision_penalty = 10, .horizon = 20};
static const AlohaConfig ALOHA_MASKS = {.neighbours = SPAN(LINE_OF_FOUR), .num_agents = 4,
                                        .capacity = ALOHA_MAX_CAPACITY, .start_backlog = 0, .arrival = 0.3,
                                        .success_reward = 1, .collision_penalty = 0.5, .mask_empty = 1, .horizon = 33};
static const AlohaConfig ALOHA_MEMORY = {.neighbours = SPAN(LINE_OF_FOUR), .num_agents = 4, .capacity = 5,
                                         .start_backlog = 1, .arrival = 0.6, .success_reward = 0.1,
                                         .collision_penalty = 10, .shows_last = 1, .shows_parity = 1, .horizon = 20};

/* ---- pursuit ---- */

static const uint8_t TOWN[] = {0, 0, 0, 0, 0, /* 5 x 4 cells */
                               0, 1, 0, 1, 0, /**/
                               0, 0, 0, 1, 0, /**/
                               1, 0, 0, 0, 0};
static const PursuitConfig PURSUIT_CONFIG = {.x_size = 5,
                                             .y_size = 4,
                                             .walls = SPAN(TOWN),
                                             .num_pursuers = 4,
                                             .num_evaders = 40,
                                             .obs_range = 5,
                                             .surround = 1,
                                             .n_catch = 2,
                                             .tag_reward = 0.01,
                                             .catch_reward = 5,
                                             .urgency_reward = -0.1,
                                             .constraint_window = 0.75,
                                             .horizon = 70};

/* ---- door and key ---- */

static const DoorKeyConfig DOOR_KEY_CONFIG = {.size = 8, .num_agents = 1, .view_size = 7, .horizon = 120,
                                              .time_penalty = 0.9, .shared_reward = 1};
/* As many agents as a small map takes, who see little, and goals at hand. */
static const DoorKeyConfig DOOR_KEY_CROWD = {.size = 7, .num_agents = 3, .view_size = 5, .horizon = 60,
                                             .near_goal = 0.25, .time_penalty = 0.5};

/* ---- trash ---- */

static const TrashConfig TRASH_CONFIG = {.num_agents = 3, .num_small = 5, .num_big = 5, .capacity = 3, .horizon = 128,
                                         .delivery_reward = 1, .split_reward = 0.1, .step_cost = 0.01};
/* A field without a free cell, and as many agents as it takes. */
static const TrashConfig TRASH_CROWD = {.num_agents = TRASH_MAX_AGENTS, .num_small = 30, .num_big = 15, .capacity = 9,
                                        .horizon = 200, .delivery_reward = 0.5, .pick_up_reward = 0.3};

/* ---- foraging ---- */

static const ForagingConfig FORAGING_CONFIG = {.rows = 8,
                                               .columns = 8,
                                               .num_players = 2,
                                               .num_foods = 2,
                                               .min_player_level = 1,
                                               .max_player_level = 2,
                                               .min_food_level = 1,
                                               .sight = 8,
                                               .normalize_reward = 1,
                                               .shows_levels = 1,
                                               .horizon = 50};
/* More food than fits, and levels hidden. */
static const ForagingConfig FORAGING_CROWD = {.rows = 6,
                                              .columns = 7,
                                              .num_players = 9,
                                              .num_foods = 12,
                                              .min_player_level = 2,
                                              .max_player_level = 7,
                                              .min_food_level = 1,
                                              .max_food_level = 30,
                                              .sight = 2,
                                              .penalty = 0.5,
                                              .observation = FORAGING_GRID,
                                              .horizon = 40};
/* ---- one step ---- */

static const double CUTOFFS[] = {0, 9.7, 39.475, 84.2}, LEVELS[] = {0, 0.25, 0.5, 0.75, 1}, SKILLS[] = {1, 1.5, 2, 3};
static const double FIXED_RATES[] = {0.1, 0, 0.5, 1};
static const OneStepConfig ONE_STEP_CONFIG = {.tax = {.cutoffs = SPAN(CUTOFFS),
                                                      .levels = SPAN(LEVELS),
                                                      .model = TAX_LEVELS,
                                                      .period = 2,
                                                      .rate_max = 1},
                                              .skills = SPAN(SKILLS),
                                              .max_skill = 3,
                                              .hours = 100,
                                              .labor_cost = 0.0005,
                                              .labor_exponent = 3.5,
                                              .objective = WELFARE_INVERSE_INCOME_UTILITY,
                                              .equality_weight = 1,
                                              .horizon = 2};
static const OneStepConfig ONE_STEP_PERIODS = {.tax = {.cutoffs = SPAN(CUTOFFS),
                                                       .rates = SPAN(FIXED_RATES),
                                                       .model = TAX_FIXED,
                                                       .period = 5,
                                                       .rate_max = 0.9,
                                                       .is_annealed = 1,
                                                       .annealing_start = -1,
                                                       .annealing_slope = 0.25},
                                               .skills = SPAN(SKILLS),
                                               .max_skill = 3,
                                               .hours = 20,
                                               .utility = ONE_STEP_ISOELASTIC,
                                               .labor_cost = 0.1,
                                               .labor_exponent = 2,
                                               .isoelastic_eta = 0.23,
                                               .objective = WELFARE_EQUALITY_PRODUCTIVITY,
                                               .equality_weight = 0.5,
                                               .horizon = 23};
static const OneStepConfig ONE_STEP_RATES = {.tax = {.cutoffs = SPAN(CUTOFFS),
                                                     .model = TAX_RATES,
                                                     .period = 2,
                                                     .rate_min = 0.05,
                                                     .rate_max = 0.9},
                                             .skills = SPAN(SKILLS),
                                             .max_skill = 3,
                                             .hours = 100,
                                             .labor_cost = 0.01,
                                             .labor_exponent = 2,
                                             .objective = WELFARE_RAWLSIAN,
                                             .equality_weight = 1,
                                             .horizon = 10};

/* ---- gather, trade and build ---- */

/* Sources of stone (1) and wood (2) on both sides of a river (3) with a ford. */
static const uint8_t ISLAND[] = {2, 2, 0, 0, 3, 0, 2, 0, 2, 0, 1, 0, 0, 3, 0, 0, 2, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0,
                                 3, 3, 0, 3, 3, 3, 3, 0, 3, 0, 1, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0};
static const int32_t CORNERS[] = {8, 45, 0, 53};
static const double PAYMENTS[] = {11.3316, 13.2671, 16.4724, 22.2496};
static const GtbConfig GTB_CONFIG = {
    .tax = {.cutoffs = SPAN(CUTOFFS), .levels = SPAN(LEVELS), .model = TAX_LEVELS, .period = 25, .rate_max = 1},
    .layout = SPAN(ISLAND), .height = 6, .width = 9, .num_agents = 4,
    .starts = GTB_RANKED_STARTS, .ranked_payments = SPAN(PAYMENTS), .ranked_tiles = SPAN(CORNERS),
    .build_skills = GTB_PARETO_SKILLS, .gather_skills = GTB_PARETO_SKILLS, .payment = 10, .max_skill = 3,
    .build_labor = 10, .move_labor = 1, .gather_labor = 1, .order_labor = 0.25, .regrowth_probability = 0.05,
    .max_bid_ask = 10, .max_orders = 5, .order_duration = 50,
    .isoelastic_eta = 0.23, .labor_cost = 0.21, .labor_weight = 1,
    .objective = WELFARE_EQUALITY_PRODUCTIVITY, .equality_weight = 1, .view = 2, .horizon = 200};

/* NumPy's chance, all that can be seen, shared wealth, hasty orders, rates as numbers. */
static const int32_t STREAM[GTB_NUMPY_WORDS] = {
    [0] = 1 << 30, [1] = 1234567, [100] = -77777, [200] = 1 << 20, [300] = -5, [400] = 99, [623] = -1, [624] = 624};
static const GtbConfig GTB_CROWD = {
    .tax = {.cutoffs = SPAN(CUTOFFS), .model = TAX_RATES, .period = 7, .rate_max = 0.9},
    .layout = SPAN(ISLAND), .height = 6, .width = 9, .num_agents = 5, .starts = GTB_RANDOM_STARTS,
    .gather_skills = GTB_PARETO_SKILLS, .payment = 4, .max_skill = 1, .build_labor = 2, .gather_labor = 0.5,
    .starting_coin = 6.5, .regrowth_probability = 0.5, .max_bid_ask = 3, .max_orders = 2, .order_duration = 3,
    .isoelastic_eta = 1, .labor_cost = 0.1, .labor_weight = 0.5, .objective = WELFARE_RAWLSIAN, .equality_weight = 1,
    .sees_all = 1, .planner_sees_map = 1, .shares_wealth = 1, .numpy_streams = SPAN(STREAM), .horizon = 40};

/* ---- sweep, sandwich, sort ---- */

static const uint8_t WANTED[] = {1, 0, 1, 1, 0, 0, 1, 0, 1};
static const SweepConfig SWEEP_CONFIG = {.wanted = SPAN(WANTED), .horizon = 60};
static const uint8_t FOOD_SIDES[] = {1, 1, 1, 0, 0, 0, 1, 0}, RECIPE[] = {0, 3, 1, 4, 2};
static const SandwichConfig SANDWICH_CONFIG = {.sides = SPAN(FOOD_SIDES), .recipe = SPAN(RECIPE), .horizon = 60};
static const SortConfig SORT_CONFIG = {.starts = {6, 2, 0}, .horizon = 60};

const Case CASES[] = {
    {"aloha: a line", &agora_aloha, &ALOHA_CONFIG, 0x5e0445cc3af7c78d},
    {"aloha: masks", &agora_aloha, &ALOHA_MASKS, 0xd46cae2a337eeab5},
    {"aloha: memory", &agora_aloha, &ALOHA_MEMORY, 0xe98fdaa3568c676b},
    {"bits: five agents", &agora_bits, &BITS_CONFIG, 0x4a2bebbe5e3424b8},
    {"bits: a crowd, paid before the step", &agora_bits, &BITS_CROWD, 0x2958ffcbc4c77351},
    {"foraging: defaults", &agora_foraging, &FORAGING_CONFIG, 0x880955e0c260ff31},
    {"foraging: a crowd", &agora_foraging, &FORAGING_CROWD, 0xb4adbb6f35bded6e},
    {"pursuit: a town", &agora_pursuit, &PURSUIT_CONFIG, 0xdf2bf576c35c9432},
    {"commons: harvest", &agora_commons, &HARVEST_CONFIG, 0x55b7b8f9bae55f00},
    {"commons: cleanup, time-outs", &agora_commons, &CLEANUP_CONFIG, 0x5ed98cf5fab0c7e6},
    {"control: cartpole, bodies and contexts", &agora_control, &CARTPOLE_CONFIG, 0x9e6d0245f9cb3236},
    {"control: acrobot", &agora_control, &ACROBOT_CONFIG, 0x50d9b633ad5d9361},
    {"control: a point mass in a storm", &agora_control, &STORM_CONFIG, 0x0dee37bca73ee869},
    {"door and key: alone", &agora_door_key, &DOOR_KEY_CONFIG, 0xb7be5638c010fbae},
    {"door and key: a crowd", &agora_door_key, &DOOR_KEY_CROWD, 0x38db6046d25167fd},
    {"driving: highway", &agora_driving, &HIGHWAY_CONFIG, 0x44632f3a0e1cfe48},
    {"driving: loop, free steering, grids", &agora_driving, &LOOP_CONFIG, 0x93a72a7135e9f425},
    {"gather, trade, build: defaults", &agora_gather_trade_build, &GTB_CONFIG, 0x833905f041643a9b},
    {"gather, trade, build: a crowd, NumPy's chance", &agora_gather_trade_build, &GTB_CROWD, 0xfc2da717e519b296},
    {"goofspiel: open bids", &agora_goofspiel, &OPEN_BIDS, 0xfe6ff0f8bac1a814},
    {"goofspiel: hidden bids, few turns", &agora_goofspiel, &HIDDEN_BIDS, 0xcd36eecf36474a95},
    {"kuhn poker: two players", &agora_kuhn_poker, &KUHN_FOR_TWO, 0x27bc184e24d093bb},
    {"kuhn poker: ten players", &agora_kuhn_poker, &KUHN_FOR_TEN, 0xd31001910ad9fc33},
    {"leduc poker: two players", &agora_leduc_poker, &LEDUC_FOR_TWO, 0xb10f3afcebac0858},
    {"leduc poker: ten players", &agora_leduc_poker, &LEDUC_FOR_TEN, 0xe5acbe0c73f99bb7},
    {"markov: chance in every row", &agora_markov, &MARKOV_CONFIG, 0x348ef249117ce6ed},
    {"markov: masks, features, sudden ends", &agora_markov, &MARKOV_MASKS_CONFIG, 0x816acbbd292c2e24},
    {"matrix: prisoner's dilemma", &agora_matrix, &DILEMMA_CONFIG, 0x3fb3edaa526b7c4d},
    {"matrix: five rounds of memory", &agora_matrix, &MEMORY_CONFIG, 0x9dfae6a834e618c4},
    {"matrix: three unequal players", &agora_matrix, &UNEQUAL_CONFIG, 0xf362665e5f6a3104},
    {"one step: a planner's levels", &agora_one_step, &ONE_STEP_CONFIG, 0xbf238309e61df7a9},
    {"one step: periods of fixed rates", &agora_one_step, &ONE_STEP_PERIODS, 0x6454e49c05ee728e},
    {"one step: rates as numbers", &agora_one_step, &ONE_STEP_RATES, 0x12433260369999f3},
    {"overcooked: pictures", &agora_overcooked, &PICTURES_CONFIG, 0x2613b68bba1c21c3},
    {"overcooked: features, chance", &agora_overcooked, &CHANCE_CONFIG, 0x6ffdf70c283130c2},
    {"particles: spread", &agora_particles, &SPREAD_CONFIG, 0x276728f68e2bfcce},
    {"particles: spread, crowds", &agora_particles, &SPREAD_CROWDS, 0x523fd551ec7e0c1b},
    {"particles: tag, packs", &agora_particles, &TAG_PACKS, 0x4e2383d435f982d2},
    {"particles: adversary, decoys", &agora_particles, &ADVERSARY_DECOYS, 0xc4c923787a608747},
    {"particles: push", &agora_particles, &PUSH_CONFIG, 0x74e0066ab5664cba},
    {"particles: speaker and listener", &agora_particles, &LISTENER_CONFIG, 0x0cc4489fb4fa2292},
    {"particles: reference", &agora_particles, &REFERENCE_CONFIG, 0x4f270675f27af061},
    {"particles: crypto", &agora_particles, &CRYPTO_CONFIG, 0xbfdfd2ab80ac0bfb},
    {"particles: world with words", &agora_particles, &WORLD_COMM_CONFIG, 0xba04c16910d23004},
    {"particles: resources, settlers", &agora_particles, &RESOURCES_SETTLERS, 0xd577ed8e29df6556},
    {"particles: treasures, markets", &agora_particles, &TREASURE_MARKETS, 0x421cb82c88906cf2},
    {"particles: grassland, herds", &agora_particles, &GRASSLAND_HERDS, 0x18f4a07d47a56b9f},
    {"particles: adversarial, teams", &agora_particles, &ADVERSARIAL_TEAMS, 0x9d64f134ba281fab},
    {"particles: food, crowds", &agora_particles, &FOOD_CROWDS, 0xb04f829fab233904},
    {"probe: defaults", &agora_probe, &PROBE_CONFIG, 0xf3429a5a86bc1c43},
    {"probe: extremes", &agora_probe, &PROBE_EXTREMES, 0x2d547a6f138d0e20},
    {"sandwich: five of eight foods", &agora_sandwich, &SANDWICH_CONFIG, 0x642089111fa15626},
    {"sort: far from home", &agora_sort, &SORT_CONFIG, 0xcb4b5e07c7a362b0},
    {"sweep: five of nine cubes", &agora_sweep, &SWEEP_CONFIG, 0x0321d56bc22333e9},
    {"trash: defaults", &agora_trash, &TRASH_CONFIG, 0xf6543647c51f9ff9},
    {"trash: a crowd", &agora_trash, &TRASH_CROWD, 0x8a5cf2208eb52679},
    {"trust: defaults", &agora_trust, &TRUST_CONFIG, 0xaa51e349f60c185f},
    {"trust: a crowd", &agora_trust, &TRUST_CROWD, 0x94f7c258bc760fac},
};
const int32_t NUM_CASES = sizeof CASES / sizeof CASES[0];
