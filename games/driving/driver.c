#include "driver.h"

#include "controller.h"

/* A vehicle's speed in terms of the speed it wants; what stands for 0 here vanishes beside 1. */
static double speed_share(const Traffic *traffic, int32_t i)
{
    const DrivingState *state = traffic->state;
    double wanted = clip(state->target_speeds[i], 0, lane_of(traffic, i)->speed_limit);
    return larger_of(state->speeds[i] / not_zero(wanted), 1e-30);
}

/* With nobody ahead, m/s^2; `exponent` is the deciding driver's. */
static double free_acceleration(const Traffic *traffic, int32_t i, double exponent)
{
    return traffic->config->comfort_acceleration * (1 - power(speed_share(traffic, i), exponent));
}

void driver_find_free_accelerations(Traffic *traffic)
{
    double shares[DRIVING_MAX_VEHICLES], comfort = traffic->config->comfort_acceleration;
    double *restrict found = traffic->free_accelerations;
    const double *exponents = traffic->state->exponents;
    int32_t count = traffic->state->num_vehicles;
    for (int32_t i = 0; i < count; i++)
        shares[i] = speed_share(traffic, i);
    for (int32_t i = 0; i < count; i++)
        found[i] = comfort * (1 - power(shares[i], exponents[i]));
}

/* The gap that a vehicle wants to somebody ahead, m. */
static double desired_gap(const Traffic *traffic, int32_t i, int32_t front)
{
    const DrivingConfig *config = traffic->config;
    const DrivingState *state = traffic->state;
    Direction way = traffic->directions[i];
    double speed = state->speeds[i], vx = speed * way.cosine, vy = speed * way.sine;
    if (is_vehicle(front)) {
        vx -= state->speeds[front] * traffic->directions[front].cosine;
        vy -= state->speeds[front] * traffic->directions[front].sine;
    }
    double closing = vx * way.cosine + vy * way.sine;
    return config->distance_wanted + speed * config->time_wanted + speed * closing / traffic->twice_root;
}

/* What somebody ahead takes from a vehicle's acceleration, m/s^2. */
static double interaction(const Traffic *traffic, int32_t i, int32_t front)
{
    if (front == NOBODY)
        return 0;
    double gap = along_lane(traffic, lane_of(traffic, i), front) - traffic->places[i].along;
    double ratio = desired_gap(traffic, i, front) / not_zero(gap);
    return traffic->config->comfort_acceleration * (ratio * ratio);
}

/* What `i` thinks that `follower` would do behind `front`; nobody and obstacles do nothing. */
static double imagine(const Traffic *traffic, int32_t i, int32_t follower, int32_t front)
{
    if (!is_vehicle(follower))
        return 0;
    return free_acceleration(traffic, follower, traffic->state->exponents[i]) -
           interaction(traffic, follower, front);
}

static int32_t sign(int32_t x) { return (x > 0) - (x < 0); }

static bool is_change_wanted(Traffic *traffic, int32_t i, int32_t lane)
{
    const DrivingConfig *config = traffic->config;
    const DrivingState *state = traffic->state;
    const Road *road = traffic->road;
    Neighbours new = traffic_neighbours(traffic, i, lane);
    double follower_after = imagine(traffic, i, new.rear, i);
    if (follower_after < -config->max_imposed_braking)
        return false;
    Neighbours old = traffic_neighbours(traffic, i, state->lanes[i]);
    double after = traffic->free_accelerations[i] - interaction(traffic, i, new.front);
    if (state->route_lengths[i] > 0 && state->routes[i][0] >= 0) {
        int32_t target = road->lanes[state->target_lanes[i]].id;
        bool is_towards = sign(road->lanes[lane].id - target) == sign(road->lanes[state->routes[i][0]].id - target);
        return is_towards && after >= -config->max_imposed_braking;
    }
    double gain = after - (traffic->free_accelerations[i] - interaction(traffic, i, old.front));
    if (config->politeness != 0)
        gain += config->politeness * (follower_after - imagine(traffic, i, new.rear, new.front) +
                                      imagine(traffic, i, old.rear, old.front) - imagine(traffic, i, old.rear, i));
    return gain >= config->min_gain;
}

/* Whether somebody else, not far ahead, is on its way to the same lane. */
static bool is_beaten(const Traffic *traffic, int32_t i)
{
    const DrivingState *state = traffic->state;
    int32_t target = state->target_lanes[i];
    for (int32_t word = 0; word < 2; word++)
        for (uint64_t bits = traffic->changing[word]; bits; bits &= bits - 1) {
            int32_t other = 64 * word + __builtin_ctzll(bits);
            if (other == i || state->target_lanes[other] != target)
                continue;
            double gap = along_lane(traffic, lane_of(traffic, i), other) - traffic->places[i].along;
            if (gap > 0 && gap < desired_gap(traffic, i, other))
                return true;
        }
    return false;
}

static void consider_lanes(Traffic *traffic, int32_t i)
{
    DrivingState *state = traffic->state;
    const Lane *lane = lane_of(traffic, i);
    if (state->lanes[i] != state->target_lanes[i]) {
        bool is_same_road = lane->road == traffic->road->lanes[state->target_lanes[i]].road;
        if (is_same_road && is_beaten(traffic, i)) {
            state->target_lanes[i] = state->lanes[i];
            note_target(traffic, i);
        }
        return;
    }
    if (!(traffic->config->lane_change_delay < state->timers[i]))
        return;
    state->timers[i] = 0;
    for (int32_t side = -1; side <= 1; side += 2) { /* the last one found good is taken */
        int32_t id = lane->id + side, candidate = lane->first + id;
        if (id < 0 || id >= lane->siblings || fabs(state->speeds[i]) < 1 ||
            !lane_is_reachable(&traffic->road->lanes[candidate], state->positions[i][0], state->positions[i][1]))
            continue;
        if (is_change_wanted(traffic, i, candidate))
            state->target_lanes[i] = (uint8_t)candidate;
    }
    note_target(traffic, i);
}

void driver_act(Traffic *traffic, int32_t i)
{
    DrivingState *state = traffic->state;
    if (state->crashed[i])
        return;
    controller_follow_road(traffic, i);
    if (state->changes_lanes[i])
        consider_lanes(traffic, i);
    traffic->slips[i] = controller_steer(traffic, i);
    double brake = interaction(traffic, i, traffic_front(traffic, i));
    if (state->lanes[i] != state->target_lanes[i])
        brake = larger_of(brake, interaction(traffic, i, traffic_neighbours(traffic, i, state->target_lanes[i]).front));
    double limit = traffic->config->max_acceleration;
    traffic->accelerations[i] = clip(traffic->free_accelerations[i] - brake, -limit, limit);
}
