#include "reward.h"

#include "controller.h"
#include "vehicle.h"

bool reward_has_arrived(const Traffic *traffic, int32_t i)
{
    return traffic->places[i].along >= lane_of(traffic, i)->arrival;
}

/* From [low, high] to [0, 1], and on beyond. */
static double share(double x, double low, double high) { return (x - low) / (high - low); }

static double speed_share(const Traffic *traffic, double speed)
{
    return share(speed, traffic->config->reward_speed_range[0], traffic->config->reward_speed_range[1]);
}

static bool is_on_road(const Traffic *traffic, int32_t i)
{
    return lane_holds(lane_of(traffic, i), traffic->places[i], 0);
}

static int32_t target_id(const Traffic *traffic, int32_t i)
{
    return traffic->road->lanes[traffic->state->target_lanes[i]].id;
}

/* Which of the target speeds a vehicle is at, from 0 to 1. */
static double index_share(const Traffic *traffic, int32_t i)
{
    const DrivingState *state = traffic->state;
    int32_t last = (int32_t)traffic->config->target_speeds.count - 1;
    int32_t index = state->kinds[i] == DRIVING_PILOTED ? state->speed_indices[i]
                                                       : controller_speed_index(traffic->config, state->speeds[i]);
    return last > 0 ? (double)index / last : 0;
}

/* How much slower vehicles on a ramp are than they want to be, summed. */
static double ramp_delay(const Traffic *traffic)
{
    const DrivingState *state = traffic->state;
    double delay = 0;
    for (int32_t i = 0; i < state->num_vehicles; i++)
        if ((lane_of(traffic, i)->flags & DRIVING_RAMP) && state->target_speeds[i] != 0)
            delay += (state->target_speeds[i] - state->speeds[i]) / state->target_speeds[i];
    return delay;
}

static double highway_reward(const Traffic *traffic, int32_t i, double reward)
{
    const DrivingConfig *config = traffic->config;
    int32_t lanes = lane_of(traffic, i)->siblings;
    double forward = traffic->state->speeds[i] * traffic->directions[i].cosine;
    reward += config->right_lane_reward * target_id(traffic, i) / (lanes > 1 ? lanes - 1 : 1);
    reward += config->high_speed_reward * clip(speed_share(traffic, forward), 0, 1);
    if (config->is_normalized)
        reward = share(reward, config->collision_reward, config->high_speed_reward + config->right_lane_reward);
    return is_on_road(traffic, i) ? reward : 0;
}

static double merge_reward(const Traffic *traffic, int32_t i, double reward)
{
    const DrivingConfig *config = traffic->config;
    reward += config->right_lane_reward * lane_of(traffic, i)->id;
    reward += config->high_speed_reward * speed_share(traffic, traffic->state->speeds[i]);
    reward += config->merging_speed_reward * ramp_delay(traffic);
    if (config->is_normalized)
        reward = share(reward, config->collision_reward + config->merging_speed_reward,
                       config->high_speed_reward + config->right_lane_reward);
    return reward;
}

static double crossing_reward(const Traffic *traffic, int32_t i, double reward)
{
    const DrivingConfig *config = traffic->config;
    reward += config->high_speed_reward * clip(speed_share(traffic, traffic->state->speeds[i]), 0, 1);
    reward = reward_has_arrived(traffic, i) ? config->arrived_reward : reward;
    reward = is_on_road(traffic, i) ? reward : 0;
    return config->is_normalized ? share(reward, config->collision_reward, config->arrived_reward) : reward;
}

static double roundabout_reward(const Traffic *traffic, int32_t i, double reward)
{
    const DrivingConfig *config = traffic->config;
    reward += config->high_speed_reward * index_share(traffic, i);
    if (config->is_normalized)
        reward = share(reward, config->collision_reward, config->high_speed_reward);
    return is_on_road(traffic, i) ? reward : 0;
}

static double two_way_reward(const Traffic *traffic, int32_t i, double reward)
{
    const DrivingConfig *config = traffic->config;
    int32_t last = lane_of(traffic, i)->siblings - 1;
    reward += config->high_speed_reward * index_share(traffic, i);
    if (last > 0)
        reward += config->left_lane_reward * (last - target_id(traffic, i)) / last;
    return reward;
}

double reward_of(const Traffic *traffic, int32_t agent, DrivingMove move)
{
    const DrivingConfig *config = traffic->config;
    int32_t i = traffic->state->agent_vehicles[agent];
    double reward = config->collision_reward * traffic->state->crashed[i];
    reward += config->lane_change_reward * (move == DRIVING_LEFT || move == DRIVING_RIGHT);
    switch ((DrivingScene)config->scene) {
    case DRIVING_HIGHWAY: return highway_reward(traffic, i, reward);
    case DRIVING_MERGE: return merge_reward(traffic, i, reward);
    case DRIVING_ROUNDABOUT: return roundabout_reward(traffic, i, reward);
    case DRIVING_TWO_WAY: return two_way_reward(traffic, i, reward);
    case DRIVING_INTERSECTION:
    case DRIVING_OVERTAKING:
    case DRIVING_NUM_SCENES: break;
    }
    return crossing_reward(traffic, i, reward);
}

Risk reward_risk(Traffic *traffic, int32_t i)
{
    const DrivingState *state = traffic->state;
    Risk risk = {DRIVING_MAX_TIME_S, DRIVING_MAX_TIME_S};
    int32_t front = traffic_front(traffic, i);
    if (front == NOBODY)
        return risk;
    double reach = (VEHICLE_LENGTH + (is_vehicle(front) ? VEHICLE_LENGTH : OBSTACLE_SIDE)) / 2;
    double gap = larger_of(along_lane(traffic, lane_of(traffic, i), front) - traffic->places[i].along - reach, 0);
    Direction way = traffic->directions[i];
    double speed = state->speeds[i], closing = speed;
    if (is_vehicle(front)) {
        Direction theirs = traffic->directions[front];
        closing -= state->speeds[front] * (theirs.cosine * way.cosine + theirs.sine * way.sine);
    }
    if (speed > 0)
        risk.time_gap = smaller_of(gap / speed, DRIVING_MAX_TIME_S);
    if (closing > 0)
        risk.time_to_collision = smaller_of(gap / closing, DRIVING_MAX_TIME_S);
    return risk;
}
