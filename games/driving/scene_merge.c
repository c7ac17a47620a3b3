#include "scene.h"

enum { MAIN_ROAD, RAMP }; /* entries */
enum { NUM_PLACES = 5, RAMP_PLACE = 1 };

typedef struct Start {
    double along, speed; /* m, m/s */
    bool is_drawn;       /* lane, and both numbers within 5 and 1 */
} Start;

/* The reference's agent on the right lane, then the vehicle on the ramp, then the others on the main road. The first are
 * agents. Traffic stands in the list in the reference's order: the ramp last. */
static const Start STARTS[NUM_PLACES] = {{30, 30, false}, {110, 20, false}, {90, 29, true}, {70, 31, true}, {5, 31.5, true}};

static void add(const Draft *draft, int32_t place)
{
    const DrivingConfig *config = draft->config;
    Start start = STARTS[place];
    int32_t lane = place == RAMP_PLACE ? entry_of(draft, RAMP) : entry_of(draft, MAIN_ROAD) + 1;
    if (start.is_drawn) {
        lane = entry_of(draft, MAIN_ROAD) + (int32_t)agora_draw_below(draft->rng, 2);
        start.along += draw_between(draft->rng, -5, 5);
        start.speed += draw_between(draft->rng, -1, 1);
    }
    bool is_driven = place < config->num_agents;
    int32_t vehicle = roster_add_on(draft->state, config, draft->road, is_driven ? roster_kind(config) : DRIVING_TRAFFIC,
                                    lane, start.along, start.speed);
    if (is_driven)
        roster_seat(draft->state, draft->road, place, vehicle);
    else if (place == RAMP_PLACE)
        draft->state->target_speeds[vehicle] = 30;
}

void scene_merge(const Draft *draft)
{
    add(draft, 0);
    for (int32_t place = RAMP_PLACE + 1; place < NUM_PLACES; place++)
        add(draft, place);
    add(draft, RAMP_PLACE);
}
