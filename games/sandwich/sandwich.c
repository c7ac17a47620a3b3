#include "sandwich.h"

#include <string.h>

/* ---- config ---- */

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "sides", .dtype = AGORA_U8, .offset = offsetof(SandwichConfig, sides), .is_span = true},
    {.name = "recipe", .dtype = AGORA_U8, .offset = offsetof(SandwichConfig, recipe), .is_span = true},
    {.name = "horizon", .dtype = AGORA_I32, .offset = offsetof(SandwichConfig, horizon)},
    {0},
};

static int32_t num_foods(const SandwichConfig *config) { return (int32_t)config->sides.count; }
static int32_t num_layers(const SandwichConfig *config) { return (int32_t)config->recipe.count; }
static int32_t side_of(const SandwichConfig *config, int32_t food) { return ((const uint8_t *)config->sides.data)[food]; }
static int32_t layer(const SandwichConfig *config, int32_t place)
{
    return ((const uint8_t *)config->recipe.data)[place];
}

/* Where in the recipe a food stands; the recipe's length when it has no place there. */
static int32_t place_of(const SandwichConfig *config, int32_t food)
{
    int32_t place = 0;
    while (place < num_layers(config) && layer(config, place) != food)
        place++;
    return place;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const SandwichConfig *config = config_bytes;
    if (config->sides.count < 1 || config->sides.count > SANDWICH_MAX_FOODS)
        return agora_fail(error, "sides must name 1 to %d foods, got %lld", SANDWICH_MAX_FOODS,
                          (long long)config->sides.count);
    if (config->recipe.count < 1 || config->recipe.count > config->sides.count)
        return agora_fail(error, "recipe must have 1 to %d foods, got %lld", num_foods(config),
                          (long long)config->recipe.count);
    for (int32_t food = 0; food < num_foods(config); food++)
        if (!agora_check_range("sides", side_of(config, food), 0, SANDWICH_ROBOTS - 1, error))
            return false;
    for (int32_t place = 0; place < num_layers(config); place++) {
        if (!agora_check_range("recipe", layer(config, place), 0, num_foods(config) - 1, error))
            return false;
        if (place_of(config, layer(config, place)) != place)
            return agora_fail(error, "recipe has food %d twice", layer(config, place));
    }
    return agora_check_range("horizon", config->horizon, 1, INT32_MAX, error);
}

/* ---- model ---- */

typedef struct Recipe {
    int32_t places[SANDWICH_MAX_FOODS]; /* of each food */
} Recipe;

static size_t model_size(const void *config)
{
    (void)config;
    return sizeof(Recipe);
}

static void build_model(const void *config, void *model)
{
    for (int32_t food = 0; food < num_foods(config); food++)
        ((Recipe *)model)->places[food] = place_of(config, food);
}

/* ---- actions ---- */

typedef enum Verb { WAIT, PICK, PUT_ON_FOOD, PUT_ON_BOARD, PUT_ON_TABLE } Verb;

static Verb verb_of(int32_t foods, int32_t action, int32_t *food)
{
    *food = action == 0 ? 0 : (action - 1) % foods;
    if (action == 0)
        return WAIT;
    if (action > 2 * foods)
        return action == 2 * foods + 1 ? PUT_ON_BOARD : PUT_ON_TABLE;
    return action <= foods ? PICK : PUT_ON_FOOD;
}

static bool is_put(Verb verb) { return verb >= PUT_ON_FOOD; }

static bool has_next(const SandwichConfig *config, const SandwichState *state, int32_t robot)
{
    return state->height < num_layers(config) && state->hands[robot] == layer(config, state->height);
}

/* Whether a robot may do this now, whatever the other does. */
static bool is_legal(const AgoraContext *context, const SandwichState *state, int32_t robot, int32_t action)
{
    const SandwichConfig *config = context->config;
    int32_t food, held = state->hands[robot];
    switch (verb_of(num_foods(config), action, &food)) {
    case WAIT: return true;
    case PICK: {
        bool is_stacked = ((const Recipe *)context->model)->places[food] < state->height;
        return held == SANDWICH_NOTHING && side_of(config, food) == robot && !is_stacked;
    }
    case PUT_ON_FOOD: return has_next(config, state, robot) && state->height > 0 &&
                             layer(config, state->height - 1) == food;
    case PUT_ON_BOARD: return has_next(config, state, robot) && state->height == 0;
    case PUT_ON_TABLE: return held != SANDWICH_NOTHING;
    }
    return false;
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    int32_t foods = num_foods(context->config);
    out[0] = (AgoraGroup){
        .name = "robots",
        .agent_name = "robot",
        .num_agents = SANDWICH_ROBOTS,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {6 * foods + 3},
        .observation_high = 1,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {2 * foods + 3},
        .has_action_mask = true,
    };
    return 1;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    (void)context;
    out[0] = (AgoraField){.name = "timestep", .dtype = AGORA_I32, .offset = offsetof(SandwichState, timestep)};
    out[1] = (AgoraField){.name = "height", .dtype = AGORA_U8, .offset = offsetof(SandwichState, height)};
    out[2] = (AgoraField){.name = "hands",
                          .dtype = AGORA_U8,
                          .offset = offsetof(SandwichState, hands),
                          .rank = 1,
                          .shape = {SANDWICH_ROBOTS}};
    return 3;
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const SandwichConfig *config = context->config;
    const SandwichState *state = state_bytes;
    if (!agora_check_range("timestep", state->timestep, 0, config->horizon, error) ||
        !agora_check_range("height", state->height, 0, num_layers(config), error))
        return false;
    for (int32_t robot = 0; robot < SANDWICH_ROBOTS; robot++) {
        int32_t held = state->hands[robot];
        if (held == SANDWICH_NOTHING)
            continue;
        if (held >= num_foods(config) || side_of(config, held) != robot || place_of(config, held) < state->height)
            return agora_fail(error, "hands: robot %d cannot hold %d", robot, held);
    }
    if (state->padding)
        return agora_fail(error, "the state's padding must be zero");
    return true;
}

/* ---- rules ---- */

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    (void)context, (void)rng;
    SandwichState *state = state_bytes;
    memset(state->hands, SANDWICH_NOTHING, sizeof state->hands);
}

/* Returns the reward. What a robot does depends on the other only where both PUT, and then neither happens. */
static int32_t act(const AgoraContext *context, SandwichState *state, const int32_t *actions)
{
    int32_t foods = num_foods(context->config), food, reward = 0;
    bool may_put = !(is_put(verb_of(foods, actions[0], &food)) && is_put(verb_of(foods, actions[1], &food)));
    for (int32_t robot = 0; robot < SANDWICH_ROBOTS; robot++) {
        Verb verb = verb_of(foods, actions[robot], &food);
        if (!is_legal(context, state, robot, actions[robot]))
            continue;
        if (verb == PICK)
            state->hands[robot] = (uint8_t)food;
        if (is_put(verb) && may_put) {
            state->hands[robot] = SANDWICH_NOTHING;
            reward = verb != PUT_ON_TABLE;
        }
    }
    state->height = (uint8_t)(state->height + reward);
    return reward;
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    (void)rng;
    const SandwichConfig *config = context->config;
    SandwichState *state = state_bytes;
    int32_t reward = act(context, state, views[0].actions);
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool is_done = state->height == num_layers(config);
    bool is_late = !is_done && state->timestep >= config->horizon;
    for (int32_t robot = 0; robot < SANDWICH_ROBOTS; robot++) {
        views[0].rewards[robot] = (float)reward;
        views[0].terminations[robot] = is_done;
        views[0].truncations[robot] = is_late;
    }
    return is_done || is_late;
}

/* ---- observations ---- */

static void show_food(const AgoraContext *context, const SandwichState *state, int32_t robot, int32_t food, float *out)
{
    int32_t place = ((const Recipe *)context->model)->places[food], layers = num_layers(context->config);
    out[0] = side_of(context->config, food) == robot;
    out[1] = place < state->height;
    out[2] = place == state->height && place < layers;
    out[3] = place < layers ? (float)(place + 1) / (float)layers : 0;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const SandwichConfig *config = context->config;
    const SandwichState *state = state_bytes;
    int32_t foods = num_foods(config), size = 6 * foods + 3, choices = 2 * foods + 3;
    float *observations = views[0].observations;
    memset(observations, 0, (size_t)(SANDWICH_ROBOTS * size) * sizeof *observations);
    for (int32_t robot = 0; robot < SANDWICH_ROBOTS; robot++) {
        float *out = observations + robot * size;
        int32_t own = state->hands[robot], other = state->hands[1 - robot];
        out[own == SANDWICH_NOTHING ? foods : own] = 1;
        out[foods + 1 + (other == SANDWICH_NOTHING ? foods : other)] = 1;
        for (int32_t food = 0; food < foods; food++)
            show_food(context, state, robot, food, out + 2 * foods + 2 + 4 * food);
        out[size - 1] = (float)state->timestep / (float)config->horizon;
        for (int32_t action = 0; action < choices; action++)
            views[0].action_masks[robot * choices + action] = is_legal(context, state, robot, action);
        views[0].alive[robot] = 1;
    }
}

/* ---- table ---- */

static const char *const STATISTICS[] = {"is_done"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    values[0] = ((const SandwichState *)state_bytes)->height == num_layers(context->config);
}

const AgoraWorld agora_sandwich = {
    .name = "sandwich",
    .config_size = sizeof(SandwichConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(SandwichState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTICS / sizeof STATISTICS[0],
    .statistic_names = STATISTICS,
    .statistics = statistics,
};
