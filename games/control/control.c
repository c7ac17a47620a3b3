#include "control.h"

#include "physics.h"

#include <math.h>
#include <string.h>

enum { PROTAGONIST, ADVERSARY, NUM_GROUPS }; /* indices of the groups */

static const ControlConfig *config_of(const AgoraContext *context) { return context->config; }

static int32_t num_motors(const ControlConfig *config) { return config->task == CONTROL_POINT_MASS ? 2 : 1; }

static int32_t num_pushes(const ControlConfig *config)
{
    return config->task == CONTROL_POINT_MASS && config->wind != CONTROL_PLANE ? 1 : 2;
}

/* ---- config ---- */

#define SCALAR(member, type) {.name = #member, .dtype = type, .offset = offsetof(ControlConfig, member)}

static const AgoraField CONFIG_FIELDS[] = {
    {.name = "variants", .dtype = AGORA_F64, .offset = offsetof(ControlConfig, variants), .is_span = true},
    {.name = "contexts",
     .dtype = AGORA_F64,
     .offset = offsetof(ControlConfig, contexts),
     .rank = 1,
     .shape = {CONTROL_MAX_CONTEXTS},
     .is_live = true},
    {.name = "num_contexts",
     .dtype = AGORA_I32,
     .offset = offsetof(ControlConfig, num_contexts),
     .is_live = true},
    SCALAR(task, AGORA_I32),
    SCALAR(wind, AGORA_I32),
    {.name = "nominal_masses",
     .dtype = AGORA_F64,
     .offset = offsetof(ControlConfig, nominal_masses),
     .rank = 1,
     .shape = {2}},
    SCALAR(motor, AGORA_F64),
    SCALAR(timestep, AGORA_F64),
    SCALAR(substeps, AGORA_I32),
    SCALAR(horizon, AGORA_I32),
    SCALAR(starts_upright, AGORA_U8),
    SCALAR(inertia_follows_mass, AGORA_U8),
    SCALAR(shows_context, AGORA_U8),
    SCALAR(context_scales_force, AGORA_U8),
    {0},
};

static bool check_number(const char *name, double value, double low, double high, AgoraError *error)
{
    if (!(value >= low && value <= high))
        return agora_fail(error, "%s must be in [%g, %g], got %g", name, low, high, value);
    return true;
}

static bool check_body(const ControlBody *body, AgoraError *error)
{
    for (int32_t i = 0; i < 2; i++)
        if (!check_number("masses", body->masses[i], CONTROL_MIN_MASS, CONTROL_MAX_MASS, error) ||
            !check_number("lengths", body->lengths[i], CONTROL_MIN_LENGTH, CONTROL_MAX_LENGTH, error) ||
            !check_number("damping", body->damping[i], 0, CONTROL_MAX_DAMPING, error))
            return false;
    return check_number("force", body->force, 0, CONTROL_MAX_FORCE, error);
}

static bool check_lists(const ControlConfig *config, AgoraError *error)
{
    int64_t count = config->variants.count;
    if (count < CONTROL_VARIANT_SIZE || count % CONTROL_VARIANT_SIZE != 0 ||
        count > (int64_t)CONTROL_MAX_VARIANTS * CONTROL_VARIANT_SIZE)
        return agora_fail(error, "variants must be 1 to %d rows of %d numbers, got %lld numbers", CONTROL_MAX_VARIANTS,
                          CONTROL_VARIANT_SIZE, (long long)count);
    const ControlBody *bodies = config->variants.data;
    for (int64_t i = 0; i < count / CONTROL_VARIANT_SIZE; i++)
        if (!check_body(&bodies[i], error))
            return false;
    if (!agora_check_range("num_contexts", config->num_contexts, 1, CONTROL_MAX_CONTEXTS, error))
        return false;
    for (int32_t i = 0; i < CONTROL_MAX_CONTEXTS; i++)
        if (!check_number("contexts", config->contexts[i], -CONTROL_MAX_CONTEXT, CONTROL_MAX_CONTEXT, error))
            return false;
    return true;
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const ControlConfig *config = config_bytes;
    for (int32_t i = 0; i < 2; i++)
        if (!check_number("nominal_masses", config->nominal_masses[i], CONTROL_MIN_MASS, CONTROL_MAX_MASS, error))
            return false;
    return agora_check_range("task", config->task, 0, CONTROL_NUM_TASKS - 1, error) &&
           agora_check_range("wind", config->wind, 0, CONTROL_NUM_WINDS - 1, error) &&
           agora_check_range("substeps", config->substeps, 1, CONTROL_MAX_SUBSTEPS, error) &&
           agora_check_range("horizon", config->horizon, 1, INT32_MAX, error) &&
           check_number("motor", config->motor, 0, CONTROL_MAX_FORCE, error) &&
           check_number("timestep", config->timestep, 1e-6, 1, error) && check_lists(config, error);
}

/* ---- spaces and state ---- */

static int32_t num_features(const ControlConfig *config)
{
    static const int32_t FEATURES[CONTROL_NUM_TASKS] = {4, 3, 5, 6};
    return FEATURES[config->task] + config->shows_context;
}

static AgoraGroup make_group(const ControlConfig *config, const char *name, int32_t parts)
{
    float most = (float)(config->shows_context ? CONTROL_MAX_CONTEXT : CONTROL_MAX_SPEED);
    AgoraGroup group = {
        .num_agents = 1,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {num_features(config)},
        .observation_low = -most,
        .observation_high = most,
        .action_kind = AGORA_CONTINUOUS,
        .action_parts = parts,
        .action_low = {-1, -1},
        .action_high = {1, 1},
    };
    strcpy(group.name, name);
    strcpy(group.agent_name, name);
    return group;
}

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const ControlConfig *config = config_of(context);
    out[PROTAGONIST] = make_group(config, "protagonist", num_motors(config));
    out[ADVERSARY] = make_group(config, "adversary", num_pushes(config));
    out[ADVERSARY].num_infos = 2;
    out[ADVERSARY].info_names[0] = "force_x";
    out[ADVERSARY].info_names[1] = "force_z";
    return NUM_GROUPS;
}

#define FIELD(member, type, of_rank, ...)                                                                              \
    {.name = #member, .dtype = type, .offset = offsetof(ControlState, member), .rank = of_rank, .shape = {__VA_ARGS__}}
#define BODY_FIELD(member, of_rank, ...)                                                                               \
    {.name = #member,                                                                                                  \
     .dtype = AGORA_F64,                                                                                               \
     .offset = offsetof(ControlState, body.member),                                                                    \
     .rank = of_rank,                                                                                                  \
     .shape = {__VA_ARGS__}}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    static const AgoraField FIELDS[] = {
        FIELD(coordinates, AGORA_F64, 1, CONTROL_COORDINATES), FIELD(speeds, AGORA_F64, 1, CONTROL_COORDINATES),
        BODY_FIELD(masses, 1, 2), BODY_FIELD(lengths, 1, 2), BODY_FIELD(damping, 1, 2), BODY_FIELD(force, 0, 0),
        FIELD(context, AGORA_F64, 0, 0), FIELD(controls, AGORA_F64, 1, 2), FIELD(forces, AGORA_F64, 1, 2),
        FIELD(total_force, AGORA_F64, 0, 0), FIELD(variant, AGORA_I32, 0, 0), FIELD(timestep, AGORA_I32, 0, 0),
        FIELD(has_arrived, AGORA_U8, 0, 0),
    };
    (void)context;
    memcpy(out, FIELDS, sizeof FIELDS);
    return (int32_t)(sizeof FIELDS / sizeof FIELDS[0]);
}

static bool check_pair(const char *name, const double values[2], double most, AgoraError *error)
{
    return check_number(name, values[0], -most, most, error) && check_number(name, values[1], -most, most, error);
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const ControlConfig *config = config_of(context);
    const ControlState *state = state_bytes;
    int32_t last = (int32_t)(config->variants.count / CONTROL_VARIANT_SIZE) - 1;
    for (int32_t i = 0; i < (int32_t)sizeof state->padding; i++)
        if (state->padding[i])
            return agora_fail(error, "the state's padding is not zero");
    double widest = config->task == CONTROL_POINT_MASS ? CONTROL_BOX : CONTROL_MAX_ANGLE;
    return check_body(&state->body, error) && check_pair("coordinates", state->coordinates, widest, error) &&
           check_pair("speeds", state->speeds, CONTROL_MAX_SPEED, error) &&
           check_pair("controls", state->controls, CONTROL_MAX_FORCE, error) &&
           check_pair("forces", state->forces, CONTROL_MAX_FORCE * CONTROL_MAX_CONTEXT, error) &&
           check_number("context", state->context, -CONTROL_MAX_CONTEXT, CONTROL_MAX_CONTEXT, error) &&
           check_number("total_force", state->total_force, 0, HUGE_VAL, error) &&
           agora_check_range("variant", state->variant, 0, last, error) &&
           agora_check_range("timestep", state->timestep, 0, config->horizon, error) &&
           agora_check_range("has_arrived", state->has_arrived, 0, 1, error);
}

/* ---- starts ---- */

static double draw_between(AgoraRng *rng, double low, double high) { return low + (high - low) * agora_draw_unit(rng); }

/* Box and Muller's. */
static double draw_normal(AgoraRng *rng)
{
    double size = sqrt(-2 * log(1 - agora_draw_unit(rng)));
    return size * cos(2 * CONTROL_PI * agora_draw_unit(rng));
}

static void start_cartpole(const ControlConfig *config, AgoraRng *rng, ControlState *state)
{
    if (config->starts_upright) {
        state->coordinates[0] = draw_between(rng, -0.1, 0.1);
        state->coordinates[1] = draw_between(rng, -0.034, 0.034);
    } else {
        state->coordinates[0] = 0.01 * draw_normal(rng);
        state->coordinates[1] = CONTROL_PI + 0.01 * draw_normal(rng);
    }
    for (int32_t i = 0; i < 2; i++)
        state->speeds[i] = 0.01 * draw_normal(rng);
}

/* The suite's starts; the point mass in the middle of its side. */
static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const ControlConfig *config = config_of(context);
    ControlState *state = state_bytes;
    uint32_t variants = (uint32_t)(config->variants.count / CONTROL_VARIANT_SIZE);
    state->variant = (int32_t)agora_draw_below(rng, variants);
    state->body = ((const ControlBody *)config->variants.data)[state->variant];
    state->context = config->contexts[agora_draw_below(rng, (uint32_t)config->num_contexts)];
    if (config->task == CONTROL_POINT_MASS)
        state->coordinates[1] = -CONTROL_GOAL_Y;
    else if (config->task == CONTROL_CARTPOLE)
        start_cartpole(config, rng, state);
    else
        for (int32_t i = 0; i < control_num_coordinates(config->task); i++)
            state->coordinates[i] = draw_between(rng, -CONTROL_PI, CONTROL_PI);
}

/* ---- rewards ---- */

/* dm_control's: 1 at 0, 0.1 at the margin, the bell curve between and beyond. */
static double near_zero(double value, double margin)
{
    double x = value / margin;
    return exp(x * x * log(0.1));
}

static double reward_cartpole(const ControlConfig *config, const ControlState *state)
{
    double effort = config->motor > 0 ? state->controls[0] / config->motor : 0;
    double upright = (cos(state->coordinates[1]) + 1) / 2;
    double centred = (1 + near_zero(state->coordinates[0], 2)) / 2;
    double calm = (1 + near_zero(state->speeds[1], 5)) / 2;
    return upright * (4 + fmax(0, 1 - effort * effort)) / 5 * calm * centred;
}

static double goal_distance(const ControlState *state)
{
    return hypot(state->coordinates[0], state->coordinates[1] - CONTROL_GOAL_Y);
}

/* In [0, 1] for the suite's tasks, in [-1, 0] for the point mass. */
static double reward(const ControlConfig *config, const ControlState *state)
{
    switch (config->task) {
    case CONTROL_POINT_MASS:
        return state->has_arrived ? 0 : exp(-goal_distance(state)) - 1;
    case CONTROL_PENDULUM:
        return cos(state->coordinates[0]) >= cos(8 * CONTROL_PI / 180) ? 1 : 0;
    case CONTROL_CARTPOLE:
        return reward_cartpole(config, state);
    default: {
        double beyond = control_tip_distance(state) - 0.2;
        return beyond <= 0 ? 1 : near_zero(beyond, 1);
    }
    }
}

/* ---- a step ---- */

/* Actions to newtons and newton metres. */
static void apply(const ControlConfig *config, ControlState *state, const float *motors, const float *pushes)
{
    double most = state->body.force * (config->context_scales_force ? state->context : 1);
    for (int32_t i = 0; i < num_motors(config); i++)
        state->controls[i] = config->motor * (double)motors[i];
    for (int32_t i = 0; i < num_pushes(config); i++)
        state->forces[i] = most * (double)pushes[i];
    if (config->task == CONTROL_POINT_MASS && config->wind == CONTROL_LEFT_ONLY)
        state->forces[0] = most * ((double)pushes[0] - 1) / 2;
    state->total_force += hypot(state->forces[0], state->forces[1]);
}

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    const ControlConfig *config = config_of(context);
    ControlState *state = state_bytes;
    (void)rng;
    apply(config, state, views[PROTAGONIST].actions, views[ADVERSARY].actions);
    control_advance(config, state);
    state->has_arrived = config->task == CONTROL_POINT_MASS && goal_distance(state) <= 0.1;
    double value = reward(config, state);
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool is_over = state->has_arrived || state->timestep >= config->horizon;
    for (int32_t g = 0; g < NUM_GROUPS; g++) {
        views[g].rewards[0] = (float)(g == PROTAGONIST ? value : -value);
        views[g].terminations[0] = state->has_arrived;
        views[g].truncations[0] = is_over && !state->has_arrived;
    }
    for (int32_t i = 0; i < 2; i++)
        views[ADVERSARY].infos[i][0] = (float)state->forces[i];
    return is_over;
}

/* ---- observations ---- */

static int32_t show_body(const ControlConfig *config, const ControlState *state, float *out)
{
    const double *q = state->coordinates, *v = state->speeds;
    double features[6] = {q[0], q[1], v[0], v[1]};
    int32_t n = 4;
    if (config->task == CONTROL_PENDULUM) {
        memcpy(features, (double[]){cos(q[0]), sin(q[0]), v[0]}, 3 * sizeof *features);
        n = 3;
    } else if (config->task == CONTROL_CARTPOLE) {
        memcpy(features, (double[]){q[0], cos(q[1]), sin(q[1]), v[0], v[1]}, 5 * sizeof *features);
        n = 5;
    } else if (config->task == CONTROL_ACROBOT) {
        double lower = q[0] + q[1];
        memcpy(features, (double[]){sin(q[0]), sin(lower), cos(q[0]), cos(lower), v[0], v[1]}, sizeof features);
        n = 6;
    }
    for (int32_t i = 0; i < n; i++)
        out[i] = (float)features[i];
    return n;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const ControlConfig *config = config_of(context);
    const ControlState *state = state_bytes;
    for (int32_t g = 0; g < NUM_GROUPS; g++) {
        float *out = views[g].observations;
        int32_t n = show_body(config, state, out);
        if (config->shows_context)
            out[n] = (float)state->context;
        views[g].alive[0] = 1;
    }
}

/* ---- statistics ---- */

static const char *const STATISTIC_NAMES[] = {"arrivals", "mean_force", "variant", "context"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    const ControlState *state = state_bytes;
    (void)context;
    values[0] = state->has_arrived;
    values[1] = state->timestep > 0 ? state->total_force / state->timestep : 0;
    values[2] = state->variant;
    values[3] = state->context;
}

const AgoraWorld agora_control = {
    .name = "control",
    .config_size = sizeof(ControlConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(ControlState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTIC_NAMES / sizeof *STATISTIC_NAMES,
    .statistic_names = STATISTIC_NAMES,
    .statistics = statistics,
};
