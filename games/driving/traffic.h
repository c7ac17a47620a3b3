/* All vehicles of one env while a step simulates them: the state, and what is derived from it and worth keeping from one
 * frame to the next. Lives on the stack of a step.
 */
#ifndef AGORA_DRIVING_TRAFFIC_H
#define AGORA_DRIVING_TRAFFIC_H

#include "road.h"

/* Vehicles and obstacles that stand on a lane, or within a metre beside it, from its start to its end. */
typedef struct Queue {
    int32_t count;
    uint8_t who[DRIVING_MAX_VEHICLES + DRIVING_MAX_OBSTACLES]; /* an obstacle k is DRIVING_MAX_VEHICLES + k */
    double along[DRIVING_MAX_VEHICLES + DRIVING_MAX_OBSTACLES];
} Queue;

/* Between a vehicle's heading and its motion, rad: what the steering does. */
typedef struct Slip {
    double angle, sine;
} Slip;

typedef struct Traffic {
    const DrivingConfig *config;
    const Road *road;
    DrivingState *state;
    double dt;                                 /* of a frame, s */
    double twice_root;                         /* 2 sqrt(comfort acceleration * comfort braking), m/s^2 */
    Place places[DRIVING_MAX_VEHICLES];        /* on the vehicle's own lane */
    Direction directions[DRIVING_MAX_VEHICLES]; /* of its heading */
    double free_accelerations[DRIVING_MAX_VEHICLES]; /* of traffic, with nobody ahead, m/s^2 */
    double accelerations[DRIVING_MAX_VEHICLES];      /* decided, m/s^2 */
    Slip slips[DRIVING_MAX_VEHICLES];                /* decided */
    uint8_t is_alone[DRIVING_MAX_VEHICLES]; /* so near to the middle of its lane that no other lane's queue has it */
    uint8_t order[DRIVING_MAX_VEHICLES]; /* by x, then by index */
    uint8_t ranks[DRIVING_MAX_VEHICLES]; /* in order; while drivers decide, in the own lane's queue */
    uint64_t queued;                     /* bit l: queues[l] is that of the present positions */
    int32_t num_loose;
    uint8_t loose[DRIVING_MAX_VEHICLES]; /* vehicles that are not alone on their lanes */
    uint8_t first_on[DRIVING_MAX_LANES]; /* the vehicles whose lane it is, as a list in the lane's direction; NO_MEMBER ends it */
    uint8_t next_on[DRIVING_MAX_VEHICLES];
    uint64_t changing[2];                /* bit i: vehicle i is not yet on its target lane */
    Queue queues[DRIVING_MAX_LANES];
} Traffic;

enum { NOBODY = -1, NO_MEMBER = 255 };

/* The nearest ahead and behind on a lane, as numbers in a Queue, or NOBODY. */
typedef struct Neighbours {
    int32_t front, rear;
} Neighbours;

/* Everything but the state is written anew. */
void traffic_start(Traffic *traffic, const DrivingConfig *config, const Road *road, DrivingState *state);

/* One frame: decides for every vehicle, in order, so that later ones see the target lanes of earlier ones; then moves all
 * and lets them collide. */
void traffic_advance(Traffic *traffic);

Neighbours traffic_neighbours(Traffic *traffic, int32_t vehicle, int32_t lane);

/* Who is ahead on the vehicle's own lane. */
int32_t traffic_front(Traffic *traffic, int32_t vehicle);

/* Where a vehicle lies now: its lane and its place on it. */
void traffic_locate(Traffic *traffic, int32_t vehicle);

/* Forgets all queues; called when vehicles have moved and neighbours are asked for. */
void traffic_forget_queues(Traffic *traffic);

/* Restores the order by x after vehicles moved, came or went. */
void traffic_sort(Traffic *traffic);

static inline const Lane *lane_of(const Traffic *traffic, int32_t vehicle)
{
    return &traffic->road->lanes[traffic->state->lanes[vehicle]];
}

static inline void note_place(Traffic *traffic, int32_t vehicle, Place place)
{
    const Lane *lane = lane_of(traffic, vehicle);
    traffic->places[vehicle] = place;
    traffic->is_alone[vehicle] = fabs(place.across) + lane_overshoot(lane, place.along) < lane->seclusion;
}

static inline bool is_vehicle(int32_t who) { return who >= 0 && who < DRIVING_MAX_VEHICLES; }

static inline bool is_agent(const DrivingState *state, int32_t vehicle)
{
    return state->kinds[vehicle] >= DRIVING_PILOTED;
}

static inline const double *position_of(const Traffic *traffic, int32_t who)
{
    return is_vehicle(who) ? traffic->state->positions[who] : traffic->road->obstacles[who - DRIVING_MAX_VEHICLES];
}

/* Where somebody lies along a lane. */
static inline double along_lane(const Traffic *traffic, const Lane *lane, int32_t who)
{
    const double *position = position_of(traffic, who);
    return lane_locate(lane, position[0], position[1]).along;
}

static inline void note_target(Traffic *traffic, int32_t vehicle)
{
    uint64_t bit = (uint64_t)1 << vehicle % 64, *word = &traffic->changing[vehicle / 64];
    bool is_changing = traffic->state->lanes[vehicle] != traffic->state->target_lanes[vehicle];
    *word = is_changing && traffic->state->kinds[vehicle] != DRIVING_FREE ? *word | bit : *word & ~bit;
}

#endif
