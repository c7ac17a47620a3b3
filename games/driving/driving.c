#include "driving.h"

#include "controller.h"
#include "observation.h"
#include "reward.h"
#include "scene.h"
#include "validity.h"

#include <string.h>

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(DrivingConfig, member)}
#define SPAN(member, type) {.name = #member, .dtype = type, .offset = offsetof(DrivingConfig, member), .is_span = true}
#define TABLE(member, dimensions, ...)                                                                                 \
    {.name = #member, .dtype = AGORA_F64, .offset = offsetof(DrivingConfig, member), .rank = dimensions,               \
     .shape = {__VA_ARGS__}}

static const AgoraField CONFIG_FIELDS[] = {
    SPAN(lane_shapes, AGORA_F64),
    SPAN(lane_traits, AGORA_F64),
    SPAN(lane_numbers, AGORA_I32),
    SPAN(obstacles, AGORA_F64),
    SCALAR(scene, AGORA_I32),
    SCALAR(num_agents, AGORA_I32),
    SCALAR(num_others, AGORA_I32),
    SCALAR(max_vehicles, AGORA_I32),
    SCALAR(initial_lane, AGORA_I32),
    SCALAR(ego_spacing, AGORA_F64),
    SCALAR(density, AGORA_F64),
    SCALAR(spawn_probability, AGORA_F64),
    SPAN(destinations, AGORA_I32),
    SPAN(traffic_exits, AGORA_I32),
    SPAN(entries, AGORA_I32),
    SCALAR(is_regulated, AGORA_U8),
    SCALAR(traffic_checks_collisions, AGORA_U8),
    SCALAR(ends_together, AGORA_U8),
    SCALAR(has_offroad_end, AGORA_U8),
    SCALAR(simulation_frequency, AGORA_I32),
    SCALAR(policy_frequency, AGORA_I32),
    SCALAR(horizon, AGORA_I32),
    SCALAR(comfort_acceleration, AGORA_F64),
    SCALAR(comfort_braking, AGORA_F64),
    SCALAR(max_acceleration, AGORA_F64),
    SCALAR(distance_wanted, AGORA_F64),
    SCALAR(time_wanted, AGORA_F64),
    SCALAR(politeness, AGORA_F64),
    SCALAR(min_gain, AGORA_F64),
    SCALAR(max_imposed_braking, AGORA_F64),
    SCALAR(lane_change_delay, AGORA_F64),
    SCALAR(actions, AGORA_I32),
    SPAN(target_speeds, AGORA_F64),
    TABLE(acceleration_range, 1, 2),
    TABLE(steering_range, 1, 2),
    SCALAR(observation, AGORA_I32),
    SCALAR(num_rows, AGORA_I32),
    SPAN(features, AGORA_I32),
    TABLE(feature_ranges, 2, DRIVING_NUM_FEATURES, 2),
    SCALAR(has_lane_range, AGORA_U8),
    SCALAR(is_absolute, AGORA_U8),
    SCALAR(sees_behind, AGORA_U8),
    SCALAR(is_clipped, AGORA_U8),
    SCALAR(sees_intentions, AGORA_U8),
    SCALAR(sees_obstacles, AGORA_U8),
    TABLE(grid_size, 2, 2, 2),
    TABLE(grid_step, 1, 2),
    SCALAR(is_grid_aligned, AGORA_U8),
    SCALAR(is_team, AGORA_U8),
    SCALAR(is_normalized, AGORA_U8),
    SCALAR(collision_reward, AGORA_F64),
    SCALAR(right_lane_reward, AGORA_F64),
    SCALAR(left_lane_reward, AGORA_F64),
    SCALAR(high_speed_reward, AGORA_F64),
    SCALAR(lane_change_reward, AGORA_F64),
    SCALAR(merging_speed_reward, AGORA_F64),
    SCALAR(arrived_reward, AGORA_F64),
    TABLE(reward_speed_range, 1, 2),
    {0},
};

/* ---- spaces and state ---- */

enum {
    CRASHED,
    ARRIVED,
    SPEED,
    TIME_GAP,
    TIME_TO_COLLISION,
    MIN_TIME_GAP,
    MIN_TIME_TO_COLLISION,
    OWN_REWARD,
    NUM_INFOS
};

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const DrivingConfig *config = context->config;
    bool is_bounded = observation_is_bounded(config);
    out[0] = (AgoraGroup){
        .name = "cars",
        .agent_name = "car",
        .num_agents = config->num_agents,
        .observation_dtype = AGORA_F32,
        .observation_low = is_bounded ? -1 : -INFINITY,
        .observation_high = is_bounded ? 1 : INFINITY,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {config->actions == DRIVING_META ? 5 : 3},
        .num_infos = NUM_INFOS,
        .info_names = {"crashed", "arrived", "speed", "time_gap", "time_to_collision", "min_time_gap",
                       "min_time_to_collision", "own_reward"},
    };
    out[0].observation_rank = observation_shape(config, out[0].observation_shape);
    if (config->actions == DRIVING_CONTINUOUS) {
        out[0].action_kind = AGORA_CONTINUOUS;
        out[0].action_parts = 2;
        out[0].choices[0] = 0;
        for (int32_t part = 0; part < 2; part++) {
            out[0].action_low[part] = -1;
            out[0].action_high[part] = 1;
        }
    }
    return 1;
}

#define FIELD(member, type, dimensions, ...)                                                                           \
    (AgoraField)                                                                                                       \
    {                                                                                                                  \
        .name = #member, .dtype = type, .offset = offsetof(DrivingState, member), .rank = dimensions,                  \
        .shape = {__VA_ARGS__}                                                                                         \
    }

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const DrivingConfig *config = context->config;
    int32_t most = config->max_vehicles, agents = config->num_agents, n = 0;
    out[n++] = FIELD(timestep, AGORA_I32, 0, 0);
    out[n++] = FIELD(num_vehicles, AGORA_I32, 0, 0);
    out[n++] = FIELD(positions, AGORA_F64, 2, most, 2);
    out[n++] = FIELD(headings, AGORA_F64, 1, most);
    out[n++] = FIELD(speeds, AGORA_F64, 1, most);
    out[n++] = FIELD(target_speeds, AGORA_F64, 1, most);
    out[n++] = FIELD(timers, AGORA_F64, 1, most);
    out[n++] = FIELD(exponents, AGORA_F64, 1, most);
    out[n++] = FIELD(impacts, AGORA_F64, 2, most, 2);
    out[n++] = FIELD(routes, AGORA_I16, 2, most, DRIVING_MAX_ROUTE);
    out[n++] = FIELD(route_lengths, AGORA_I16, 1, most);
    out[n++] = FIELD(kinds, AGORA_U8, 1, most);
    out[n++] = FIELD(lanes, AGORA_U8, 1, most);
    out[n++] = FIELD(target_lanes, AGORA_U8, 1, most);
    out[n++] = FIELD(crashed, AGORA_U8, 1, most);
    out[n++] = FIELD(has_impact, AGORA_U8, 1, most);
    out[n++] = FIELD(changes_lanes, AGORA_U8, 1, most);
    out[n++] = FIELD(is_yielding, AGORA_U8, 1, most);
    out[n++] = FIELD(speed_indices, AGORA_U8, 1, most);
    out[n++] = FIELD(speed_sums, AGORA_F64, 1, agents);
    out[n++] = FIELD(steps_underway, AGORA_I32, 1, agents);
    out[n++] = FIELD(min_time_gaps, AGORA_F64, 1, agents);
    out[n++] = FIELD(min_times_to_collision, AGORA_F64, 1, agents);
    out[n++] = FIELD(agent_vehicles, AGORA_I16, 1, agents);
    out[n++] = FIELD(agent_status, AGORA_U8, 1, agents);
    out[n++] = FIELD(view_lanes, AGORA_U8, 1, agents);
    out[n++] = FIELD(has_arrived, AGORA_U8, 1, agents);
    out[n++] = FIELD(regulation_steps, AGORA_I32, 0, 0);
    return n;
}

/* ---- rules ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state)
{
    const DrivingConfig *config = context->config;
    Draft draft = {config, context->model, state, rng};
    switch ((DrivingScene)config->scene) {
    case DRIVING_HIGHWAY: scene_highway(&draft); break;
    case DRIVING_MERGE: scene_merge(&draft); break;
    case DRIVING_INTERSECTION: scene_intersection(&draft); break;
    case DRIVING_ROUNDABOUT: scene_roundabout(&draft); break;
    case DRIVING_TWO_WAY: scene_two_way(&draft); break;
    case DRIVING_OVERTAKING: scene_overtaking(&draft); break;
    case DRIVING_NUM_SCENES: break;
    }
}

static DrivingMove move_of(const DrivingConfig *config, const AgoraView *view, int32_t agent)
{
    static const DrivingMove LONGITUDINAL[] = {DRIVING_SLOWER, DRIVING_IDLE, DRIVING_FASTER};
    if (config->actions == DRIVING_CONTINUOUS)
        return DRIVING_IDLE;
    int32_t action = ((const int32_t *)view->actions)[agent];
    return config->actions == DRIVING_META ? (DrivingMove)action : LONGITUDINAL[action];
}

/* Agents who are out let their cars roll. */
static void apply_actions(Traffic *traffic, const AgoraView *view)
{
    const DrivingConfig *config = traffic->config;
    const DrivingState *state = traffic->state;
    for (int32_t agent = 0; agent < config->num_agents; agent++) {
        if (state->agent_status[agent] != DRIVING_UNDERWAY)
            continue;
        if (config->actions == DRIVING_CONTINUOUS) {
            const float *action = (const float *)view->actions + 2 * agent;
            controller_set(traffic, state->agent_vehicles[agent], action[0], action[1]);
        } else {
            controller_choose(traffic, state->agent_vehicles[agent], move_of(config, view, agent));
        }
    }
}

static void write_infos(Traffic *traffic, AgoraView *view, int32_t agent, double reward)
{
    const DrivingConfig *config = traffic->config;
    DrivingState *state = traffic->state;
    int32_t vehicle = state->agent_vehicles[agent];
    bool has_arrived = reward_has_arrived(traffic, vehicle);
    Risk risk = reward_risk(traffic, vehicle);
    state->has_arrived[agent] |= has_arrived;
    state->steps_underway[agent] += state->steps_underway[agent] < config->horizon;
    state->speed_sums[agent] = clip(state->speed_sums[agent] + state->speeds[vehicle], -1e15, 1e15);
    state->min_time_gaps[agent] = smaller_of(state->min_time_gaps[agent], risk.time_gap);
    state->min_times_to_collision[agent] = smaller_of(state->min_times_to_collision[agent], risk.time_to_collision);
    view->infos[CRASHED][agent] = state->crashed[vehicle];
    view->infos[ARRIVED][agent] = has_arrived;
    view->infos[SPEED][agent] = (float)state->speeds[vehicle];
    view->infos[TIME_GAP][agent] = (float)risk.time_gap;
    view->infos[TIME_TO_COLLISION][agent] = (float)risk.time_to_collision;
    view->infos[MIN_TIME_GAP][agent] = (float)state->min_time_gaps[agent];
    view->infos[MIN_TIME_TO_COLLISION][agent] = (float)state->min_times_to_collision[agent];
    view->infos[OWN_REWARD][agent] = (float)reward;
}

/* Rewards and infos of all agents; nothing for those who are out. */
static void write_rewards(Traffic *traffic, AgoraView *view)
{
    const DrivingConfig *config = traffic->config;
    const DrivingState *state = traffic->state;
    double sum = 0;
    int32_t underway = 0;
    traffic_forget_queues(traffic);
    for (int32_t agent = 0; agent < config->num_agents; agent++) {
        view->rewards[agent] = 0;
        for (int32_t info = 0; info < NUM_INFOS; info++)
            view->infos[info][agent] = 0;
        if (state->agent_status[agent] != DRIVING_UNDERWAY)
            continue;
        double reward = reward_of(traffic, agent, move_of(config, view, agent));
        write_infos(traffic, view, agent, reward);
        view->rewards[agent] = (float)reward;
        sum += reward;
        underway++;
    }
    for (int32_t agent = 0; agent < config->num_agents && config->is_team; agent++)
        if (state->agent_status[agent] == DRIVING_UNDERWAY)
            view->rewards[agent] = (float)(sum / underway);
}

static bool is_off_road(const Traffic *traffic, int32_t vehicle)
{
    return traffic->config->has_offroad_end && !lane_holds(lane_of(traffic, vehicle), traffic->places[vehicle], 0);
}

/* The reference's ends: one crash, or everybody's arrival, is everybody's end. */
static bool end_together(const Traffic *traffic, AgoraView *view)
{
    const DrivingState *state = traffic->state;
    int32_t agents = traffic->config->num_agents;
    bool has_crash = false, have_all_arrived = true, is_late = state->timestep >= traffic->config->horizon;
    for (int32_t agent = 0; agent < agents; agent++) {
        int32_t vehicle = state->agent_vehicles[agent];
        has_crash |= state->crashed[vehicle] || is_off_road(traffic, vehicle);
        have_all_arrived &= reward_has_arrived(traffic, vehicle);
    }
    bool is_over = has_crash || have_all_arrived;
    memset(view->terminations, is_over, (size_t)agents);
    memset(view->truncations, is_late && !is_over, (size_t)agents);
    return is_over || is_late;
}

/* Everybody for themselves: whoever crashes or arrives is out. A crashed car stays where it is, one that arrived leaves. */
static bool end_each(Traffic *traffic, AgoraView *view)
{
    DrivingState *state = traffic->state;
    bool is_late = state->timestep >= traffic->config->horizon, is_anybody_left = false;
    uint8_t arrived[DRIVING_MAX_AGENTS] = {0};
    for (int32_t agent = 0; agent < traffic->config->num_agents; agent++) {
        int32_t vehicle = state->agent_vehicles[agent];
        view->terminations[agent] = view->truncations[agent] = 0;
        if (state->agent_status[agent] != DRIVING_UNDERWAY)
            continue;
        arrived[agent] = reward_has_arrived(traffic, vehicle) && !state->crashed[vehicle];
        if (state->crashed[vehicle] || is_off_road(traffic, vehicle))
            state->agent_status[agent] = DRIVING_CRASHED;
        view->terminations[agent] = arrived[agent] || state->agent_status[agent] == DRIVING_CRASHED;
        view->truncations[agent] = is_late && !view->terminations[agent];
        is_anybody_left |= !view->terminations[agent];
    }
    for (int32_t agent = 0; agent < traffic->config->num_agents; agent++)
        if (arrived[agent]) {
            roster_remove(state, traffic->config, state->agent_vehicles[agent]);
            state->agent_status[agent] = DRIVING_ARRIVED;
        }
    return is_late || !is_anybody_left;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const DrivingConfig *config = context->config;
    DrivingState *state = state_bytes;
    if (config->scene == DRIVING_INTERSECTION && state->timestep > 0)
        scene_intersection_flow(&(Draft){config, context->model, state, rng});
    Traffic traffic;
    traffic_start(&traffic, config, context->model, state);
    apply_actions(&traffic, views);
    for (int32_t frame = 0; frame < config->simulation_frequency / config->policy_frequency; frame++)
        traffic_advance(&traffic);
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    write_rewards(&traffic, views);
    return config->ends_together ? end_together(&traffic, views) : end_each(&traffic, views);
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const DrivingConfig *config = context->config;
    const DrivingState *state = state_bytes;
    int32_t shape[AGORA_MAX_RANK], rank = observation_shape(config, shape);
    size_t size = 1;
    for (int32_t k = 0; k < rank; k++)
        size *= (size_t)shape[k];
    for (int32_t agent = 0; agent < config->num_agents; agent++) {
        float *cells = (float *)views->observations + (size_t)agent * size;
        views->alive[agent] = state->agent_status[agent] == DRIVING_UNDERWAY;
        if (state->agent_vehicles[agent] == NO_VEHICLE)
            memset(cells, 0, size * sizeof *cells);
        else
            observation_write(config, context->model, state, agent, cells);
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"crashes",      "arrivals",          "mean_speed",
                                         "min_time_gap", "min_time_to_collision", "traffic_crashes"};

/* Counts of agents; the mean over all steps of agents underway; least values over all agents. */
static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    const DrivingState *state = state_bytes;
    int32_t agents = ((const DrivingConfig *)context->config)->num_agents;
    int64_t steps = 0;
    double crashes = 0, arrivals = 0, traffic_crashes = 0, speeds = 0, gap = DRIVING_MAX_TIME_S, collision = gap;
    for (int32_t i = 0; i < state->num_vehicles; i++)
        *(is_agent(state, i) ? &crashes : &traffic_crashes) += state->crashed[i];
    for (int32_t agent = 0; agent < agents; agent++) {
        arrivals += state->has_arrived[agent];
        speeds += state->speed_sums[agent];
        steps += state->steps_underway[agent];
        gap = smaller_of(gap, state->min_time_gaps[agent]);
        collision = smaller_of(collision, state->min_times_to_collision[agent]);
    }
    values[0] = crashes;
    values[1] = arrivals;
    values[2] = steps > 0 ? speeds / (double)steps : 0;
    values[3] = gap;
    values[4] = collision;
    values[5] = traffic_crashes;
}

const AgoraWorld agora_driving = {
    .name = "driving",
    .config_size = sizeof(DrivingConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = driving_check_config,
    .model_size = road_size,
    .build_model = road_build,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(DrivingState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = driving_check_state,
    .num_statistics = 6,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
