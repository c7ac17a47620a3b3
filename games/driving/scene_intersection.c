#include "scene.h"

enum { NUM_ARMS = 4, WARM_UP = 3 /* s */ };

/* Node at the outer end of an arm. */
static int32_t outer_node(const Draft *draft, uint32_t arm)
{
    return ((const int32_t *)draft->config->traffic_exits.data)[arm];
}

static void plan(const Draft *draft, int32_t vehicle, int32_t node)
{
    draft->state->route_lengths[vehicle] =
        road_plan(draft->road, draft->state->lanes[vehicle], node, draft->state->routes[vehicle]);
}

static bool is_near_anybody(const DrivingState *state, const double position[2], double distance)
{
    for (int32_t i = 0; i < state->num_vehicles; i++) {
        double dx = state->positions[i][0] - position[0], dy = state->positions[i][1] - position[1];
        if (dx * dx + dy * dy < distance * distance)
            return true;
    }
    return false;
}

typedef struct Arrival {
    double along, along_deviation, speed_deviation, probability;
    bool goes_straight;
} Arrival;

static void spawn(const Draft *draft, Arrival arrival)
{
    AgoraRng *rng = draft->rng;
    if (agora_draw_unit(rng) > arrival.probability || roster_is_full(draft->state, draft->config))
        return;
    uint32_t from = agora_draw_below(rng, NUM_ARMS), to = (from + 1 + agora_draw_below(rng, NUM_ARMS - 1)) % NUM_ARMS;
    if (arrival.goes_straight)
        to = (from + 2) % NUM_ARMS;
    int32_t lane = entry_of(draft, (int32_t)from);
    double along = arrival.along + 5 + draw_normal(rng) * arrival.along_deviation;
    double speed = 8 + draw_normal(rng) * arrival.speed_deviation, position[2];
    lane_position(&draft->road->lanes[lane], (Place){along, 0}, position);
    if (is_near_anybody(draft->state, position, 15))
        return;
    int32_t vehicle = roster_add_on(draft->state, draft->config, draft->road, DRIVING_TRAFFIC, lane, along, speed);
    plan(draft, vehicle, outer_node(draft, to));
    draft->state->exponents[vehicle] = draw_exponent(rng);
}

/* Removes traffic that an agent would run into at once. */
static void make_room(const Draft *draft, int32_t agent_vehicle)
{
    DrivingState *state = draft->state;
    double here[2] = {state->positions[agent_vehicle][0], state->positions[agent_vehicle][1]};
    for (int32_t i = state->num_vehicles - 1; i >= 0; i--) {
        double dx = state->positions[i][0] - here[0], dy = state->positions[i][1] - here[1];
        if (!is_agent(state, i) && dx * dx + dy * dy < 20 * 20)
            roster_remove(state, draft->config, i);
    }
}

/* Agents stand on the four arms in turn; those beyond the fourth 15 m further back. */
static void add_agent(const Draft *draft, int32_t agent)
{
    int32_t lane = entry_of(draft, agent % NUM_ARMS), node = destination_of(draft->config, agent);
    double along = 60 + 5 * (1 + draw_normal(draft->rng)) - 15 * (agent / NUM_ARMS);
    int32_t vehicle = roster_add_on(draft->state, draft->config, draft->road, roster_kind(draft->config), lane, along,
                                    draft->road->lanes[lane].speed_limit);
    uint32_t drawn = 1 + agora_draw_below(draft->rng, NUM_ARMS - 1);
    if (draft->state->kinds[vehicle] == DRIVING_PILOTED)
        plan(draft, vehicle, node >= 0 ? node : outer_node(draft, drawn));
    roster_seat(draft->state, draft->road, agent, vehicle);
    make_room(draft, vehicle);
}

void scene_intersection(const Draft *draft)
{
    int32_t others = draft->config->num_others;
    for (int32_t agent = 0; agent < draft->config->num_agents; agent++)
        draft->state->agent_vehicles[agent] = NO_VEHICLE; /* they come last */
    for (int32_t k = 0; k < others - 1; k++)
        spawn(draft, (Arrival){80.0 * k / (others - 1), 1, 1, 0.6, false});
    Traffic traffic;
    traffic_start(&traffic, draft->config, draft->road, draft->state);
    for (int32_t frame = 0; frame < WARM_UP * draft->config->simulation_frequency && others > 1; frame++)
        traffic_advance(&traffic);
    if (others > 0)
        spawn(draft, (Arrival){60, 0.1, 0, 1, true});
    for (int32_t agent = 0; agent < draft->config->num_agents; agent++)
        add_agent(draft, agent);
}

static bool is_leaving(const Draft *draft, int32_t i)
{
    const DrivingState *state = draft->state;
    const Lane *lane = &draft->road->lanes[state->lanes[i]];
    if (state->route_lengths[i] < 0)
        return true;
    return (lane->flags & DRIVING_EXIT) &&
           lane_locate(lane, state->positions[i][0], state->positions[i][1]).along >= lane->length - 20;
}

void scene_intersection_flow(const Draft *draft)
{
    for (int32_t i = draft->state->num_vehicles - 1; i >= 0; i--)
        if (!is_agent(draft->state, i) && is_leaving(draft, i))
            roster_remove(draft->state, draft->config, i);
    spawn(draft, (Arrival){0, 1, 1, draft->config->spawn_probability, false});
}
