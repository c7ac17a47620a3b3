#include "commons.h"

#include "crowd.h"
#include "ground.h"
#include "sight.h"
#include "validity.h"

#include <string.h>

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(CommonsConfig, member)}
#define SPAN(member, type) {.name = #member, .dtype = type, .offset = offsetof(CommonsConfig, member), .is_span = true}

static const AgoraField CONFIG_FIELDS[] = {
    SCALAR(game, AGORA_I32),
    SCALAR(width, AGORA_I32),
    SCALAR(height, AGORA_I32),
    SPAN(terrain, AGORA_U8),
    SPAN(start_items, AGORA_U8),
    SPAN(spawn_cells, AGORA_I32),
    SCALAR(num_agents, AGORA_I32),
    SCALAR(view_ahead, AGORA_I32),
    SCALAR(view_behind, AGORA_I32),
    SCALAR(view_side, AGORA_I32),
    SPAN(regrowth_probabilities, AGORA_F64),
    SCALAR(regrowth_distance, AGORA_I32),
    SCALAR(apple_probability, AGORA_F64),
    SCALAR(waste_probability, AGORA_F64),
    SCALAR(depletion_threshold, AGORA_F64),
    SCALAR(restoration_threshold, AGORA_F64),
    SCALAR(apple_reward, AGORA_F64),
    SCALAR(fire_reward, AGORA_F64),
    SCALAR(hit_reward, AGORA_F64),
    SCALAR(clean_reward, AGORA_F64),
    SCALAR(beam_length, AGORA_I32),
    SCALAR(beam_width, AGORA_I32),
    SCALAR(hits_to_timeout, AGORA_I32),
    SCALAR(timeout_steps, AGORA_I32),
    SCALAR(horizon, AGORA_I32),
    {0},
};

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const CommonsConfig *config = context->config;
    bool has_river = config->game == COMMONS_CLEANUP;
    out[0] = (AgoraGroup){
        .name = "agents",
        .agent_name = "agent",
        .num_agents = config->num_agents,
        .observation_dtype = AGORA_U8,
        .observation_rank = 3,
        .observation_shape = {config->view_ahead + 1 + config->view_behind, 2 * config->view_side + 1,
                              has_river ? COMMONS_CLEANUP_CHANNELS : COMMONS_HARVEST_CHANNELS},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {has_river ? COMMONS_CLEAN + 1 : COMMONS_FIRE + 1},
        .num_infos = 5,
        .info_names = {"apples", "cleaned", "fired", "hits", "out"},
    };
    return 1;
}

#define PER_AGENT(member, type) {#member, type, offsetof(CommonsState, member), 1, {agents}, 0, 0}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const CommonsConfig *config = context->config;
    int32_t agents = config->num_agents;
    const AgoraField fields[] = {
        {"timestep", AGORA_I32, offsetof(CommonsState, timestep), 0, {0}, 0, 0},
        {"positions", AGORA_U8, offsetof(CommonsState, positions), 2, {agents, 2}, 0, 0},
        PER_AGENT(orientations, AGORA_U8),
        PER_AGENT(timeouts, AGORA_I32),
        PER_AGENT(hits, AGORA_I32),
        {"items", AGORA_U8, offsetof(CommonsState, items), 2, {config->height, config->width}, 0, 0},
        PER_AGENT(apples, AGORA_I32),
        PER_AGENT(fired, AGORA_I32),
        PER_AGENT(cleaned, AGORA_I32),
        PER_AGENT(hits_taken, AGORA_I32),
        PER_AGENT(steps_out, AGORA_I32),
        PER_AGENT(apple_steps, AGORA_I64),
        PER_AGENT(returns, AGORA_F64),
    };
    memcpy(out, fields, sizeof fields);
    return sizeof fields / sizeof fields[0];
}

/* ---- growth ---- */

/* Random bits that are used a byte at a time: most events are decided by the first byte of their threshold. */
typedef struct Bits {
    AgoraRng *rng;
    uint64_t bits;
    int32_t bytes_left;
} Bits;

static bool happens(Bits *source, const Chance *chance)
{
    if (chance->threshold == 0)
        return chance->is_certain;
    if (source->bytes_left == 0) {
        source->bits = agora_draw(source->rng);
        source->bytes_left = 8;
    }
    uint64_t first = source->bits & 255, wanted = chance->threshold >> 56;
    source->bits >>= 8;
    source->bytes_left--;
    if (first != wanted)
        return first < wanted;
    return agora_draw(source->rng) >> 8 < (chance->threshold & (((uint64_t)1 << 56) - 1));
}

static int32_t count_near(const Ground *ground, const CommonsState *state, int32_t place)
{
    int32_t apples = 0;
    for (int32_t k = 0; k < ground->num_near[place]; k++)
        apples += state->items[ground->near[place][k]] & COMMONS_APPLE;
    return apples;
}

/* How likely an apple is where none is near, in cleanup: by the share of waste in the river, linearly. */
static Chance find_apple_chance(const CommonsConfig *config, double waste_share)
{
    double low = config->restoration_threshold, high = config->depletion_threshold;
    if (waste_share >= high)
        return ground_chance(0);
    double rate = waste_share <= low ? 1 : 1 - (waste_share - low) / (high - low);
    return ground_chance(rate * config->apple_probability);
}

static void grow_apples(const CommonsConfig *config, const Ground *ground, CommonsState *state, const Crowd *crowd,
                        Bits *bits, double waste_share)
{
    uint16_t grown[COMMONS_MAX_CELLS];
    int32_t num_grown = 0;
    bool is_harvest = config->game == COMMONS_HARVEST;
    Chance everywhere = is_harvest ? ground_chance(0) : find_apple_chance(config, waste_share);
    if (!is_harvest && everywhere.threshold == 0 && !everywhere.is_certain)
        return;
    for (int32_t place = 0; place < ground->num_orchard; place++) {
        int32_t cell = ground->orchard_cells[place];
        if (state->items[cell] & COMMONS_APPLE || crowd->at[cell])
            continue;
        const Chance *chance = is_harvest ? &ground->regrowth[count_near(ground, state, place)] : &everywhere;
        if (happens(bits, chance))
            grown[num_grown++] = (uint16_t)cell;
    }
    for (int32_t k = 0; k < num_grown; k++)
        state->items[grown[k]] |= COMMONS_APPLE;
}

static int32_t count_waste(const Ground *ground, const CommonsState *state)
{
    int32_t waste = 0;
    for (int32_t cell = 0; cell < ground->num_cells; cell++)
        waste += state->items[cell] >> 1 & 1;
    return waste;
}

/* As often as there are clean cells the waste tries to come; the first success puts it into one of them. */
static void pollute(const CommonsConfig *config, const Ground *ground, CommonsState *state, Bits *bits, int32_t waste)
{
    Chance chance = ground_chance(config->waste_probability);
    int32_t clean = ground->num_river - waste, tries = 0;
    while (tries < clean && !happens(bits, &chance))
        tries++;
    if (tries >= clean)
        return;
    int32_t left = (int32_t)agora_draw_below(bits->rng, (uint32_t)clean), place = 0;
    while (state->items[ground->river_cells[place]] & COMMONS_WASTE || left-- > 0)
        place++;
    state->items[ground->river_cells[place]] |= COMMONS_WASTE;
}

static void grow(const CommonsConfig *config, const Ground *ground, CommonsState *state, const Crowd *crowd,
                 AgoraRng *rng)
{
    Bits bits = {.rng = rng};
    int32_t waste = config->game == COMMONS_CLEANUP ? count_waste(ground, state) : 0;
    double waste_share = ground->num_river > 0 ? (double)waste / ground->num_river : 0;
    grow_apples(config, ground, state, crowd, &bits, waste_share);
    if (config->game == COMMONS_CLEANUP && waste_share < config->depletion_threshold)
        pollute(config, ground, state, &bits, waste);
}

/* ---- coming and going ---- */

/* Puts an agent on a spawn cell that is free, uniformly, looking anywhere. There are as many of them as agents, so one
 * is free. */
static void enter(const CommonsConfig *config, CommonsState *state, Crowd *crowd, int32_t agent, AgoraRng *rng)
{
    const int32_t *spawn_cells = config->spawn_cells.data;
    int32_t free_cells = 0, place = 0;
    for (int64_t k = 0; k < config->spawn_cells.count; k++)
        free_cells += crowd->at[spawn_cells[k]] == 0;
    int32_t left = (int32_t)agora_draw_below(rng, (uint32_t)free_cells);
    while (crowd->at[spawn_cells[place]] || left-- > 0)
        place++;
    int32_t cell = spawn_cells[place];
    crowd->cells[agent] = cell;
    crowd->at[cell] = (uint8_t)(agent + 1);
    state->positions[agent][0] = (uint8_t)(cell % config->width);
    state->positions[agent][1] = (uint8_t)(cell / config->width);
    state->orientations[agent] = (uint8_t)agora_draw_below(rng, 4);
}

static void leave(CommonsState *state, Crowd *crowd, int32_t agent, int32_t steps)
{
    crowd->at[crowd->cells[agent]] = 0;
    crowd->cells[agent] = -1;
    state->positions[agent][0] = state->positions[agent][1] = COMMONS_NOWHERE;
    state->orientations[agent] = 0;
    state->timeouts[agent] = steps;
    state->hits[agent] = 0;
}

/* Who is hit in this step leaves after those whose time is over have come back, so nobody is hit on arrival. */
static void come_and_go(const CommonsConfig *config, CommonsState *state, Crowd *crowd, const Volley *volley,
                        AgoraRng *rng)
{
    if (config->timeout_steps == 0)
        return;
    bool does_leave[COMMONS_MAX_AGENTS];
    for (int32_t i = 0; i < config->num_agents; i++) {
        state->hits[i] += volley->hits[i];
        does_leave[i] = crowd->cells[i] >= 0 && state->hits[i] >= config->hits_to_timeout;
    }
    for (int32_t i = 0; i < config->num_agents; i++)
        if (crowd->cells[i] < 0 && --state->timeouts[i] == 0)
            enter(config, state, crowd, i, rng);
    for (int32_t i = 0; i < config->num_agents; i++)
        if (does_leave[i])
            leave(state, crowd, i, config->timeout_steps);
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const CommonsConfig *config = context->config;
    const Ground *ground = context->model;
    CommonsState *state = state_bytes;
    memcpy(state->items, config->start_items.data, (size_t)ground->num_cells);
    Crowd crowd = {.cells = {0}};
    for (int32_t i = 0; i < config->num_agents; i++)
        enter(config, state, &crowd, i, rng);
    grow(config, ground, state, &crowd, rng);
}

/* ---- a step ---- */

static void count(int32_t *counter, int32_t times)
{
    *counter = *counter > COMMONS_MAX_COUNT - times ? COMMONS_MAX_COUNT : *counter + times;
}

/* Clears the last step's beams. */
static void clear_beams(const Ground *ground, CommonsState *state)
{
    for (int32_t cell = 0; cell < ground->num_cells; cell++)
        state->items[cell] &= COMMONS_APPLE | COMMONS_WASTE;
}

static void eat(const CommonsConfig *config, CommonsState *state, const Crowd *crowd, float *apples)
{
    for (int32_t i = 0; i < config->num_agents; i++) {
        int32_t cell = crowd->cells[i];
        bool has_apple = cell >= 0 && state->items[cell] & COMMONS_APPLE;
        apples[i] = has_apple;
        if (has_apple)
            state->items[cell] &= (uint8_t)~COMMONS_APPLE;
    }
}

static void pay(const CommonsConfig *config, CommonsState *state, const int32_t *actions, const bool was_out[],
                const Volley *volley, AgoraView *view)
{
    for (int32_t i = 0; i < config->num_agents; i++) {
        bool has_fired = actions[i] == COMMONS_FIRE && !was_out[i], has_apple = view->infos[0][i] > 0;
        double reward = (has_apple ? config->apple_reward : 0) + (has_fired ? config->fire_reward : 0) +
                        volley->hits[i] * config->hit_reward + volley->cleaned[i] * config->clean_reward;
        view->rewards[i] = (float)reward;
        view->infos[1][i] = (float)volley->cleaned[i];
        view->infos[2][i] = has_fired;
        view->infos[3][i] = (float)volley->hits[i];
        view->infos[4][i] = state->timeouts[i] > 0;
        count(&state->apples[i], has_apple);
        count(&state->fired[i], has_fired);
        count(&state->cleaned[i], volley->cleaned[i]);
        count(&state->hits_taken[i], volley->hits[i]);
        count(&state->steps_out[i], state->timeouts[i] > 0);
        state->apple_steps[i] += has_apple && state->apples[i] < COMMONS_MAX_COUNT ? state->timestep : 0;
        state->returns[i] += reward;
    }
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const CommonsConfig *config = context->config;
    const Ground *ground = context->model;
    CommonsState *state = state_bytes;
    const int32_t *actions = views[0].actions;
    bool was_out[COMMONS_MAX_AGENTS];
    Crowd crowd;
    Volley volley;
    crowd_find(config, ground, state, &crowd);
    for (int32_t i = 0; i < config->num_agents; i++)
        was_out[i] = crowd.cells[i] < 0;
    clear_beams(ground, state);
    crowd_walk(config, ground, state, actions, rng, &crowd);
    eat(config, state, &crowd, views[0].infos[0]);
    volley_fire(config, ground, state, actions, &crowd, &volley);
    come_and_go(config, state, &crowd, &volley, rng);
    grow(config, ground, state, &crowd, rng);

    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    pay(config, state, actions, was_out, &volley, &views[0]);
    bool is_over = state->timestep >= config->horizon;
    for (int32_t i = 0; i < config->num_agents; i++) {
        views[0].terminations[i] = 0;
        views[0].truncations[i] = is_over;
    }
    return is_over;
}

/* ---- statistics: games/social_dilemma.py has the same measures for recorded rewards ---- */

static const char *const STATISTICS[] = {"efficiency", "equality", "sustainability", "peace",
                                         "apples",     "cleaned",  "fired",          "hits"};
enum { NUM_STATISTICS = sizeof STATISTICS / sizeof STATISTICS[0] };

static int64_t sum(const int32_t *counts, int32_t agents)
{
    int64_t total = 0;
    for (int32_t i = 0; i < agents; i++)
        total += counts[i];
    return total;
}

/* One minus the Gini coefficient of the apples; 1 where nobody has any. */
static double find_equality(const int32_t *apples, int32_t agents)
{
    int64_t total = sum(apples, agents), gaps = 0;
    for (int32_t i = 0; i < agents; i++)
        for (int32_t j = 0; j < i; j++)
            gaps += apples[i] > apples[j] ? apples[i] - apples[j] : apples[j] - apples[i];
    return total > 0 ? 1 - (double)gaps / ((double)agents * (double)total) : 1;
}

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    const CommonsConfig *config = context->config;
    const CommonsState *state = state_bytes;
    int32_t agents = config->num_agents, steps = state->timestep > 0 ? state->timestep : 1;
    double returns = 0, mean_steps = 0;
    for (int32_t i = 0; i < agents; i++) {
        returns += state->returns[i];
        mean_steps += state->apples[i] > 0 ? (double)state->apple_steps[i] / state->apples[i] : 0;
    }
    values[0] = returns / steps;
    values[1] = find_equality(state->apples, agents);
    values[2] = mean_steps / agents;
    values[3] = agents - (double)sum(state->steps_out, agents) / steps;
    values[4] = (double)sum(state->apples, agents);
    values[5] = (double)sum(state->cleaned, agents);
    values[6] = (double)sum(state->fired, agents);
    values[7] = (double)sum(state->hits_taken, agents);
}

const AgoraWorld agora_commons = {
    .name = "commons",
    .config_size = sizeof(CommonsConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = commons_check_config,
    .model_size = ground_size,
    .build_model = ground_build,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(CommonsState),
    .reset = reset,
    .step = step,
    .observe = commons_observe,
    .check_state = commons_check_state,
    .num_statistics = NUM_STATISTICS,
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
