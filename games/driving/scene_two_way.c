#include "scene.h"

enum { OWN_LANE, ONCOMING_LANE }; /* entries */

static int32_t add_steady(const Draft *draft, int32_t lane, double along, double speed)
{
    int32_t vehicle = roster_add_on(draft->state, draft->config, draft->road, DRIVING_TRAFFIC, lane, along, speed);
    draft->state->changes_lanes[vehicle] = 0;
    draft->state->target_lanes[vehicle] = (uint8_t)lane;
    return vehicle;
}

/* The first agent as in the reference, further ones 25 m behind each other; three slower vehicles ahead, two oncoming. */
void scene_two_way(const Draft *draft)
{
    int32_t own = entry_of(draft, OWN_LANE), oncoming = entry_of(draft, ONCOMING_LANE), others = draft->config->num_others;
    double first = 30 + 25 * (draft->config->num_agents - 1);
    for (int32_t agent = 0; agent < draft->config->num_agents; agent++) {
        int32_t vehicle = roster_add_on(draft->state, draft->config, draft->road, roster_kind(draft->config), own,
                                        first - 25 * agent, 30);
        roster_seat(draft->state, draft->road, agent, vehicle);
    }
    int32_t ahead = (3 * others + 4) / 5; /* three of five */
    for (int32_t k = 0; k < ahead; k++) {
        double along = first + 40 + 40 * k + 10 * draw_normal(draft->rng);
        add_steady(draft, own, along, 24 + 2 * draw_normal(draft->rng));
    }
    for (int32_t k = 0; k < others - ahead; k++) {
        double along = 200 + 100 * k + 10 * draw_normal(draft->rng);
        add_steady(draft, oncoming, along, 20 + 5 * draw_normal(draft->rng));
    }
}

/* Two agents who drive towards each other, each behind a slow vehicle: who overtakes first needs the other's lane. With
 * more traffic, further slow vehicles ahead of each. */
void scene_overtaking(const Draft *draft)
{
    for (int32_t agent = 0; agent < draft->config->num_agents; agent++) {
        double along = 20 + 5 * agora_draw_unit(draft->rng);
        int32_t vehicle = roster_add_on(draft->state, draft->config, draft->road, roster_kind(draft->config),
                                        entry_of(draft, agent), along, 20);
        roster_seat(draft->state, draft->road, agent, vehicle);
    }
    double ahead[2] = {25, 25};
    for (int32_t k = 0; k < draft->config->num_others; k++) {
        int32_t side = k % 2;
        ahead[side] += draw_between(draft->rng, 25, 35);
        add_steady(draft, entry_of(draft, side), ahead[side], draw_between(draft->rng, 9, 12));
    }
}
