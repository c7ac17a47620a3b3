/* Driving: highway-env 1.12.1's vehicles, roads and drivers. Units are metres, seconds and radians; x points along the
 * road, y to its right, angles turn from x to y. README.md beside this file has the rules in full.
 */
#ifndef AGORA_DRIVING_H
#define AGORA_DRIVING_H

#include "game.h"

enum {
    DRIVING_MAX_VEHICLES = 128,
    DRIVING_MAX_AGENTS = 16,
    DRIVING_MAX_LANES = 64,
    DRIVING_MAX_NODES = 64,
    DRIVING_MAX_OBSTACLES = 8,
    DRIVING_MAX_ROUTE = 12,
    DRIVING_MAX_SPEEDS = 16,
    DRIVING_MAX_ROWS = 128,
    DRIVING_MAX_GRID_CELLS = 65536,
};

/* Bounds of what a state may hold; the rules keep to them. */
#define DRIVING_MAX_DISTANCE 1e9 /* from the origin, m, along an axis */
#define DRIVING_MAX_HEADING 1e5  /* rad; larger ones are wrapped */
#define DRIVING_MAX_SPEED 1e3    /* m/s */
#define DRIVING_MAX_TIME_S 100.0 /* of time gaps and times to collision; nobody ahead counts as this */

typedef enum DrivingScene {
    DRIVING_HIGHWAY,
    DRIVING_MERGE,
    DRIVING_INTERSECTION,
    DRIVING_ROUNDABOUT,
    DRIVING_TWO_WAY,
    DRIVING_OVERTAKING,
    DRIVING_NUM_SCENES,
} DrivingScene;

typedef enum DrivingActions {
    DRIVING_META,         /* left, idle, right, faster, slower */
    DRIVING_LONGITUDINAL, /* slower, idle, faster */
    DRIVING_CONTINUOUS,   /* acceleration and steering, each in [-1, 1] */
    DRIVING_NUM_ACTION_KINDS,
} DrivingActions;

typedef enum DrivingMove { DRIVING_LEFT, DRIVING_IDLE, DRIVING_RIGHT, DRIVING_FASTER, DRIVING_SLOWER } DrivingMove;

typedef enum DrivingObservation { DRIVING_KINEMATICS, DRIVING_GRID, DRIVING_NUM_OBSERVATIONS } DrivingObservation;

typedef enum DrivingFeature {
    DRIVING_PRESENCE,
    DRIVING_X,
    DRIVING_Y,
    DRIVING_VX,
    DRIVING_VY,
    DRIVING_HEADING,
    DRIVING_COS_H,
    DRIVING_SIN_H,
    DRIVING_COS_D,
    DRIVING_SIN_D,
    DRIVING_LONG_OFF,
    DRIVING_LAT_OFF,
    DRIVING_ANG_OFF,
    DRIVING_ON_ROAD, /* grids only */
    DRIVING_NUM_FEATURES,
} DrivingFeature;

typedef enum DrivingLaneKind { DRIVING_STRAIGHT, DRIVING_SINE, DRIVING_CIRCULAR, DRIVING_NUM_LANE_KINDS } DrivingLaneKind;

/* Bits of a lane's flags. */
enum {
    DRIVING_FORBIDDEN = 1, /* nobody changes onto it */
    DRIVING_EXIT = 2,      /* traffic is taken off the road near its end */
    DRIVING_RAMP = 4,      /* slow traffic here costs agents the merging reward */
    DRIVING_ALL_FLAGS = 7,
};

/* Columns of the tables that describe lanes, one row a lane, in the order in which the nearest lane is looked for. */
enum {
    LANE_SHAPE_COLUMNS = 7,  /* straight, sine: x0, y0, x1, y1, amplitude, pulsation, phase; circular: centre x, y, radius,
                                start phase, end phase, 1 (clockwise on screen) or -1, 0 */
    LANE_TRAIT_COLUMNS = 3,  /* width, speed limit, arrival: the place along it from which an agent has arrived */
    LANE_NUMBER_COLUMNS = 5, /* kind, from node, to node, priority, flags */
};

typedef struct DrivingConfig {
    /* the road */
    AgoraSpan lane_shapes;  /* f64 [L * LANE_SHAPE_COLUMNS] */
    AgoraSpan lane_traits;  /* f64 [L * LANE_TRAIT_COLUMNS] */
    AgoraSpan lane_numbers; /* i32 [L * LANE_NUMBER_COLUMNS] */
    AgoraSpan obstacles;    /* f64 [K * 2] */
    /* the scene */
    int32_t scene;
    int32_t num_agents, num_others; /* controlled vehicles; traffic at reset */
    int32_t max_vehicles;           /* of both together, at any time */
    int32_t initial_lane;           /* of agents, -1: drawn (highway) */
    double ego_spacing, density;    /* highway */
    double spawn_probability;       /* intersection, per step */
    AgoraSpan destinations;         /* i32 [A]: where agents want to go, a node; -1: drawn (intersection, roundabout) */
    AgoraSpan traffic_exits;        /* i32: nodes where traffic wants to go (intersection: arms 0..3; roundabout: drawn) */
    AgoraSpan entries;              /* i32: lanes on which vehicles appear, in the order that the scene says */
    uint8_t is_regulated;           /* who has not the right of way yields */
    uint8_t traffic_checks_collisions;
    uint8_t ends_together; /* the first crash of an agent, or the arrival of all, ends the episode for all */
    uint8_t has_offroad_end;
    /* time */
    int32_t simulation_frequency, policy_frequency; /* 1/s */
    int32_t horizon;                                /* steps of the policy */
    /* drivers */
    double comfort_acceleration, comfort_braking, max_acceleration; /* m/s^2, all positive */
    double distance_wanted, time_wanted;                            /* m, s */
    double politeness, min_gain, max_imposed_braking, lane_change_delay;
    /* actions */
    int32_t actions;
    AgoraSpan target_speeds; /* f64, rising */
    double acceleration_range[2], steering_range[2];
    /* observation */
    int32_t observation;
    int32_t num_rows;
    AgoraSpan features;                              /* i32 */
    double feature_ranges[DRIVING_NUM_FEATURES][2];  /* both 0: as it is */
    uint8_t has_lane_range;                          /* y by the number of lanes at the agent's start */
    uint8_t is_absolute, sees_behind, is_clipped, sees_intentions, sees_obstacles;
    double grid_size[2][2], grid_step[2];
    uint8_t is_grid_aligned;
    /* rewards */
    uint8_t is_team, is_normalized;
    double collision_reward, right_lane_reward, left_lane_reward, high_speed_reward, lane_change_reward;
    double merging_speed_reward, arrived_reward;
    double reward_speed_range[2];
} DrivingConfig;

typedef enum DrivingKind {
    DRIVING_NOBODY,
    DRIVING_TRAFFIC, /* IDM and MOBIL */
    DRIVING_PILOTED, /* an agent, by meta actions */
    DRIVING_FREE,    /* an agent, by acceleration and steering */
} DrivingKind;

enum { NO_VEHICLE = -1 };

typedef enum DrivingStatus { DRIVING_UNDERWAY, DRIVING_CRASHED, DRIVING_ARRIVED } DrivingStatus;

/* Vehicles stand in the order of the reference's list; what lies beyond num_vehicles is zero. A route is a list of lanes
 * still ahead: a lane's number, or ~r for any lane of road r (the roads in the order of their first lanes). */
typedef struct DrivingState {
    double positions[DRIVING_MAX_VEHICLES][2];
    double headings[DRIVING_MAX_VEHICLES];
    double speeds[DRIVING_MAX_VEHICLES];
    double target_speeds[DRIVING_MAX_VEHICLES];
    double timers[DRIVING_MAX_VEHICLES];     /* s since a change of lane was last thought about */
    double exponents[DRIVING_MAX_VEHICLES];  /* of the speed in the driver model */
    double impacts[DRIVING_MAX_VEHICLES][2]; /* m, applied by the next integration */
    int16_t routes[DRIVING_MAX_VEHICLES][DRIVING_MAX_ROUTE];
    int16_t route_lengths[DRIVING_MAX_VEHICLES]; /* -1: no route */
    uint8_t kinds[DRIVING_MAX_VEHICLES];
    uint8_t lanes[DRIVING_MAX_VEHICLES], target_lanes[DRIVING_MAX_VEHICLES];
    uint8_t crashed[DRIVING_MAX_VEHICLES];
    uint8_t has_impact[DRIVING_MAX_VEHICLES];
    uint8_t changes_lanes[DRIVING_MAX_VEHICLES];
    uint8_t is_yielding[DRIVING_MAX_VEHICLES];
    uint8_t speed_indices[DRIVING_MAX_VEHICLES]; /* of piloted vehicles, into target_speeds */
    /* agents */
    double speed_sums[DRIVING_MAX_AGENTS];
    double min_time_gaps[DRIVING_MAX_AGENTS], min_times_to_collision[DRIVING_MAX_AGENTS]; /* s */
    int16_t agent_vehicles[DRIVING_MAX_AGENTS]; /* NO_VEHICLE: taken off the road */
    uint8_t agent_status[DRIVING_MAX_AGENTS];
    uint8_t view_lanes[DRIVING_MAX_AGENTS]; /* lanes of the road where the agent started */
    uint8_t has_arrived[DRIVING_MAX_AGENTS];
    int32_t steps_underway[DRIVING_MAX_AGENTS]; /* before the agent was out */
    int32_t timestep;         /* of the policy */
    int32_t num_vehicles;
    int32_t regulation_steps; /* of the simulation, since the road was made */
    int32_t padding;
} DrivingState;

extern const AgoraWorld agora_driving;

#endif
