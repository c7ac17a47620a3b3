#include "road.h"

#include <string.h>

/* ---- geometry ---- */

/* The reference adds the start to the angle from it and takes it off again; so its rounding is ours. */
static Place locate_on_circle(const Lane *lane, double angle, double distance)
{
    double turned = lane->start_phase + wrap_angle(angle - lane->start_phase) - lane->start_phase;
    return (Place){lane->turn * turned * lane->radius, lane->turn * (lane->radius - distance)};
}

Place lane_locate_curved(const Lane *lane, double x, double y)
{
    double dx = x - lane->x, dy = y - lane->y;
    if (lane->kind == DRIVING_CIRCULAR)
        return locate_on_circle(lane, arc_tangent_2(dy, dx), sqrt(dx * dx + dy * dy));
    double along = dx * lane->cosine + dy * lane->sine, across = dy * lane->cosine - dx * lane->sine;
    double wave = lane->amplitude * direction_of(lane->pulsation * along + lane->phase).sine;
    return (Place){along, across - wave};
}

double lane_heading_curved(const Lane *lane, double along)
{
    if (lane->kind == DRIVING_CIRCULAR)
        return lane->turn * along / lane->radius + lane->start_phase + DRIVING_PI / 2 * lane->turn;
    double slope = lane->amplitude * lane->pulsation * direction_of(lane->pulsation * along + lane->phase).cosine;
    return lane->heading + arc_tangent(slope);
}

void lane_position(const Lane *lane, Place place, double position[2])
{
    if (lane->kind == DRIVING_CIRCULAR) {
        Direction way = direction_of(lane->turn * place.along / lane->radius + lane->start_phase);
        double distance = lane->radius - place.across * lane->turn;
        position[0] = lane->x + distance * way.cosine;
        position[1] = lane->y + distance * way.sine;
        return;
    }
    double across = place.across;
    if (lane->kind == DRIVING_SINE)
        across += lane->amplitude * direction_of(lane->pulsation * place.along + lane->phase).sine;
    position[0] = lane->x + place.along * lane->cosine - across * lane->sine;
    position[1] = lane->y + place.along * lane->sine + across * lane->cosine;
}

bool lane_is_reachable(const Lane *lane, double x, double y)
{
    if (lane->flags & DRIVING_FORBIDDEN)
        return false;
    Place place = lane_locate(lane, x, y);
    return fabs(place.across) <= 2 * lane->width && place.along >= 0 && place.along < lane->length + 5;
}

/* ---- the nearest lane ---- */

/* What neighbouring lanes of a table share: most lanes lie beside each other, or round one centre. */
typedef struct Sighting {
    double x, y, heading;
    double lane_heading, turn; /* the last straight lane's heading, and the angle to it */
    double centre_x, centre_y, angle, distance;
    bool has_angle;
} Sighting;

static double straight_angle(Sighting *sighting, double lane_angle)
{
    if (lane_angle != sighting->lane_heading) {
        sighting->lane_heading = lane_angle;
        sighting->turn = fabs(wrap_angle(sighting->heading - lane_angle));
    }
    return sighting->turn;
}

static void look_at_centre(Sighting *sighting, const Lane *lane)
{
    if (lane->x == sighting->centre_x && lane->y == sighting->centre_y)
        return;
    double dx = sighting->x - lane->x, dy = sighting->y - lane->y;
    sighting->centre_x = lane->x;
    sighting->centre_y = lane->y;
    sighting->distance = sqrt(dx * dx + dy * dy);
    sighting->has_angle = false;
}

static double angle_at_centre(Sighting *sighting)
{
    if (!sighting->has_angle)
        sighting->angle = arc_tangent_2(sighting->y - sighting->centre_y, sighting->x - sighting->centre_x);
    sighting->has_angle = true;
    return sighting->angle;
}

/* Distance and difference of heading, as far as they are needed: once above `bound`, any number above it will do. */
static double lane_score(const Lane *lane, Sighting *sighting, double bound, Place *place)
{
    if (lane->kind == DRIVING_STRAIGHT) {
        *place = lane_locate(lane, sighting->x, sighting->y);
        double score = fabs(place->across) + lane_overshoot(lane, place->along);
        return score > bound ? score : score + straight_angle(sighting, lane->heading);
    }
    if (lane->kind == DRIVING_CIRCULAR) {
        look_at_centre(sighting, lane);
        double across = fabs(lane->radius - sighting->distance);
        if (across > bound)
            return across;
        *place = locate_on_circle(lane, angle_at_centre(sighting), sighting->distance);
    } else {
        double dx = sighting->x - lane->x, dy = sighting->y - lane->y;
        double least = lane_overshoot(lane, dx * lane->cosine + dy * lane->sine) +
                       fabs(dy * lane->cosine - dx * lane->sine) - fabs(lane->amplitude);
        if (least > bound + 1e-6)
            return least;
        *place = lane_locate_curved(lane, sighting->x, sighting->y);
    }
    double score = fabs(place->across) + lane_overshoot(lane, place->along);
    if (score > bound)
        return score;
    return score + fabs(wrap_angle(sighting->heading - lane_heading_curved(lane, place->along)));
}

int32_t road_closest_lane(const Road *road, double x, double y, double heading, int32_t hint, Place *place)
{
    Sighting sighting = {x, y, heading, INFINITY, 0, INFINITY, INFINITY, 0, 0, false};
    Place hinted;
    double bound = lane_score(&road->lanes[hint], &sighting, INFINITY, &hinted), best = INFINITY;
    int32_t closest = hint;
    *place = hinted;
    for (int32_t l = 0; l < road->num_lanes; l++) {
        Place here = hinted;
        double score = l == hint ? bound : lane_score(&road->lanes[l], &sighting, best < bound ? best : bound, &here);
        if (score < best && score <= bound) {
            best = score;
            closest = l;
            *place = here;
        }
    }
    return closest;
}

/* ---- the network ---- */

/* The lane of the next road for a vehicle that leaves `lane` at `position`, and how far away that lane is. */
static int32_t enter_road(const Road *road, const Lane *lane, int32_t next_road, int32_t wanted, const double *position,
                          double *distance)
{
    int32_t first = road->road_first[next_road], siblings = road->lanes[first].siblings, chosen = first;
    if (siblings == lane->siblings) {
        chosen = wanted >= 0 ? wanted : first + lane->id;
        *distance = lane_distance(&road->lanes[chosen], position[0], position[1]);
        return chosen;
    }
    *distance = INFINITY;
    for (int32_t l = first; l < first + siblings; l++) {
        double here = lane_distance(&road->lanes[l], position[0], position[1]);
        if (here < *distance) {
            *distance = here;
            chosen = l;
        }
    }
    return chosen;
}

static int32_t road_of_entry(const Road *road, int16_t entry)
{
    return entry >= 0 ? road->lanes[entry].road : ~entry;
}

int32_t road_next_lane(const Road *road, int32_t lane_index, double x, double y, int16_t *route, int16_t *route_length)
{
    const Lane *lane = &road->lanes[lane_index];
    if (*route_length > 0 && road_of_entry(road, route[0]) == lane->road) {
        *route_length -= 1;
        memmove(route, route + 1, (size_t)*route_length * sizeof *route);
        route[*route_length] = 0;
    }
    double position[2], distance, nearest = INFINITY;
    lane_position(lane, (Place){lane_locate(lane, x, y).along, 0}, position);
    if (*route_length > 0) {
        int32_t planned = road_of_entry(road, route[0]);
        if (road->lanes[road->road_first[planned]].from == lane->to)
            return enter_road(road, lane, planned, route[0], position, &distance);
    }
    int32_t next = lane_index;
    for (int32_t r = 0; r < road->num_roads; r++) {
        if (road->lanes[road->road_first[r]].from != lane->to)
            continue;
        int32_t entered = enter_road(road, lane, r, -1, position, &distance);
        if (distance < nearest) {
            nearest = distance;
            next = entered;
        }
    }
    return next;
}

static int32_t find_road(const Road *road, int32_t from, int32_t to)
{
    for (int32_t r = 0; r < road->num_roads; r++)
        if (road->lanes[road->road_first[r]].from == from && road->lanes[road->road_first[r]].to == to)
            return r;
    return -1;
}

int16_t road_plan(const Road *road, int32_t lane, int32_t node, int16_t route[DRIVING_MAX_ROUTE])
{
    int16_t length = 0;
    route[length++] = (int16_t)lane;
    int32_t at = road->lanes[lane].to;
    while (length < DRIVING_MAX_ROUTE && road->next_node[at][node] != ROAD_NO_NODE) {
        int32_t next = road->next_node[at][node];
        route[length++] = (int16_t)~find_road(road, at, next);
        at = next;
    }
    return length;
}

static const Lane *route_head(const Road *road, int16_t entry, int32_t id)
{
    if (entry >= 0)
        return &road->lanes[entry];
    const Lane *first = &road->lanes[road->road_first[~entry]];
    return first + (id < first->siblings ? id : 0);
}

double road_follow_route(const Road *road, const int16_t *route, int32_t route_length, int32_t lane, double along,
                         double position[2])
{
    int16_t only = (int16_t)lane;
    if (route_length <= 0) {
        route = &only;
        route_length = 1;
    }
    const Lane *head = route_head(road, route[0], road->lanes[lane].id);
    while (route_length > 1 && along > head->length) {
        along -= head->length;
        route++;
        route_length--;
        head = route_head(road, route[0], road->lanes[lane].id);
    }
    lane_position(head, (Place){along, 0}, position);
    return lane_heading(head, along);
}

/* ---- building ---- */

size_t road_size(const void *config)
{
    (void)config;
    return sizeof(Road);
}

static void shape_straight(Lane *lane, const double *shape)
{
    double dx = shape[2] - shape[0], dy = shape[3] - shape[1];
    lane->x = shape[0];
    lane->y = shape[1];
    lane->length = sqrt(dx * dx + dy * dy);
    lane->cosine = dx / lane->length;
    lane->sine = dy / lane->length;
    lane->heading = arc_tangent_2(dy, dx);
    if (lane->kind == DRIVING_SINE) {
        lane->amplitude = shape[4];
        lane->pulsation = shape[5];
        lane->phase = shape[6];
    }
}

static void shape_circle(Lane *lane, const double *shape)
{
    lane->x = shape[0];
    lane->y = shape[1];
    lane->radius = shape[2];
    lane->start_phase = shape[3];
    lane->turn = shape[5];
    lane->length = shape[2] * (shape[4] - shape[3]) * shape[5];
}

/* A circle's box is that of the whole circle; a straight lane's, that of its four corners. */
static void box_lane(Lane *lane)
{
    double side = lane->width / 2 + 1 + fabs(lane->amplitude);
    if (lane->kind == DRIVING_CIRCULAR) {
        double reach = lane->radius + side;
        lane->box[0] = lane->x - reach;
        lane->box[1] = lane->x + reach;
        lane->box[2] = lane->y - reach;
        lane->box[3] = lane->y + reach;
        return;
    }
    double start[2] = {lane->x - 5 * lane->cosine, lane->y - 5 * lane->sine};
    double end[2] = {lane->x + (lane->length + 5) * lane->cosine, lane->y + (lane->length + 5) * lane->sine};
    double sides[2] = {side * fabs(lane->sine), side * fabs(lane->cosine)};
    for (int32_t k = 0; k < 2; k++) {
        lane->box[2 * k] = (start[k] < end[k] ? start[k] : end[k]) - sides[k] - 1e-6;
        lane->box[2 * k + 1] = (start[k] > end[k] ? start[k] : end[k]) + sides[k] + 1e-6;
    }
}

static void build_lane(const DrivingConfig *config, int32_t l, Lane *lane)
{
    const double *shape = (const double *)config->lane_shapes.data + l * LANE_SHAPE_COLUMNS;
    const double *traits = (const double *)config->lane_traits.data + l * LANE_TRAIT_COLUMNS;
    const int32_t *numbers = (const int32_t *)config->lane_numbers.data + l * LANE_NUMBER_COLUMNS;
    lane->kind = numbers[0];
    lane->from = numbers[1];
    lane->to = numbers[2];
    lane->priority = numbers[3];
    lane->flags = numbers[4];
    lane->width = traits[0];
    lane->speed_limit = traits[1];
    lane->arrival = traits[2];
    if (lane->kind == DRIVING_CIRCULAR)
        shape_circle(lane, shape);
    else
        shape_straight(lane, shape);
    lane_position(lane, (Place){lane->length, 0}, lane->end);
    box_lane(lane);
}

/* Lanes of one road stand together in the table. */
static void group_lanes(Road *road)
{
    for (int32_t l = 0; l < road->num_lanes; l++) {
        Lane *lane = &road->lanes[l], *previous = lane - (l > 0);
        bool is_first = l == 0 || previous->from != lane->from || previous->to != lane->to;
        if (is_first)
            road->road_first[road->num_roads++] = l;
        lane->road = road->num_roads - 1;
        lane->first = road->road_first[lane->road];
        lane->id = l - lane->first;
        for (int32_t s = lane->first; s <= l; s++)
            road->lanes[s].siblings = lane->id + 1;
    }
}

/* Smallest distance between points of two straight lanes; 0 when one of them is curved. */
static double lane_gap(const Lane *a, const Lane *b)
{
    if (a->kind != DRIVING_STRAIGHT || b->kind != DRIVING_STRAIGHT)
        return 0;
    Place ends[2] = {lane_locate(a, b->x, b->y), lane_locate(a, b->end[0], b->end[1])};
    if ((ends[0].across > 0) != (ends[1].across > 0))
        return 0; /* they cross, or would if they were longer */
    double gap = INFINITY;
    for (int32_t k = 0; k < 2; k++) { /* the nearest points of two such lanes include an end of one */
        const Lane *one = k ? b : a, *other = k ? a : b;
        const double points[2][2] = {{other->x, other->y}, {other->end[0], other->end[1]}};
        for (int32_t p = 0; p < 2; p++) {
            Place place = lane_locate(one, points[p][0], points[p][1]);
            double beyond = lane_overshoot(one, place.along);
            gap = smaller_of(gap, sqrt(beyond * beyond + place.across * place.across));
        }
    }
    return gap;
}

static Lane lengthen(const Lane *lane, double distance)
{
    Lane longer = *lane;
    longer.x -= distance * lane->cosine;
    longer.y -= distance * lane->sine;
    longer.length += 2 * distance;
    longer.end[0] += distance * lane->cosine;
    longer.end[1] += distance * lane->sine;
    return longer;
}

/* By the triangle inequality: a point at distance d from a lane is at least gap - d from the other, and a lane's score is
 * no smaller than the distance. */
static void measure_clearances(Road *road)
{
    for (int32_t l = 0; l < road->num_lanes; l++) {
        Lane *lane = &road->lanes[l];
        double gap = INFINITY, seclusion = INFINITY;
        for (int32_t other = 0; other < road->num_lanes; other++) {
            if (other == l)
                continue;
            Lane longer = lengthen(&road->lanes[other], 5); /* a queue begins before its lane and ends beyond it */
            gap = smaller_of(gap, lane_gap(lane, &road->lanes[other]));
            seclusion = smaller_of(seclusion, lane_gap(lane, &longer) - longer.width / 2 - 1);
        }
        lane->clearance = gap / 2 - 1e-6;
        lane->seclusion = seclusion - 1e-6;
    }
}

/* Fewest roads; of equally short ways the one whose nodes come first. */
static void find_ways(Road *road)
{
    memset(road->next_node, ROAD_NO_NODE, sizeof road->next_node);
    for (int32_t goal = 0; goal < road->num_nodes; goal++) {
        uint8_t distance[DRIVING_MAX_NODES];
        memset(distance, ROAD_NO_NODE, sizeof distance);
        distance[goal] = 0;
        for (int32_t hops = 1; hops < road->num_nodes; hops++)
            for (int32_t r = 0; r < road->num_roads; r++) {
                const Lane *lane = &road->lanes[road->road_first[r]];
                if (distance[lane->to] != hops - 1 || distance[lane->from] < hops)
                    continue;
                distance[lane->from] = (uint8_t)hops;
                if (lane->to < road->next_node[lane->from][goal])
                    road->next_node[lane->from][goal] = (uint8_t)lane->to;
            }
    }
}

void road_build(const void *config_bytes, void *road_bytes)
{
    const DrivingConfig *config = config_bytes;
    Road *road = road_bytes;
    road->num_lanes = (int32_t)(config->lane_numbers.count / LANE_NUMBER_COLUMNS);
    for (int32_t l = 0; l < road->num_lanes; l++) {
        build_lane(config, l, &road->lanes[l]);
        int32_t last = road->lanes[l].from > road->lanes[l].to ? road->lanes[l].from : road->lanes[l].to;
        if (last >= road->num_nodes)
            road->num_nodes = last + 1;
    }
    group_lanes(road);
    measure_clearances(road);
    find_ways(road);
    road->num_obstacles = (int32_t)(config->obstacles.count / 2);
    for (int32_t k = 0; k < 2 * road->num_obstacles; k++)
        road->obstacles[k / 2][k % 2] = ((const double *)config->obstacles.data)[k];
}
