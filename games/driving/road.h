/* Lanes, how they hang together, and where a place lies on them. Built once from the config's tables. */
#ifndef AGORA_DRIVING_ROAD_H
#define AGORA_DRIVING_ROAD_H

#include "driving.h"
#include "elementary.h"

typedef struct Lane {
    int32_t kind;
    int32_t road;           /* all lanes with the same two nodes */
    int32_t first, siblings; /* lane 0 of its road, and how many there are */
    int32_t id;             /* among its siblings, from the left */
    int32_t from, to;
    int32_t priority, flags;
    double width, speed_limit, arrival, length;
    double x, y; /* start; of a circle, the centre */
    double heading, cosine, sine; /* of the straight line from start to end */
    double amplitude, pulsation, phase;
    double radius, start_phase, turn; /* turn: 1 or -1 */
    double end[2];
    double clearance; /* a vehicle whose distance and angle to this lane are smaller is nearest to it, m */
    double seclusion; /* one whose distance is smaller is in no other lane's queue, m */
    double box[4]; /* everything within a metre of the lane and five beyond its ends: low x, high x, low y, high y */
} Lane;

typedef struct Road {
    int32_t num_lanes, num_roads, num_nodes, num_obstacles;
    int32_t road_first[DRIVING_MAX_LANES]; /* lane 0 of each road */
    double max_distance;                   /* no lane reaches further from the origin, m */
    uint8_t next_node[DRIVING_MAX_NODES][DRIVING_MAX_NODES]; /* on the shortest way; 255: none */
    double obstacles[DRIVING_MAX_OBSTACLES][2];
    Lane lanes[DRIVING_MAX_LANES];
} Road;

enum { ROAD_NO_NODE = 255 };

/* Where a place lies on a lane, m: along its curve, and across it to the right. */
typedef struct Place {
    double along, across;
} Place;

size_t road_size(const void *config);
void road_build(const void *config, void *road);

Place lane_locate_curved(const Lane *lane, double x, double y);

static inline Place lane_locate(const Lane *lane, double x, double y)
{
    if (lane->kind != DRIVING_STRAIGHT)
        return lane_locate_curved(lane, x, y);
    double dx = x - lane->x, dy = y - lane->y;
    return (Place){dx * lane->cosine + dy * lane->sine, dy * lane->cosine - dx * lane->sine};
}

double lane_heading_curved(const Lane *lane, double along);

static inline double lane_heading(const Lane *lane, double along)
{
    return lane->kind == DRIVING_STRAIGHT ? lane->heading : lane_heading_curved(lane, along);
}

/* The inverse of lane_locate. */
void lane_position(const Lane *lane, Place place, double position[2]);

static inline bool lane_holds(const Lane *lane, Place place, double margin)
{
    return fabs(place.across) <= lane->width / 2 + margin && place.along >= -5 && place.along < lane->length + 5;
}

static inline double lane_overshoot(const Lane *lane, double along)
{
    return along > lane->length ? along - lane->length : along < 0 ? -along : 0;
}

static inline double lane_distance(const Lane *lane, double x, double y)
{
    Place place = lane_locate(lane, x, y);
    return fabs(place.across) + lane_overshoot(lane, place.along);
}

bool lane_is_reachable(const Lane *lane, double x, double y);

/* The lane with the smallest distance plus difference of heading, the first of equals. `hint`: a lane that it may well be.
 * Writes where the vehicle lies on it. */
int32_t road_closest_lane(const Road *road, double x, double y, double heading, int32_t hint, Place *place);

/* The lane to follow after the end of `lane` for a vehicle at (x, y), which drops what its route has behind it. */
int32_t road_next_lane(const Road *road, int32_t lane, double x, double y, int16_t *route, int16_t *route_length);

/* Writes the shortest route from a lane to a node. Returns its length. */
int16_t road_plan(const Road *road, int32_t lane, int32_t node, int16_t route[DRIVING_MAX_ROUTE]);

/* Where a vehicle on `lane` will be after `along` metres of its route, and its heading there. */
double road_follow_route(const Road *road, const int16_t *route, int32_t route_length, int32_t lane, double along,
                         double position[2]);

#endif
