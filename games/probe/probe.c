#include "probe.h"

#include <math.h>
#include <string.h>

enum { WALKERS, PICKERS, CALLER, NUM_GROUPS }; /* indices of the groups */
enum {
    WALKER_FEATURES = 4 + 3 * (PROBE_WALKERS - 1) + 2,
    PICKER_FEATURES = PROBE_BINS + 2 * (PROBE_BINS + 1) + 2,
    PICTURE_SIZE = PROBE_CELLS * PROBE_CELLS * 3,
    PICKER_CHOICES = PROBE_PICKS + PROBE_BINS,
};

static const ProbeConfig *config_of(const AgoraContext *context) { return context->config; }
static const ProbeModel *model_of(const AgoraContext *context) { return context->model; }

static uint8_t next_call(const AgoraContext *context, const ProbeState *state)
{
    return ((const uint8_t *)config_of(context)->melody.data)[state->melody_position];
}

/* ---- config and model ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "melody", .dtype = AGORA_U8, .offset = offsetof(ProbeConfig, melody), .is_span = true},
    {.name = "quota", .dtype = AGORA_I64, .offset = offsetof(ProbeConfig, quota)},
    {.name = "gust", .dtype = AGORA_F64, .offset = offsetof(ProbeConfig, gust)},
    {.name = "values",
     .dtype = AGORA_F32,
     .offset = offsetof(ProbeConfig, values),
     .rank = 1,
     .shape = {PROBE_BINS},
     .is_live = true},
    {.name = "speed", .dtype = AGORA_F32, .offset = offsetof(ProbeConfig, speed), .is_live = true},
    {.name = "radius", .dtype = AGORA_F32, .offset = offsetof(ProbeConfig, radius)},
    {.name = "horizon", .dtype = AGORA_I32, .offset = offsetof(ProbeConfig, horizon)},
    {.name = "stock", .dtype = AGORA_I32, .offset = offsetof(ProbeConfig, stock), .rank = 1, .shape = {PROBE_BINS}},
    {.name = "stamina", .dtype = AGORA_I16, .offset = offsetof(ProbeConfig, stamina), .rank = 1, .shape = {2}},
    {.name = "max_mistakes", .dtype = AGORA_U8, .offset = offsetof(ProbeConfig, max_mistakes)},
    {0},
};

static bool is_fraction(double number) { return number >= 0 && number <= 1; } /* false for NaN */

static bool check_arrays(const ProbeConfig *config, AgoraError *error)
{
    const uint8_t *melody = config->melody.data;
    if (config->melody.count < 1)
        return agora_fail(error, "melody needs at least 1 call");
    for (int64_t i = 0; i < config->melody.count; i++)
        if (melody[i] >= PROBE_CALLS)
            return agora_fail(error, "melody[%lld] must be in [0, %d], got %d", (long long)i, PROBE_CALLS - 1, melody[i]);
    for (int32_t b = 0; b < PROBE_BINS; b++) {
        if (config->stock[b] < 0 || config->stock[b] > PROBE_MAX_STOCK)
            return agora_fail(error, "stock[%d] must be in [0, %d], got %d", b, PROBE_MAX_STOCK, config->stock[b]);
        if (!is_fraction((double)config->values[b]))
            return agora_fail(error, "values[%d] must be in [0, 1], got %g", b, (double)config->values[b]);
    }
    if (config->stamina[0] < 1 || config->stamina[1] < config->stamina[0])
        return agora_fail(error, "stamina must be two numbers with 1 <= lowest <= highest, got %d and %d",
                          config->stamina[0], config->stamina[1]);
    return true;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const ProbeConfig *config = config_bytes;
    if (config->quota < 1)
        return agora_fail(error, "quota must be at least 1, got %lld", (long long)config->quota);
    if (config->horizon < 1)
        return agora_fail(error, "horizon must be at least 1, got %d", config->horizon);
    if (config->max_mistakes < 1)
        return agora_fail(error, "max_mistakes must be at least 1");
    if (!is_fraction(config->gust) || !is_fraction((double)config->speed) || !is_fraction((double)config->radius))
        return agora_fail(error, "gust, speed and radius must be in [0, 1], got %g, %g and %g", config->gust,
                          (double)config->speed, (double)config->radius);
    return check_arrays(config, error);
}

static size_t model_size(const void *config)
{
    (void)config;
    return sizeof(ProbeModel);
}

static void build_model(const void *config_bytes, void *model_bytes)
{
    const ProbeConfig *config = config_bytes;
    ProbeModel *model = model_bytes;
    int64_t counts[PROBE_CALLS] = {0};
    for (int64_t i = 0; i < config->melody.count; i++)
        counts[((const uint8_t *)config->melody.data)[i]]++;
    for (int32_t c = 0; c < PROBE_CALLS; c++)
        model->call_values[c] = counts[c] ? 1 / (float)counts[c] : 0;
    for (int32_t b = 0; b < PROBE_BINS; b++)
        model->num_items += config->stock[b];
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    (void)context;
    out[WALKERS] = (AgoraGroup){
        .name = "walkers",
        .agent_name = "walker",
        .num_agents = PROBE_WALKERS,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {WALKER_FEATURES},
        .observation_low = -2,
        .observation_high = 2,
        .action_kind = AGORA_CONTINUOUS,
        .action_parts = 2,
        .action_low = {-1, -1},
        .action_high = {1, 1},
        .num_infos = 2,
        .info_names = {"distance", "stamina"},
    };
    out[PICKERS] = (AgoraGroup){
        .name = "pickers",
        .agent_name = "picker",
        .num_agents = PROBE_PICKERS,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {PICKER_FEATURES},
        .observation_high = 1,
        .action_kind = AGORA_MULTI_DISCRETE,
        .action_parts = 2,
        .choices = {PROBE_PICKS, PROBE_BINS},
        .has_action_mask = true,
        .num_infos = 1,
        .info_names = {"taken"},
    };
    out[CALLER] = (AgoraGroup){
        .name = "caller",
        .agent_name = "caller",
        .num_agents = 1,
        .observation_dtype = AGORA_U8,
        .observation_rank = 3,
        .observation_shape = {PROBE_CELLS, PROBE_CELLS, 3},
        .observation_high = 255,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {PROBE_CALLS},
    };
    return NUM_GROUPS;
}

static const AgoraField STATE_FIELDS[] = {
    {.name = "wind", .dtype = AGORA_F64, .offset = offsetof(ProbeState, wind), .rank = 1, .shape = {2}},
    {.name = "taken", .dtype = AGORA_I64, .offset = offsetof(ProbeState, taken), .rank = 1, .shape = {PROBE_PICKERS}},
    {.name = "melody_position", .dtype = AGORA_I64, .offset = offsetof(ProbeState, melody_position)},
    {.name = "beacon", .dtype = AGORA_F32, .offset = offsetof(ProbeState, beacon), .rank = 1, .shape = {2}},
    {.name = "positions",
     .dtype = AGORA_F32,
     .offset = offsetof(ProbeState, positions),
     .rank = 2,
     .shape = {PROBE_WALKERS, 2}},
    {.name = "steps", .dtype = AGORA_I32, .offset = offsetof(ProbeState, steps)},
    {.name = "stamina", .dtype = AGORA_I16, .offset = offsetof(ProbeState, stamina), .rank = 1, .shape = {PROBE_WALKERS}},
    {.name = "last_call", .dtype = AGORA_I16, .offset = offsetof(ProbeState, last_call)},
    {.name = "bins", .dtype = AGORA_U16, .offset = offsetof(ProbeState, bins), .rank = 1, .shape = {PROBE_BINS}},
    {.name = "right_calls", .dtype = AGORA_U16, .offset = offsetof(ProbeState, right_calls)},
    {.name = "arrivals", .dtype = AGORA_U16, .offset = offsetof(ProbeState, arrivals)},
    {.name = "hands", .dtype = AGORA_U8, .offset = offsetof(ProbeState, hands), .rank = 1, .shape = {PROBE_PICKERS}},
    {.name = "walker_alive",
     .dtype = AGORA_U8,
     .offset = offsetof(ProbeState, walker_alive),
     .rank = 1,
     .shape = {PROBE_WALKERS}},
    {.name = "picker_alive",
     .dtype = AGORA_U8,
     .offset = offsetof(ProbeState, picker_alive),
     .rank = 1,
     .shape = {PROBE_PICKERS}},
    {.name = "caller_alive", .dtype = AGORA_U8, .offset = offsetof(ProbeState, caller_alive)},
    {.name = "mistakes", .dtype = AGORA_U8, .offset = offsetof(ProbeState, mistakes)},
    {.name = "population", .dtype = AGORA_U8, .offset = offsetof(ProbeState, population)},
};

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    (void)context;
    memcpy(out, STATE_FIELDS, sizeof STATE_FIELDS);
    return (int32_t)(sizeof STATE_FIELDS / sizeof STATE_FIELDS[0]);
}

static bool is_on_field(const float position[2]) { return fabsf(position[0]) <= 1 && fabsf(position[1]) <= 1; }

static bool check_walkers(const ProbeConfig *config, const ProbeState *state, AgoraError *error)
{
    if (!is_on_field(state->beacon))
        return agora_fail(error, "beacon must be on the field [-1, 1]^2, got (%g, %g)", (double)state->beacon[0],
                          (double)state->beacon[1]);
    if (!(fabs(state->wind[0]) <= config->gust && fabs(state->wind[1]) <= config->gust))
        return agora_fail(error, "wind must be in [-%g, %g], got (%g, %g)", config->gust, config->gust, state->wind[0],
                          state->wind[1]);
    for (int32_t w = 0; w < PROBE_WALKERS; w++) {
        if (!is_on_field(state->positions[w]))
            return agora_fail(error, "positions[%d] must be on the field [-1, 1]^2, got (%g, %g)", w,
                              (double)state->positions[w][0], (double)state->positions[w][1]);
        if (state->walker_alive[w] > 1)
            return agora_fail(error, "walker_alive[%d] must be 0 or 1, got %d", w, state->walker_alive[w]);
        if (state->stamina[w] < state->walker_alive[w] || state->stamina[w] > config->stamina[1])
            return agora_fail(error, "stamina[%d] must be in [%d, %d], got %d", w, state->walker_alive[w],
                              config->stamina[1], state->stamina[w]);
    }
    if (state->population > PROBE_WALKERS || state->arrivals > PROBE_WALKERS)
        return agora_fail(error, "population and arrivals must be at most %d, got %d and %d", PROBE_WALKERS,
                          state->population, state->arrivals);
    return true;
}

static bool check_pickers(const AgoraContext *context, const ProbeState *state, AgoraError *error)
{
    int32_t items = 0;
    for (int32_t p = 0; p < PROBE_PICKERS; p++) {
        if (state->hands[p] > PROBE_BINS)
            return agora_fail(error, "hands[%d] must be in [0, %d], got %d", p, PROBE_BINS, state->hands[p]);
        if (state->picker_alive[p] > 1)
            return agora_fail(error, "picker_alive[%d] must be 0 or 1, got %d", p, state->picker_alive[p]);
        if (state->taken[p] < 0 || state->taken[p] > config_of(context)->quota - state->picker_alive[p])
            return agora_fail(error, "taken[%d] must be in [0, %lld], got %lld", p,
                              (long long)config_of(context)->quota - state->picker_alive[p],
                              (long long)state->taken[p]);
        items += state->hands[p] > 0;
    }
    for (int32_t b = 0; b < PROBE_BINS; b++)
        items += state->bins[b];
    if (items != model_of(context)->num_items)
        return agora_fail(error, "bins and hands must hold %d items together, got %d", model_of(context)->num_items,
                          items);
    return true;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const ProbeConfig *config = config_of(context);
    const ProbeState *state = state_bytes;
    if (state->steps < 0 || state->steps > config->horizon)
        return agora_fail(error, "steps must be in [0, %d], got %d", config->horizon, state->steps);
    if (state->melody_position < 0 || state->melody_position >= config->melody.count)
        return agora_fail(error, "melody_position must be in [0, %lld), got %lld", (long long)config->melody.count,
                          (long long)state->melody_position);
    if (state->last_call < -1 || state->last_call >= PROBE_CALLS)
        return agora_fail(error, "last_call must be in [-1, %d], got %d", PROBE_CALLS - 1, state->last_call);
    if (state->caller_alive > 1)
        return agora_fail(error, "caller_alive must be 0 or 1, got %d", state->caller_alive);
    if (state->mistakes > config->max_mistakes - state->caller_alive)
        return agora_fail(error, "mistakes must be in [0, %d], got %d", config->max_mistakes - state->caller_alive,
                          state->mistakes);
    return check_walkers(config, state, error) && check_pickers(context, state, error);
}

/* ---- rules ---- */

static float draw_coordinate(AgoraRng *rng) { return (float)(2 * agora_draw_unit(rng) - 1); }

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const ProbeConfig *config = config_of(context);
    ProbeState *state = state_bytes;
    state->beacon[0] = draw_coordinate(rng);
    state->beacon[1] = draw_coordinate(rng);
    state->population = (uint8_t)(1 + agora_draw_below(rng, PROBE_WALKERS));
    uint32_t first = agora_draw_below(rng, PROBE_WALKERS); /* so that each slot is empty sometimes */
    uint32_t range = (uint32_t)(config->stamina[1] - config->stamina[0] + 1);
    for (uint32_t i = 0; i < state->population; i++) {
        uint32_t w = (first + i) % PROBE_WALKERS;
        state->walker_alive[w] = 1;
        state->positions[w][0] = draw_coordinate(rng);
        state->positions[w][1] = draw_coordinate(rng);
        state->stamina[w] = (int16_t)(config->stamina[0] + (int32_t)agora_draw_below(rng, range));
    }
    for (int32_t b = 0; b < PROBE_BINS; b++)
        state->bins[b] = (uint16_t)config->stock[b];
    memset(state->picker_alive, 1, sizeof state->picker_alive);
    state->caller_alive = 1;
    state->last_call = -1;
}

/* What every agent has that does nothing in this step. */
static void clear_outcomes(AgoraView *view, int32_t num_agents, int32_t num_infos)
{
    size_t agents = (size_t)num_agents;
    memset(view->rewards, 0, agents * sizeof(float));
    memset(view->terminations, 0, agents);
    memset(view->truncations, 0, agents);
    for (int32_t i = 0; i < num_infos; i++)
        memset(view->infos[i], 0, agents * sizeof(float));
}

static float clamp_to_field(double coordinate) { return (float)(coordinate < -1 ? -1 : coordinate > 1 ? 1 : coordinate); }

static void move_walker(const ProbeConfig *config, ProbeState *state, int32_t w, AgoraView *view)
{
    const float *velocity = (const float *)view->actions + 2 * w;
    float *position = state->positions[w];
    for (int32_t axis = 0; axis < 2; axis++)
        position[axis] = clamp_to_field((double)position[axis] + (double)config->speed * (double)velocity[axis] +
                                        state->wind[axis]);
    float x = state->beacon[0] - position[0], y = state->beacon[1] - position[1], distance = sqrtf(x * x + y * y);
    bool has_arrived = distance <= config->radius;
    state->stamina[w]--;
    state->arrivals = (uint16_t)(state->arrivals + (has_arrived && state->arrivals < PROBE_WALKERS));
    state->walker_alive[w] = !has_arrived && state->stamina[w] > 0;
    view->rewards[w] = has_arrived ? 1 : state->walker_alive[w] ? -distance / 4 : -1;
    view->terminations[w] = !state->walker_alive[w];
    view->infos[0][w] = distance;
    view->infos[1][w] = state->stamina[w];
}

static void move_walkers(const ProbeConfig *config, AgoraRng *rng, ProbeState *state, AgoraView *view)
{
    clear_outcomes(view, PROBE_WALKERS, 2);
    for (int32_t axis = 0; axis < 2; axis++)
        state->wind[axis] = config->gust * (2 * agora_draw_unit(rng) - 1);
    for (int32_t w = 0; w < PROBE_WALKERS; w++)
        if (state->walker_alive[w])
            move_walker(config, state, w, view);
}

/* What a picker does in this step: its wish, or to wait where the wish is not possible in the state before the step. */
static ProbePick possible_pick(const ProbeState *state, int32_t p, const int32_t *action)
{
    bool can_take = state->hands[p] == 0 && state->bins[action[1]] > 0;
    bool can_put = state->hands[p] != 0;
    bool is_possible = (action[0] == PROBE_TAKE && can_take) || (action[0] == PROBE_PUT && can_put);
    return state->picker_alive[p] && is_possible ? (ProbePick)action[0] : PROBE_WAIT;
}

static void pick(const ProbeConfig *config, ProbeState *state, int32_t p, ProbePick what, int32_t bin, AgoraView *view)
{
    if (what == PROBE_TAKE) {
        state->bins[bin]--;
        state->hands[p] = (uint8_t)(bin + 1);
        state->taken[p]++;
        state->picker_alive[p] = state->taken[p] < config->quota;
    } else if (what == PROBE_PUT) {
        state->bins[bin]++;
        state->hands[p] = 0;
    }
    view->rewards[p] = what == PROBE_TAKE ? config->values[bin] : what == PROBE_PUT ? -config->values[bin] : 0;
    view->terminations[p] = !state->picker_alive[p];
    view->infos[0][p] = (float)state->taken[p];
}

static void move_pickers(const ProbeConfig *config, AgoraRng *rng, ProbeState *state, AgoraView *view)
{
    const int32_t *actions = view->actions;
    ProbePick picks[PROBE_PICKERS];
    bool is_there[PROBE_PICKERS];
    clear_outcomes(view, PROBE_PICKERS, 1);
    for (int32_t p = 0; p < PROBE_PICKERS; p++) {
        is_there[p] = state->picker_alive[p];
        picks[p] = possible_pick(state, p, actions + 2 * p);
    }
    bool do_both_take = picks[0] == PROBE_TAKE && picks[1] == PROBE_TAKE && actions[1] == actions[3];
    if (do_both_take && state->bins[actions[1]] == 1)
        picks[agora_draw_below(rng, PROBE_PICKERS)] = PROBE_WAIT;
    for (int32_t p = 0; p < PROBE_PICKERS; p++)
        if (is_there[p])
            pick(config, state, p, picks[p], actions[2 * p + 1], view);
}

static void call(const AgoraContext *context, ProbeState *state, AgoraView *view)
{
    clear_outcomes(view, 1, 0);
    if (!state->caller_alive)
        return;
    uint8_t expected = next_call(context, state);
    state->last_call = (int16_t)((const int32_t *)view->actions)[0];
    state->melody_position = (state->melody_position + 1) % config_of(context)->melody.count;
    if (state->last_call == expected) {
        state->right_calls = (uint16_t)(state->right_calls + (state->right_calls < UINT16_MAX));
        view->rewards[0] = model_of(context)->call_values[expected];
    } else {
        state->mistakes++;
        view->rewards[0] = -0.5f;
    }
    state->caller_alive = state->mistakes < config_of(context)->max_mistakes;
    view->terminations[0] = !state->caller_alive;
}

/* Who is left when the time is up. Returns how many agents are in the episode still. */
static int32_t truncate(const uint8_t *alive, int32_t num_agents, bool is_time_up, AgoraView *view)
{
    int32_t left = 0;
    for (int32_t i = 0; i < num_agents; i++) {
        view->truncations[i] = is_time_up && alive[i];
        left += alive[i] && !is_time_up;
    }
    return left;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const ProbeConfig *config = config_of(context);
    ProbeState *state = state_bytes;
    move_walkers(config, rng, state, &views[WALKERS]);
    move_pickers(config, rng, state, &views[PICKERS]);
    call(context, state, &views[CALLER]);
    state->steps += state->steps < config->horizon;
    bool is_time_up = state->steps == config->horizon;
    return truncate(state->walker_alive, PROBE_WALKERS, is_time_up, &views[WALKERS]) +
               truncate(state->picker_alive, PROBE_PICKERS, is_time_up, &views[PICKERS]) +
               truncate(&state->caller_alive, 1, is_time_up, &views[CALLER]) ==
           0;
}

/* ---- observations ---- */

static float time_of(const ProbeConfig *config, const ProbeState *state)
{
    return (float)state->steps / (float)config->horizon;
}

static void observe_walker(const ProbeConfig *config, const ProbeState *state, int32_t w, float *features)
{
    const float *own = state->positions[w];
    memset(features, 0, WALKER_FEATURES * sizeof *features);
    if (!state->walker_alive[w])
        return;
    for (int32_t axis = 0; axis < 2; axis++) {
        features[axis] = own[axis];
        features[2 + axis] = state->beacon[axis] - own[axis];
    }
    for (int32_t k = 1; k < PROBE_WALKERS; k++) {
        int32_t other = (w + k) % PROBE_WALKERS;
        float *relative = features + 4 + 3 * (k - 1);
        if (!state->walker_alive[other])
            continue;
        relative[0] = state->positions[other][0] - own[0];
        relative[1] = state->positions[other][1] - own[1];
        relative[2] = 1;
    }
    features[WALKER_FEATURES - 2] = (float)state->stamina[w] / (float)config->stamina[1];
    features[WALKER_FEATURES - 1] = time_of(config, state);
}

static void observe_picker(const AgoraContext *context, const ProbeState *state, int32_t p, float *features)
{
    int32_t items = model_of(context)->num_items;
    memset(features, 0, PICKER_FEATURES * sizeof *features);
    if (!state->picker_alive[p])
        return;
    for (int32_t b = 0; b < PROBE_BINS && items > 0; b++)
        features[b] = (float)state->bins[b] / (float)items;
    features[PROBE_BINS + state->hands[p]] = 1;
    features[PROBE_BINS + PROBE_BINS + 1 + state->hands[1 - p]] = 1;
    features[PICKER_FEATURES - 2] = (float)state->taken[p] / (float)config_of(context)->quota;
    features[PICKER_FEATURES - 1] = time_of(config_of(context), state);
}

/* Parts side by side. A bin without items is of use to a full hand only; when all are empty, any may be named. */
static void mask_picks(const ProbeState *state, int32_t p, uint8_t *mask)
{
    uint8_t *bins = mask + PROBE_PICKS;
    bool is_full = state->hands[p] != 0, has_items = false;
    memset(mask, 0, PICKER_CHOICES);
    mask[PROBE_WAIT] = 1;
    if (!state->picker_alive[p]) { /* one action is left to an agent that is out */
        bins[0] = 1;
        return;
    }
    for (int32_t b = 0; b < PROBE_BINS; b++)
        has_items |= state->bins[b] > 0;
    for (int32_t b = 0; b < PROBE_BINS; b++)
        bins[b] = is_full || !has_items || state->bins[b] > 0;
    mask[PROBE_TAKE] = !is_full && has_items;
    mask[PROBE_PUT] = is_full;
}

static uint8_t *pixel(uint8_t *picture, int32_t row, int32_t column, int32_t channel)
{
    return picture + (row * PROBE_CELLS + column) * 3 + channel;
}

/* The field's pixel at a position in [-1, 1]^2. */
static uint8_t *pixel_at(uint8_t *picture, const float position[2], int32_t channel)
{
    int32_t cell[2];
    for (int32_t axis = 0; axis < 2; axis++) {
        cell[axis] = (int32_t)((position[axis] + 1) * (PROBE_CELLS / 2.0f));
        if (cell[axis] == PROBE_CELLS)
            cell[axis]--; /* the far edge belongs to the last cell */
    }
    return pixel(picture, cell[1], cell[0], channel);
}

static void observe_caller(const AgoraContext *context, const ProbeState *state, uint8_t *picture)
{
    memset(picture, 0, PICTURE_SIZE);
    if (!state->caller_alive)
        return;
    for (int32_t w = 0; w < PROBE_WALKERS; w++)
        if (state->walker_alive[w])
            *pixel_at(picture, state->positions[w], 0) += 80;
    *pixel_at(picture, state->beacon, 1) = 255;
    *pixel(picture, 0, next_call(context, state), 2) = 255;
    if (state->last_call >= 0)
        *pixel(picture, 1, state->last_call, 2) = 255;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const ProbeState *state = state_bytes;
    for (int32_t w = 0; w < PROBE_WALKERS; w++)
        observe_walker(config_of(context), state, w, (float *)views[WALKERS].observations + w * WALKER_FEATURES);
    for (int32_t p = 0; p < PROBE_PICKERS; p++) {
        observe_picker(context, state, p, (float *)views[PICKERS].observations + p * PICKER_FEATURES);
        mask_picks(state, p, views[PICKERS].action_masks + p * PICKER_CHOICES);
    }
    observe_caller(context, state, views[CALLER].observations);
    memcpy(views[WALKERS].alive, state->walker_alive, PROBE_WALKERS);
    memcpy(views[PICKERS].alive, state->picker_alive, PROBE_PICKERS);
    *views[CALLER].alive = state->caller_alive;
}

/* ---- statistics ---- */

static const char *const STATISTIC_NAMES[] = {"population", "arrivals", "taken", "right_calls"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    (void)context;
    const ProbeState *state = state_bytes;
    values[0] = state->population;
    values[1] = state->arrivals;
    values[2] = (double)(state->taken[0] + state->taken[1]);
    values[3] = state->right_calls;
}

const AgoraWorld agora_probe = {
    .name = "probe",
    .config_size = sizeof(ProbeConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(ProbeState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTIC_NAMES / sizeof STATISTIC_NAMES[0],
    .statistic_names = STATISTIC_NAMES,
    .statistics = statistics,
};
