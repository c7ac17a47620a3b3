#include "validity.h"

#include "observation.h"
#include "road.h"

#include <string.h>

static bool is_within(double x, double low, double high) { return x >= low && x <= high; }

/* ---- roads ---- */

static bool check_shape(int32_t l, int32_t kind, const double *shape, AgoraError *error)
{
    for (int32_t k = 0; k < LANE_SHAPE_COLUMNS; k++)
        if (!is_within(shape[k], -1e6, 1e6))
            return agora_fail(error, "lane %d: number %d of its shape must be in [-1e6, 1e6], got %g", l, k, shape[k]);
    if (kind == DRIVING_CIRCULAR) {
        double turn = shape[5], angle = (shape[4] - shape[3]) * turn;
        if (!(shape[2] >= 1) || fabs(turn) != 1 || !is_within(angle, 1e-3, 2 * DRIVING_PI) || fabs(shape[3]) > 100)
            return agora_fail(error, "lane %d: a circular lane needs a radius of at least 1 m and an arc of up to 360 "
                                     "degrees in the direction it turns, got radius %g, phases %g to %g, turn %g",
                              l, shape[2], shape[3], shape[4], turn);
        return true;
    }
    double dx = shape[2] - shape[0], dy = shape[3] - shape[1];
    if (!(dx * dx + dy * dy >= 1))
        return agora_fail(error, "lane %d: a lane must be at least 1 m long, got one from (%g, %g) to (%g, %g)", l,
                          shape[0], shape[1], shape[2], shape[3]);
    if (kind == DRIVING_SINE && (fabs(shape[4]) > 1000 || fabs(shape[5]) > 10 || fabs(shape[6]) > 1000))
        return agora_fail(error, "lane %d: amplitude, pulsation and phase must be at most 1000, 10 and 1000, got %g, %g "
                                 "and %g", l, shape[4], shape[5], shape[6]);
    return true;
}

static bool check_lane(const DrivingConfig *config, int32_t l, AgoraError *error)
{
    const double *traits = (const double *)config->lane_traits.data + l * LANE_TRAIT_COLUMNS;
    const int32_t *numbers = (const int32_t *)config->lane_numbers.data + l * LANE_NUMBER_COLUMNS;
    if (numbers[0] < 0 || numbers[0] >= DRIVING_NUM_LANE_KINDS)
        return agora_fail(error, "lane %d: unknown kind %d", l, numbers[0]);
    for (int32_t k = 1; k <= 2; k++)
        if (numbers[k] < 0 || numbers[k] >= DRIVING_MAX_NODES)
            return agora_fail(error, "lane %d: nodes must be in [0, %d), got %d", l, DRIVING_MAX_NODES, numbers[k]);
    if (numbers[1] == numbers[2])
        return agora_fail(error, "lane %d: it must lead from one node to another, got node %d twice", l, numbers[1]);
    if (numbers[4] & ~DRIVING_ALL_FLAGS)
        return agora_fail(error, "lane %d: unknown flags %d", l, numbers[4]);
    if (!is_within(traits[0], 0.1, 100) || !is_within(traits[1], 0, DRIVING_MAX_SPEED) || traits[2] != traits[2])
        return agora_fail(error, "lane %d: width must be in [0.1, 100] m and speed limit in [0, 1000] m/s, got %g and %g",
                          l, traits[0], traits[1]);
    return check_shape(l, numbers[0], (const double *)config->lane_shapes.data + l * LANE_SHAPE_COLUMNS, error);
}

/* Whether another road with the same nodes stood before this one in the table. */
static bool is_scattered(const int32_t *numbers, int32_t l)
{
    const int32_t *lane = numbers + l * LANE_NUMBER_COLUMNS, *previous = lane - LANE_NUMBER_COLUMNS;
    if (l == 0 || (previous[1] == lane[1] && previous[2] == lane[2]))
        return false;
    for (int32_t k = 0; k < l; k++)
        if (numbers[k * LANE_NUMBER_COLUMNS + 1] == lane[1] && numbers[k * LANE_NUMBER_COLUMNS + 2] == lane[2])
            return true;
    return false;
}

static bool check_road(const DrivingConfig *config, AgoraError *error)
{
    int64_t lanes = config->lane_numbers.count / LANE_NUMBER_COLUMNS;
    if (lanes < 1 || lanes > DRIVING_MAX_LANES || config->lane_numbers.count != lanes * LANE_NUMBER_COLUMNS ||
        config->lane_shapes.count != lanes * LANE_SHAPE_COLUMNS ||
        config->lane_traits.count != lanes * LANE_TRAIT_COLUMNS)
        return agora_fail(error, "a road network has 1 to %d lanes, with a row in each table; got %lld numbers, %lld "
                                 "shapes and %lld traits", DRIVING_MAX_LANES, (long long)config->lane_numbers.count,
                          (long long)config->lane_shapes.count, (long long)config->lane_traits.count);
    for (int32_t l = 0; l < lanes; l++) {
        if (!check_lane(config, l, error))
            return false;
        if (is_scattered(config->lane_numbers.data, l))
            return agora_fail(error, "lane %d: lanes of one road must stand together in the table", l);
    }
    if (config->obstacles.count % 2 != 0 || config->obstacles.count > 2 * DRIVING_MAX_OBSTACLES)
        return agora_fail(error, "obstacles must be at most %d pairs of x and y, got %lld numbers",
                          DRIVING_MAX_OBSTACLES, (long long)config->obstacles.count);
    for (int64_t k = 0; k < config->obstacles.count; k++)
        if (!is_within(((const double *)config->obstacles.data)[k], -1e6, 1e6))
            return agora_fail(error, "obstacles must lie within 1e6 m of the origin");
    return true;
}

/* ---- scenes ---- */

static int32_t count_lanes_of_road(const DrivingConfig *config, int32_t l)
{
    const int32_t *numbers = config->lane_numbers.data;
    int32_t lanes = (int32_t)(config->lane_numbers.count / LANE_NUMBER_COLUMNS), count = 0;
    for (int32_t k = l; k < lanes; k++)
        count += numbers[k * LANE_NUMBER_COLUMNS + 1] == numbers[l * LANE_NUMBER_COLUMNS + 1] &&
                 numbers[k * LANE_NUMBER_COLUMNS + 2] == numbers[l * LANE_NUMBER_COLUMNS + 2];
    return count;
}

static bool is_list_within(AgoraSpan span, int32_t low, int32_t high)
{
    for (int64_t k = 0; k < span.count; k++)
        if (((const int32_t *)span.data)[k] < low || ((const int32_t *)span.data)[k] >= high)
            return false;
    return true;
}

/* What a scene needs: entries, lanes beside an entry, exits, and how many agents it has room for. */
typedef struct Needs {
    int32_t entries, wide_entry, lanes, exits, max_agents;
} Needs;

static const Needs NEEDS[DRIVING_NUM_SCENES] = {
    [DRIVING_HIGHWAY] = {1, 0, 1, 0, DRIVING_MAX_AGENTS},
    [DRIVING_MERGE] = {2, 0, 2, 0, 5},
    [DRIVING_INTERSECTION] = {4, 0, 1, 4, DRIVING_MAX_AGENTS},
    [DRIVING_ROUNDABOUT] = {3, 1, 2, 1, 5},
    [DRIVING_TWO_WAY] = {2, 0, 1, 0, DRIVING_MAX_AGENTS},
    [DRIVING_OVERTAKING] = {2, 0, 1, 0, 2},
};

static bool check_scene(const DrivingConfig *config, AgoraError *error)
{
    if (config->scene < 0 || config->scene >= DRIVING_NUM_SCENES)
        return agora_fail(error, "unknown scene %d", config->scene);
    Needs needs = NEEDS[config->scene];
    int32_t lanes = (int32_t)(config->lane_numbers.count / LANE_NUMBER_COLUMNS);
    if (config->num_agents < 1 || config->num_agents > needs.max_agents)
        return agora_fail(error, "controlled_vehicles of this scene must be in [1, %d], got %d", needs.max_agents,
                          config->num_agents);
    if (config->num_others < 0 || config->max_vehicles > DRIVING_MAX_VEHICLES ||
        (int64_t)config->num_agents + config->num_others > config->max_vehicles)
        return agora_fail(error, "controlled vehicles and traffic together must be at most %d, got %d and %d",
                          DRIVING_MAX_VEHICLES, config->num_agents, config->num_others);
    if (config->max_vehicles < 5)
        return agora_fail(error, "max_vehicles must be at least 5, got %d", config->max_vehicles);
    if (config->entries.count != needs.entries || !is_list_within(config->entries, 0, lanes))
        return agora_fail(error, "this scene needs %d entries, all of them lanes", needs.entries);
    int32_t wide = ((const int32_t *)config->entries.data)[needs.wide_entry], beside = count_lanes_of_road(config, wide);
    if (beside < needs.lanes || config->initial_lane < -1 || config->initial_lane >= beside)
        return agora_fail(error, "the entry's road needs %d lanes and the initial lane among them, got %d and lane %d",
                          needs.lanes, beside, config->initial_lane);
    if (config->traffic_exits.count < needs.exits || config->traffic_exits.count > DRIVING_MAX_NODES ||
        !is_list_within(config->traffic_exits, 0, DRIVING_MAX_NODES) ||
        !is_list_within(config->destinations, -1, DRIVING_MAX_NODES))
        return agora_fail(error, "this scene needs %d exits for its traffic, and destinations must be nodes",
                          needs.exits);
    if (!is_within(config->ego_spacing, 0.01, 1000) || !is_within(config->density, 0.001, 1000) ||
        !is_within(config->spawn_probability, 0, 1))
        return agora_fail(error, "spacing, density or spawn probability out of range: %g, %g, %g", config->ego_spacing,
                          config->density, config->spawn_probability);
    return true;
}

/* ---- the rest of the config ---- */

static bool check_drivers(const DrivingConfig *config, AgoraError *error)
{
    int32_t fast = config->simulation_frequency, slow = config->policy_frequency;
    if (fast < 2 || fast > 1000 || slow < 1 || slow > fast || config->horizon < 1)
        return agora_fail(error, "frequencies must be 1 <= policy <= simulation <= 1000, the latter at least 2, and horizon "
                                 "at least 1; got %d, %d and %d", slow, fast, config->horizon);
    const double positive[] = {config->comfort_acceleration, config->comfort_braking, config->max_acceleration};
    for (int32_t k = 0; k < 3; k++)
        if (!is_within(positive[k], 0.01, 100))
            return agora_fail(error, "accelerations of drivers must be in [0.01, 100] m/s^2, got %g", positive[k]);
    const double any[] = {config->distance_wanted, config->time_wanted,          config->politeness,
                          config->min_gain,        config->max_imposed_braking, config->lane_change_delay};
    for (int32_t k = 0; k < 6; k++)
        if (!is_within(any[k], 0, 1000))
            return agora_fail(error, "parameters of drivers must be in [0, 1000], got %g", any[k]);
    return true;
}

static bool check_actions(const DrivingConfig *config, AgoraError *error)
{
    const double *speeds = config->target_speeds.data;
    int64_t count = config->target_speeds.count;
    if (config->actions < 0 || config->actions >= DRIVING_NUM_ACTION_KINDS)
        return agora_fail(error, "unknown kind of actions %d", config->actions);
    if (count < 1 || count > DRIVING_MAX_SPEEDS)
        return agora_fail(error, "target_speeds must be 1 to %d numbers, got %lld", DRIVING_MAX_SPEEDS, (long long)count);
    for (int64_t k = 0; k < count; k++)
        if (!is_within(speeds[k], 0, 100) || (k > 0 && !(speeds[k] > speeds[k - 1])))
            return agora_fail(error, "target_speeds must rise and be in [0, 100] m/s, got %g as number %lld", speeds[k],
                              (long long)k);
    if (!is_within(config->acceleration_range[0], -100, 100) || !is_within(config->acceleration_range[1], -100, 100) ||
        !is_within(config->steering_range[0], -1.5, 1.5) || !is_within(config->steering_range[1], -1.5, 1.5))
        return agora_fail(error, "accelerations must be in [-100, 100] m/s^2 and steering angles in [-1.5, 1.5]");
    return true;
}

static bool check_grid(const DrivingConfig *config, AgoraError *error)
{
    double cells = 1;
    for (int32_t k = 0; k < 2; k++) {
        double low = config->grid_size[k][0], high = config->grid_size[k][1], step = config->grid_step[k];
        if (!is_within(low, -1e4, 1e4) || !is_within(high, low, 1e4) || !is_within(step, 0.1, high - low))
            return agora_fail(error, "a grid reaches from low to high by steps of at least 0.1 m, got %g to %g by %g",
                              low, high, step);
        cells *= floor((high - low) / step);
    }
    if (!(cells * (double)config->features.count <= DRIVING_MAX_GRID_CELLS))
        return agora_fail(error, "a grid has at most %d numbers", DRIVING_MAX_GRID_CELLS);
    return true;
}

static bool check_observation(const DrivingConfig *config, AgoraError *error)
{
    bool is_grid = config->observation == DRIVING_GRID;
    if (config->observation < 0 || config->observation >= DRIVING_NUM_OBSERVATIONS)
        return agora_fail(error, "unknown observation %d", config->observation);
    if (config->num_rows < 1 || config->num_rows > DRIVING_MAX_ROWS)
        return agora_fail(error, "observed_vehicles must be in [1, %d], got %d", DRIVING_MAX_ROWS, config->num_rows);
    if (config->features.count < 1 || config->features.count > DRIVING_NUM_FEATURES ||
        !is_list_within(config->features, 0, is_grid ? DRIVING_NUM_FEATURES : DRIVING_ON_ROAD))
        return agora_fail(error, "features must be 1 to %d known ones, on_road in grids only", DRIVING_NUM_FEATURES);
    if (is_grid && config->has_lane_range)
        return agora_fail(error, "has_lane_range is for kinematics");
    for (int32_t f = 0; f < DRIVING_NUM_FEATURES; f++) {
        double low = config->feature_ranges[f][0], high = config->feature_ranges[f][1];
        if (!is_within(low, -1e9, 1e9) || !is_within(high, low, 1e9) || (high != low && high - low < 1e-6))
            return agora_fail(error, "feature ranges must be rising pairs, got %g to %g", low, high);
    }
    return !is_grid || check_grid(config, error);
}

static bool check_rewards(const DrivingConfig *config, AgoraError *error)
{
    const double rewards[] = {config->collision_reward,   config->right_lane_reward,    config->left_lane_reward,
                              config->high_speed_reward,  config->lane_change_reward,   config->merging_speed_reward,
                              config->arrived_reward};
    for (int32_t k = 0; k < 7; k++)
        if (!is_within(rewards[k], -1e6, 1e6))
            return agora_fail(error, "rewards must be in [-1e6, 1e6], got %g", rewards[k]);
    double low = config->reward_speed_range[0], high = config->reward_speed_range[1];
    if (!is_within(low, -1e3, 1e3) || !is_within(high, low + 0.001, 1e3))
        return agora_fail(error, "reward_speed_range must be a rising pair, got %g to %g", low, high);
    double least = config->collision_reward, most = config->high_speed_reward;
    if (config->scene == DRIVING_MERGE)
        least += config->merging_speed_reward;
    if (config->scene == DRIVING_HIGHWAY || config->scene == DRIVING_MERGE)
        most += config->right_lane_reward;
    if (config->scene == DRIVING_INTERSECTION || config->scene == DRIVING_OVERTAKING)
        most = config->arrived_reward;
    if (config->is_normalized && !(most - least >= 1e-6))
        return agora_fail(error, "normalized rewards need a best reward above the worst, got %g and %g", most, least);
    return true;
}

static bool check_flags(const DrivingConfig *config, AgoraError *error)
{
    const uint8_t flags[] = {config->is_regulated,    config->traffic_checks_collisions, config->ends_together,
                             config->has_offroad_end, config->has_lane_range,            config->is_absolute,
                             config->sees_behind,     config->is_clipped,                config->sees_intentions,
                             config->sees_obstacles,  config->is_grid_aligned,           config->is_team,
                             config->is_normalized};
    for (size_t k = 0; k < sizeof flags; k++)
        if (flags[k] > 1)
            return agora_fail(error, "flags must be 0 or 1, got %d", flags[k]);
    return true;
}

bool driving_check_config(const void *config_bytes, AgoraError *error)
{
    const DrivingConfig *config = config_bytes;
    return check_road(config, error) && check_scene(config, error) && check_drivers(config, error) &&
           check_actions(config, error) && check_observation(config, error) && check_rewards(config, error) &&
           check_flags(config, error);
}

/* ---- states ---- */

static bool check_numbers(const DrivingState *state, int32_t i, AgoraError *error)
{
    for (int32_t k = 0; k < 2; k++) {
        if (!is_within(state->positions[i][k], -DRIVING_MAX_DISTANCE, DRIVING_MAX_DISTANCE))
            return agora_fail(error, "positions[%d] must be within %g m of the origin", i, DRIVING_MAX_DISTANCE);
        if (!is_within(state->impacts[i][k], -1e4, 1e4) || (!state->has_impact[i] && state->impacts[i][k] != 0))
            return agora_fail(error, "impacts[%d] must be at most 1e4 m, and 0 without has_impact", i);
    }
    if (!is_within(state->headings[i], -DRIVING_MAX_HEADING, DRIVING_MAX_HEADING))
        return agora_fail(error, "headings[%d] must be in [-%g, %g], got %g", i, DRIVING_MAX_HEADING,
                          DRIVING_MAX_HEADING, state->headings[i]);
    if (!is_within(state->speeds[i], -DRIVING_MAX_SPEED, DRIVING_MAX_SPEED) ||
        !is_within(state->target_speeds[i], -DRIVING_MAX_SPEED, DRIVING_MAX_SPEED))
        return agora_fail(error, "speeds[%d] and target_speeds[%d] must be in [-1000, 1000], got %g and %g", i, i,
                          state->speeds[i], state->target_speeds[i]);
    bool is_exponent = state->exponents[i] == 0 || is_within(state->exponents[i], 1, 10);
    if (!is_within(state->timers[i], 0, 1e12) || !is_exponent)
        return agora_fail(error, "timers[%d] must not be negative and exponents[%d] 0 or in [1, 10], got %g and %g", i, i,
                          state->timers[i], state->exponents[i]);
    return true;
}

static bool check_route(const Road *road, const DrivingState *state, int32_t i, AgoraError *error)
{
    int32_t length = state->route_lengths[i];
    if (length < -1 || length > DRIVING_MAX_ROUTE)
        return agora_fail(error, "route_lengths[%d] must be in [-1, %d], got %d", i, DRIVING_MAX_ROUTE, length);
    for (int32_t k = 0; k < DRIVING_MAX_ROUTE; k++) {
        int32_t entry = state->routes[i][k];
        if (k < length ? entry < -road->num_roads || entry >= road->num_lanes : entry != 0)
            return agora_fail(error, "routes[%d][%d] is no lane and no road: %d", i, k, entry);
    }
    return true;
}

static bool check_vehicle(const DrivingConfig *config, const Road *road, const DrivingState *state, int32_t i,
                          AgoraError *error)
{
    uint8_t flags = state->crashed[i] | state->has_impact[i] | state->changes_lanes[i] | state->is_yielding[i];
    if (state->kinds[i] < DRIVING_TRAFFIC || state->kinds[i] > DRIVING_FREE)
        return agora_fail(error, "kinds[%d] must be 1, 2 or 3, got %d", i, state->kinds[i]);
    if (state->lanes[i] >= road->num_lanes || state->target_lanes[i] >= road->num_lanes)
        return agora_fail(error, "lanes[%d] and target_lanes[%d] must be below %d, got %d and %d", i, i,
                          road->num_lanes, state->lanes[i], state->target_lanes[i]);
    if (flags > 1)
        return agora_fail(error, "crashed, has_impact, changes_lanes and is_yielding of vehicle %d must be 0 or 1", i);
    if (state->speed_indices[i] >= config->target_speeds.count)
        return agora_fail(error, "speed_indices[%d] must be below %lld, got %d", i,
                          (long long)config->target_speeds.count, state->speed_indices[i]);
    return check_numbers(state, i, error) && check_route(road, state, i, error);
}

static bool is_zero(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t k = 0; k < size; k++)
        if (byte[k])
            return false;
    return true;
}

#define IS_CLEAR(member, count) is_zero(&state->member[count], sizeof state->member - (size_t)(count) * sizeof state->member[0])

/* What lies beyond the vehicles and agents of an env is zero. */
static bool check_rest(const DrivingState *state, int32_t n, int32_t agents, AgoraError *error)
{
    bool is_clear = IS_CLEAR(positions, n) && IS_CLEAR(headings, n) && IS_CLEAR(speeds, n) && IS_CLEAR(target_speeds, n) &&
                    IS_CLEAR(timers, n) && IS_CLEAR(exponents, n) && IS_CLEAR(impacts, n) && IS_CLEAR(routes, n) &&
                    IS_CLEAR(route_lengths, n) && IS_CLEAR(kinds, n) && IS_CLEAR(lanes, n) &&
                    IS_CLEAR(target_lanes, n) && IS_CLEAR(crashed, n) && IS_CLEAR(has_impact, n) &&
                    IS_CLEAR(changes_lanes, n) && IS_CLEAR(is_yielding, n) && IS_CLEAR(speed_indices, n) &&
                    IS_CLEAR(speed_sums, agents) && IS_CLEAR(min_time_gaps, agents) &&
                    IS_CLEAR(min_times_to_collision, agents) && IS_CLEAR(agent_vehicles, agents) &&
                    IS_CLEAR(agent_status, agents) && IS_CLEAR(view_lanes, agents) && IS_CLEAR(has_arrived, agents) &&
                    IS_CLEAR(steps_underway, agents);
    if (!is_clear || state->padding != 0)
        return agora_fail(error, "the state has something beyond its %d vehicles and %d agents", n, agents);
    return true;
}

static bool check_agent(const DrivingConfig *config, const DrivingState *state, int32_t agent, AgoraError *error)
{
    int32_t vehicle = state->agent_vehicles[agent], status = state->agent_status[agent];
    DrivingKind kind = config->actions == DRIVING_CONTINUOUS ? DRIVING_FREE : DRIVING_PILOTED;
    if (status > DRIVING_ARRIVED || (config->ends_together && status != DRIVING_UNDERWAY))
        return agora_fail(error, "agent_status[%d] cannot be %d here", agent, status);
    bool is_gone = status == DRIVING_ARRIVED;
    if (is_gone ? vehicle != NO_VEHICLE
                : vehicle < 0 || vehicle >= state->num_vehicles || state->kinds[vehicle] != (uint8_t)kind)
        return agora_fail(error, "agent_vehicles[%d] does not fit the agent's status and the vehicles' kinds: %d", agent,
                          vehicle);
    for (int32_t other = 0; other < agent && !is_gone; other++)
        if (state->agent_vehicles[other] == vehicle)
            return agora_fail(error, "agents %d and %d drive the same vehicle", other, agent);
    if (state->view_lanes[agent] < 1 || state->view_lanes[agent] > DRIVING_MAX_LANES || state->has_arrived[agent] > 1)
        return agora_fail(error, "view_lanes[%d] must be in [1, %d] and has_arrived[%d] 0 or 1", agent,
                          DRIVING_MAX_LANES, agent);
    if (!is_within(state->speed_sums[agent], -1e15, 1e15) ||
        !is_within(state->min_time_gaps[agent], 0, DRIVING_MAX_TIME_S) ||
        !is_within(state->min_times_to_collision[agent], 0, DRIVING_MAX_TIME_S))
        return agora_fail(error, "speed_sums, min_time_gaps or min_times_to_collision of agent %d is out of range", agent);
    if (state->steps_underway[agent] < 0 || state->steps_underway[agent] > state->timestep)
        return agora_fail(error, "steps_underway[%d] must be in [0, %d], got %d", agent, state->timestep,
                          state->steps_underway[agent]);
    return true;
}

bool driving_check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const DrivingConfig *config = context->config;
    const DrivingState *state = state_bytes;
    if (state->timestep < 0 || state->timestep > config->horizon)
        return agora_fail(error, "timestep must be in [0, %d], got %d", config->horizon, state->timestep);
    if (state->regulation_steps < 0)
        return agora_fail(error, "regulation_steps must not be negative, got %d", state->regulation_steps);
    if (state->num_vehicles < 0 || state->num_vehicles > config->max_vehicles)
        return agora_fail(error, "num_vehicles must be in [0, %d], got %d", config->max_vehicles, state->num_vehicles);
    int32_t driven = 0, seated = 0;
    for (int32_t i = 0; i < state->num_vehicles; i++) {
        if (!check_vehicle(config, context->model, state, i, error))
            return false;
        driven += state->kinds[i] >= DRIVING_PILOTED;
    }
    for (int32_t agent = 0; agent < config->num_agents; agent++) {
        if (!check_agent(config, state, agent, error))
            return false;
        seated += state->agent_vehicles[agent] >= 0;
    }
    if (driven != seated)
        return agora_fail(error, "%d vehicles are driven by agents, but %d agents have one", driven, seated);
    return check_rest(state, state->num_vehicles, config->num_agents, error);
}
