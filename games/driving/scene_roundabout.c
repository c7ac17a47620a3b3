#include "scene.h"

enum { ACCESS, RING, OTHER_ACCESS }; /* entries; the ring's inner lane, its outer one follows */

typedef struct Start {
    int32_t entry, lane;
    double along; /* m */
} Start;

/* The traffic of the reference; agents beyond the first take the places from the end of this list. */
static const Start STARTS[] = {{RING, 1, 5}, {RING, 0, 20}, {RING, 0, -20}, {OTHER_ACCESS, 0, 50}};
enum { NUM_STARTS = 4 };

static void plan(const Draft *draft, int32_t vehicle, int32_t node)
{
    if (node >= 0)
        draft->state->route_lengths[vehicle] =
            road_plan(draft->road, draft->state->lanes[vehicle], node, draft->state->routes[vehicle]);
}

static int32_t draw_exit(const Draft *draft)
{
    const int32_t *exits = draft->config->traffic_exits.data;
    return exits[agora_draw_below(draft->rng, (uint32_t)draft->config->traffic_exits.count)];
}

static void add(const Draft *draft, Start start, int32_t agent)
{
    const DrivingConfig *config = draft->config;
    bool is_driven = agent < config->num_agents;
    double along = start.along + 2 * draw_normal(draft->rng), speed = 16 + 2 * draw_normal(draft->rng);
    int32_t vehicle = roster_add_on(draft->state, config, draft->road, is_driven ? roster_kind(config) : DRIVING_TRAFFIC,
                                    entry_of(draft, start.entry) + start.lane, along, speed);
    int32_t drawn = draw_exit(draft);
    plan(draft, vehicle, is_driven && destination_of(config, agent) >= 0 ? destination_of(config, agent) : drawn);
    if (is_driven)
        roster_seat(draft->state, draft->road, agent, vehicle);
    else
        draft->state->exponents[vehicle] = draw_exponent(draft->rng);
}

void scene_roundabout(const Draft *draft)
{
    int32_t vehicle = roster_add_on(draft->state, draft->config, draft->road, roster_kind(draft->config),
                                    entry_of(draft, ACCESS), 125, 8);
    plan(draft, vehicle, destination_of(draft->config, 0));
    roster_seat(draft->state, draft->road, 0, vehicle);
    for (int32_t k = 0; k < NUM_STARTS; k++)
        add(draft, STARTS[k], NUM_STARTS - k);
}
