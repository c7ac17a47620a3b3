#include "scene.h"

/* The place along the road for the next vehicle: ahead of all others. */
static double draw_place(const Draft *draft, int32_t lane, double speed, double spacing)
{
    const DrivingState *state = draft->state;
    const Lane *road = &draft->road->lanes[lane];
    double offset = spacing * (12 + speed) * exponential(-5.0 / 40 * road->siblings), place = 3 * offset;
    for (int32_t i = 0; i < state->num_vehicles; i++) {
        double along = lane_locate(road, state->positions[i][0], state->positions[i][1]).along;
        place = i == 0 || along > place ? along : place;
    }
    return place + offset * draw_between(draft->rng, 0.9, 1.1);
}

static int32_t draw_lane(const Draft *draft, int32_t wanted)
{
    int32_t first = entry_of(draft, 0);
    if (wanted >= 0)
        return first + wanted;
    return first + (int32_t)agora_draw_below(draft->rng, (uint32_t)draft->road->lanes[first].siblings);
}

static void add_agent(const Draft *draft, int32_t agent)
{
    double speed = 25;
    int32_t lane = draw_lane(draft, draft->config->initial_lane);
    double place = draw_place(draft, lane, speed, draft->config->ego_spacing);
    int32_t vehicle =
        roster_add_on(draft->state, draft->config, draft->road, roster_kind(draft->config), lane, place, speed);
    roster_seat(draft->state, draft->road, agent, vehicle);
}

static void add_other(const Draft *draft)
{
    int32_t lane = draw_lane(draft, -1);
    double limit = draft->road->lanes[lane].speed_limit, speed = draw_between(draft->rng, 0.7 * limit, 0.8 * limit);
    double place = draw_place(draft, lane, speed, 1 / draft->config->density);
    int32_t vehicle = roster_add_on(draft->state, draft->config, draft->road, DRIVING_TRAFFIC, lane, place, speed);
    draft->state->exponents[vehicle] = draw_exponent(draft->rng);
}

/* Each agent with its share of the traffic ahead of it; the first shares are larger by one where they must differ. */
void scene_highway(const Draft *draft)
{
    int32_t agents = draft->config->num_agents, others = draft->config->num_others;
    for (int32_t agent = 0; agent < agents; agent++) {
        add_agent(draft, agent);
        for (int32_t k = 0; k < others / agents + (agent < others % agents); k++)
            add_other(draft);
    }
}
