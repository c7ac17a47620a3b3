#include "one_step.h"

#include "../welfare/power.h"
#include "../welfare/social.h"

#include <math.h>
#include <string.h>

enum { WORKERS, PLANNER, NUM_GROUPS }; /* indices of the groups */

static const double MAX_COST = 1e6, MAX_EXPONENT = 6, MAX_WAGE = 1e6, MAX_WEALTH = TAX_MAX_COIN;

static const OneStepConfig *config_of(const AgoraContext *context) { return context->config; }
static const OneStepModel *model_of(const AgoraContext *context) { return context->model; }
static int32_t num_workers(const OneStepConfig *config) { return (int32_t)config->skills.count; }
static double skill_of(const OneStepConfig *config, int32_t i) { return ((const double *)config->skills.data)[i]; }

/* ---- config and model ---- */

static const AgoraField CONFIG_FIELDS[] = {
    TAX_CONFIG_FIELDS(OneStepConfig),
    {.name = "skills", .dtype = AGORA_F64, .offset = offsetof(OneStepConfig, skills), .is_span = true},
    {.name = "max_skill", .dtype = AGORA_F64, .offset = offsetof(OneStepConfig, max_skill)},
    {.name = "hours", .dtype = AGORA_I32, .offset = offsetof(OneStepConfig, hours)},
    {.name = "utility", .dtype = AGORA_I32, .offset = offsetof(OneStepConfig, utility)},
    {.name = "labor_cost", .dtype = AGORA_F64, .offset = offsetof(OneStepConfig, labor_cost)},
    {.name = "labor_exponent", .dtype = AGORA_F64, .offset = offsetof(OneStepConfig, labor_exponent)},
    {.name = "isoelastic_eta", .dtype = AGORA_F64, .offset = offsetof(OneStepConfig, isoelastic_eta)},
    {.name = "objective", .dtype = AGORA_I32, .offset = offsetof(OneStepConfig, objective)},
    {.name = "equality_weight", .dtype = AGORA_F64, .offset = offsetof(OneStepConfig, equality_weight)},
    {.name = "horizon", .dtype = AGORA_I32, .offset = offsetof(OneStepConfig, horizon)},
    {0},
};

static bool check_number(const char *name, double value, double low, double high, AgoraError *error)
{
    return (value >= low && value <= high) ||
           agora_fail(error, "%s must be in [%g, %g], got %g", name, low, high, value);
}

static bool check_config(const void *config_bytes, AgoraError *error)
{
    const OneStepConfig *config = config_bytes;
    if (config->skills.count < 1 || config->skills.count > ONE_STEP_MAX_WORKERS)
        return agora_fail(error, "there must be 1 to %d workers, got %lld skills", ONE_STEP_MAX_WORKERS,
                          (long long)config->skills.count);
    if (!check_number("max_skill", config->max_skill, 1e-9, MAX_WAGE, error))
        return false;
    for (int32_t i = 0; i < num_workers(config); i++)
        if (!(skill_of(config, i) >= 0 && skill_of(config, i) <= config->max_skill))
            return agora_fail(error, "skills[%d] must be in [0, %g], got %g", i, config->max_skill, skill_of(config, i));
    if (config->horizon < 1)
        return agora_fail(error, "horizon must be at least 1, got %d", config->horizon);
    return check_number("hours", config->hours, 1, ONE_STEP_MAX_HOURS, error) &&
           check_number("utility", config->utility, 0, ONE_STEP_ISOELASTIC, error) &&
           check_number("labor_cost", config->labor_cost, 0, MAX_COST, error) &&
           check_number("labor_exponent", config->labor_exponent, 1, MAX_EXPONENT, error) &&
           check_number("isoelastic_eta", config->isoelastic_eta, 0, 1, error) &&
           check_number("objective", config->objective, 0, WELFARE_NUM_OBJECTIVES - 1, error) &&
           check_number("equality_weight", config->equality_weight, 0, 1, error) &&
           tax_check_config(&config->tax, error);
}

static size_t model_size(const void *config)
{
    (void)config;
    return sizeof(OneStepModel);
}

static void build_model(const void *config_bytes, void *model_bytes)
{
    const OneStepConfig *config = config_bytes;
    OneStepModel *model = model_bytes;
    for (int32_t h = 0; h <= config->hours; h++)
        model->labor_costs[h] =
            config->labor_cost * (config->utility == ONE_STEP_ISOELASTIC ? h : welfare_power(h, config->labor_exponent));
}

/* ---- spaces and state ---- */

static int32_t groups(const AgoraContext *context, AgoraGroup out[AGORA_MAX_GROUPS])
{
    const OneStepConfig *config = config_of(context);
    int32_t workers = num_workers(config), brackets = tax_num_brackets(&config->tax);
    out[WORKERS] = (AgoraGroup){
        .name = "workers",
        .agent_name = "worker",
        .num_agents = workers,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {brackets + workers + 6},
        .observation_low = -(float)TAX_MAX_COIN,
        .observation_high = (float)TAX_MAX_COIN,
        .action_kind = AGORA_DISCRETE,
        .action_parts = 1,
        .choices = {1 + config->hours},
        .has_action_mask = true,
        .num_infos = 3,
        .info_names = {"income", "tax", "marginal_rate"},
    };
    out[PLANNER] = (AgoraGroup){
        .name = "planner",
        .agent_name = "planner",
        .num_agents = 1,
        .observation_dtype = AGORA_F32,
        .observation_rank = 1,
        .observation_shape = {brackets + 4 * workers + 6},
        .observation_low = -(float)TAX_MAX_COIN,
        .observation_high = (float)TAX_MAX_COIN,
        .num_infos = 1,
        .info_names = {"tax_day"},
    };
    tax_planner_actions(&config->tax, &out[PLANNER]);
    return NUM_GROUPS;
}

static int32_t state_fields(const AgoraContext *context, AgoraField out[AGORA_MAX_FIELDS])
{
    const OneStepConfig *config = config_of(context);
    int32_t workers = num_workers(config), count = 0;
#define PER_WORKER(label, member, type)                                                                                \
    out[count++] = (AgoraField){                                                                                       \
        .name = label, .dtype = type, .offset = offsetof(OneStepState, member), .rank = 1, .shape = {workers}}
    PER_WORKER("coin", coin, AGORA_F64);
    PER_WORKER("labor", labor, AGORA_I32);
    PER_WORKER("production", production, AGORA_F64);
    PER_WORKER("utilities", utilities, AGORA_F64);
#undef PER_WORKER
    out[count++] = (AgoraField){.name = "welfare", .dtype = AGORA_F64, .offset = offsetof(OneStepState, welfare)};
    out[count++] = (AgoraField){.name = "timestep", .dtype = AGORA_I32, .offset = offsetof(OneStepState, timestep)};
    return tax_state_fields(&config->tax, workers, offsetof(OneStepState, tax), out, count);
}

static bool check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const OneStepConfig *config = config_of(context);
    const OneStepState *state = state_bytes;
    if (state->timestep < 0 || state->timestep > config->horizon)
        return agora_fail(error, "timestep must be in [0, %d], got %d", config->horizon, state->timestep);
    if (!(fabs(state->welfare) < INFINITY))
        return agora_fail(error, "welfare must be finite, got %g", state->welfare);
    int32_t workers = num_workers(config);
    size_t unused = (size_t)(ONE_STEP_MAX_WORKERS - workers);
    if (!tax_is_blank(state->coin + workers, unused * 8) || !tax_is_blank(state->production + workers, unused * 8) ||
        !tax_is_blank(state->utilities + workers, unused * 8) || !tax_is_blank(state->labor + workers, unused * 4))
        return agora_fail(error, "the state must be 0 beyond its %d workers", workers);
    for (int32_t i = 0; i < workers; i++) {
        if (!(state->coin[i] >= 0 && state->coin[i] <= MAX_WEALTH))
            return agora_fail(error, "coin[%d] must be in [0, %g], got %g", i, MAX_WEALTH, state->coin[i]);
        if (!(state->production[i] >= 0 && state->production[i] <= MAX_WEALTH))
            return agora_fail(error, "production[%d] must be in [0, %g], got %g", i, MAX_WEALTH, state->production[i]);
        if (!(fabs(state->utilities[i]) < INFINITY))
            return agora_fail(error, "utilities[%d] must be finite, got %g", i, state->utilities[i]);
        if (state->labor[i] < 0 || state->labor[i] > config->hours)
            return agora_fail(error, "labor[%d] must be in [0, %d], got %d", i, config->hours, state->labor[i]);
    }
    return tax_check_state(&config->tax, workers, &state->tax, error);
}

/* ---- rules ---- */

static double utility_of(const AgoraContext *context, double coin, int32_t hours)
{
    const OneStepConfig *config = config_of(context);
    double gain = config->utility == ONE_STEP_ISOELASTIC ? welfare_isoelastic(coin, config->isoelastic_eta) : coin;
    return gain - model_of(context)->labor_costs[hours];
}

static double welfare_of(const OneStepConfig *config, const OneStepState *state)
{
    return welfare_value((WelfareObjective)config->objective, num_workers(config), state->coin, state->production,
                         state->utilities, config->equality_weight);
}

static void reset(const AgoraContext *context, AgoraRng *rng, void *state_bytes)
{
    const OneStepConfig *config = config_of(context);
    OneStepState *state = state_bytes;
    tax_reset(&config->tax, rng->episode, &state->tax);
    for (int32_t i = 0; i < num_workers(config); i++)
        state->utilities[i] = utility_of(context, 0, 0);
    state->welfare = welfare_of(config, state);
}

static bool can_work(const OneStepState *state) { return state->tax.day > 1; }

static void work(const OneStepConfig *config, const int32_t *hours, OneStepState *state)
{
    for (int32_t i = 0; i < num_workers(config); i++) {
        double pay = hours[i] * skill_of(config, i);
        if (hours[i] == 0)
            continue;
        state->labor[i] = hours[i];
        state->production[i] = fmin(state->production[i] + pay, MAX_WEALTH);
        state->coin[i] = fmin(state->coin[i] + pay, MAX_WEALTH);
    }
}

static void reward(const AgoraContext *context, OneStepState *state, AgoraView *views, bool is_tax_day, bool is_over)
{
    const OneStepConfig *config = config_of(context);
    for (int32_t i = 0; i < num_workers(config); i++) {
        double utility = utility_of(context, state->coin[i], state->labor[i]);
        views[WORKERS].rewards[i] = (float)(utility - state->utilities[i]);
        state->utilities[i] = utility;
        views[WORKERS].infos[0][i] = is_tax_day ? (float)state->tax.last_incomes[i] : 0;
        views[WORKERS].infos[1][i] = is_tax_day ? (float)state->tax.last_taxes[i] : 0;
        views[WORKERS].infos[2][i] = is_tax_day ? (float)state->tax.last_marginal_rates[i] : 0;
    }
    double welfare = welfare_of(config, state);
    views[PLANNER].rewards[0] = (float)(welfare - state->welfare);
    views[PLANNER].infos[0][0] = is_tax_day;
    state->welfare = welfare;
    for (int32_t g = 0; g < NUM_GROUPS; g++) {
        size_t agents = g == WORKERS ? (size_t)num_workers(config) : 1;
        memset(views[g].terminations, is_over, agents); /* the number of steps is a rule of the game */
        memset(views[g].truncations, 0, agents);
    }
}

static double draw_unit(void *rng) { return agora_draw_unit(rng); }

static bool step(const AgoraContext *context, AgoraRng *rng, void *state_bytes, AgoraView *views)
{
    static const double NO_ESCROW[ONE_STEP_MAX_WORKERS];
    const OneStepConfig *config = config_of(context);
    OneStepState *state = state_bytes;
    bool is_tax_day = state->tax.day == config->tax.period;
    if (can_work(state))
        work(config, views[WORKERS].actions, state);
    tax_play_day(&config->tax, num_workers(config), views[PLANNER].actions, draw_unit, rng, state->coin, NO_ESCROW,
                 &state->tax);
    for (int32_t i = 0; i < num_workers(config); i++)
        state->coin[i] = fmin(state->coin[i], MAX_WEALTH); /* a loaded state may be that rich */
    state->timestep += state->timestep < config->horizon; /* a loaded state may be the last one already */
    bool is_over = state->timestep == config->horizon;
    reward(context, state, views, is_tax_day, is_over);
    return is_over;
}

/* ---- observations ---- */

/* What workers and the planner see alike: rates, the two days, incomes. Returns where the rest begins. */
static float *show_taxes(const OneStepConfig *config, const OneStepState *state, const float *incomes, float *features)
{
    int32_t brackets = tax_num_brackets(&config->tax), workers = num_workers(config);
    for (int32_t b = 0; b < brackets; b++)
        *features++ = (float)state->tax.rates[b];
    *features++ = state->tax.day == 1;
    *features++ = state->tax.day == config->tax.period;
    memcpy(features, incomes, (size_t)workers * sizeof *incomes);
    return features + workers;
}

static void sort_incomes(const OneStepConfig *config, const OneStepState *state, float *incomes)
{
    for (int32_t i = 0; i < num_workers(config); i++) {
        float income = (float)(state->tax.last_incomes[i] / config->tax.period);
        int32_t k = i;
        for (; k > 0 && incomes[k - 1] > income; k--)
            incomes[k] = incomes[k - 1];
        incomes[k] = income;
    }
}

static float marginal_rate_now(const OneStepConfig *config, const OneStepState *state, int32_t i)
{
    return (float)tax_marginal_rate(&config->tax, state->tax.rates, state->coin[i] - state->tax.last_coin[i]);
}

static void observe_planner(const OneStepConfig *config, const OneStepState *state, const float *incomes, AgoraView *view)
{
    int32_t workers = num_workers(config);
    float *features = show_taxes(config, state, incomes, view->observations);
    *features++ = (float)((double)state->tax.day / config->tax.period);
    *features++ = (float)((double)state->timestep / config->horizon);
    *features++ = (float)welfare_equality(state->coin, workers);
    *features++ = (float)(welfare_sum(state->coin, workers) / workers / 1000);
    for (int32_t i = 0; i < workers; i++) {
        *features++ = marginal_rate_now(config, state, i);
        *features++ = (float)(state->tax.last_incomes[i] / config->tax.period);
        *features++ = (float)state->tax.last_marginal_rates[i];
    }
    if (view->action_masks)
        tax_planner_mask(&config->tax, &state->tax, view->action_masks);
    view->alive[0] = 1;
}

static void observe(const AgoraContext *context, const void *state_bytes, AgoraView *views)
{
    const OneStepConfig *config = config_of(context);
    const OneStepState *state = state_bytes;
    float incomes[ONE_STEP_MAX_WORKERS], *row = views[WORKERS].observations;
    size_t choices = 1 + (size_t)config->hours;
    sort_incomes(config, state, incomes);
    for (int32_t i = 0; i < num_workers(config); i++) {
        row = show_taxes(config, state, incomes, row);
        *row++ = marginal_rate_now(config, state, i);
        *row++ = (float)((double)state->tax.day / config->tax.period);
        *row++ = (float)(skill_of(config, i) / config->max_skill);
        *row++ = (float)((double)state->timestep / config->horizon);
        uint8_t *mask = views[WORKERS].action_masks + (size_t)i * choices;
        memset(mask, can_work(state), choices);
        mask[0] = 1;
        views[WORKERS].alive[i] = 1;
    }
    observe_planner(config, state, incomes, &views[PLANNER]);
}

/* ---- statistics ---- */

static const char *const STATISTIC_NAMES[] = {"productivity", "equality",          "equality_productivity",
                                              "welfare",      "mean_utility",      "inverse_income_utility",
                                              "mean_hours",   "taxes_per_worker"};

static void statistics(const AgoraContext *context, const void *state_bytes, double *values)
{
    const OneStepConfig *config = config_of(context);
    const OneStepState *state = state_bytes;
    int32_t workers = num_workers(config), hours = 0;
    for (int32_t i = 0; i < workers; i++)
        hours += state->labor[i];
    values[0] = welfare_sum(state->coin, workers);
    values[1] = welfare_equality(state->coin, workers);
    values[2] = values[0] * values[1] / workers;
    values[3] = state->welfare;
    values[4] = welfare_sum(state->utilities, workers) / workers;
    values[5] = welfare_value(WELFARE_INVERSE_INCOME_UTILITY, workers, state->coin, state->production, state->utilities, 1);
    values[6] = (double)hours / workers;
    values[7] = state->tax.collected / workers;
}

const AgoraWorld agora_one_step = {
    .name = "one_step",
    .config_size = sizeof(OneStepConfig),
    .config_fields = CONFIG_FIELDS,
    .check_config = check_config,
    .model_size = model_size,
    .build_model = build_model,
    .groups = groups,
    .state_fields = state_fields,
    .state_size = sizeof(OneStepState),
    .reset = reset,
    .step = step,
    .observe = observe,
    .check_state = check_state,
    .num_statistics = sizeof STATISTIC_NAMES / sizeof STATISTIC_NAMES[0],
    .statistic_names = STATISTIC_NAMES,
    .statistics = statistics,
};
