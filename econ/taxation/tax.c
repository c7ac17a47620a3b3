#include "tax.h"

#include "../welfare/social.h"

#include <math.h>
#include <string.h>

static const double MAX_COIN = TAX_MAX_COIN;

static bool is_share(double number) { return number >= 0 && number <= 1; } /* false for NaN */

static const double *numbers_of(const AgoraSpan *span) { return span->data; }

/* ---- checks ---- */

bool tax_is_blank(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    unsigned char all = 0;
    for (size_t i = 0; i < size; i++)
        all |= byte[i];
    return all == 0;
}

static bool check_rates(const char *name, const AgoraSpan *span, AgoraError *error)
{
    for (int64_t i = 0; i < span->count; i++)
        if (!is_share(numbers_of(span)[i]))
            return agora_fail(error, "%s[%lld] must be in [0, 1], got %g", name, (long long)i, numbers_of(span)[i]);
    return true;
}

static bool check_brackets(const TaxConfig *config, AgoraError *error)
{
    const double *cutoffs = numbers_of(&config->cutoffs), *levels = numbers_of(&config->levels);
    if (config->cutoffs.count < 1 || config->cutoffs.count > TAX_MAX_BRACKETS)
        return agora_fail(error, "there must be 1 to %d brackets, got %lld", TAX_MAX_BRACKETS,
                          (long long)config->cutoffs.count);
    if (!(cutoffs[0] == 0))
        return agora_fail(error, "bracket_cutoffs[0] must be 0, got %g", cutoffs[0]);
    for (int32_t b = 1; b < tax_num_brackets(config); b++)
        if (!(cutoffs[b] > cutoffs[b - 1] && cutoffs[b] <= MAX_COIN))
            return agora_fail(error, "bracket_cutoffs[%d] must be above the one before it, got %g", b, cutoffs[b]);
    if (config->model == TAX_FIXED && config->rates.count != config->cutoffs.count)
        return agora_fail(error, "bracket_rates must have %d entries, one a bracket, got %lld", tax_num_brackets(config),
                          (long long)config->rates.count);
    if (config->model == TAX_LEVELS && (config->levels.count < 1 || config->levels.count >= TAX_MAX_LEVELS))
        return agora_fail(error, "rate_levels must have 1 to %d entries, got %lld", TAX_MAX_LEVELS - 1,
                          (long long)config->levels.count);
    for (int64_t i = 1; i < config->levels.count; i++)
        if (!(levels[i] >= levels[i - 1]))
            return agora_fail(error, "rate_levels[%lld] must not be below the one before it", (long long)i);
    return check_rates("bracket_rates", &config->rates, error) && check_rates("rate_levels", &config->levels, error);
}

bool tax_check_config(const TaxConfig *config, AgoraError *error)
{
    if (config->model < 0 || config->model >= TAX_NUM_MODELS)
        return agora_fail(error, "tax_model must be in [0, %d], got %d", TAX_NUM_MODELS - 1, config->model);
    if (config->period < 1)
        return agora_fail(error, "tax_period must be at least 1, got %d", config->period);
    if (!(is_share(config->rate_min) && is_share(config->rate_max) && config->rate_min <= config->rate_max))
        return agora_fail(error, "0 <= rate_min <= rate_max <= 1 must hold, got %g and %g", config->rate_min,
                          config->rate_max);
    if (config->is_annealed > 1 || !isfinite(config->annealing_start) || !isfinite(config->annealing_slope))
        return agora_fail(error, "annealing_start and annealing_slope must be finite, got %g and %g",
                          config->annealing_start, config->annealing_slope);
    return check_brackets(config, error);
}

bool tax_check_state(const TaxConfig *config, int32_t num_agents, const TaxState *state, AgoraError *error)
{
    if (state->day < 1 || state->day > config->period)
        return agora_fail(error, "tax_day must be in [1, %d], got %d", config->period, state->day);
    if (!is_share(state->limit))
        return agora_fail(error, "rate_limit must be in [0, 1], got %g", state->limit);
    if (!(state->collected >= 0 && state->collected <= MAX_COIN))
        return agora_fail(error, "taxes_collected must be in [0, %g], got %g", MAX_COIN, state->collected);
    for (int32_t b = 0; b < tax_num_brackets(config); b++)
        if (!is_share(state->rates[b]))
            return agora_fail(error, "tax_rates[%d] must be in [0, 1], got %g", b, state->rates[b]);
    const double *rows[] = {state->last_coin, state->last_incomes, state->last_marginal_rates, state->last_taxes};
    for (int32_t k = 0; k < 4; k++)
        if (!tax_is_blank(rows[k] + num_agents, sizeof(double) * (size_t)(TAX_MAX_AGENTS - num_agents)))
            return agora_fail(error, "the rows of last incomes and taxes must be 0 beyond the %d workers", num_agents);
    for (int32_t i = 0; i < num_agents; i++) {
        if (!(state->last_coin[i] >= 0 && state->last_coin[i] <= MAX_COIN && fabs(state->last_incomes[i]) <= MAX_COIN &&
              fabs(state->last_taxes[i]) <= MAX_COIN))
            return agora_fail(error, "last_coin, last_incomes and last_taxes of worker %d must be at most %g", i, MAX_COIN);
        if (!is_share(state->last_marginal_rates[i]))
            return agora_fail(error, "last_marginal_rates[%d] must be in [0, 1], got %g", i,
                              state->last_marginal_rates[i]);
    }
    return true;
}

int32_t tax_state_fields(const TaxConfig *config, int32_t num_agents, size_t offset, AgoraField *fields, int32_t count)
{
    int32_t brackets = tax_num_brackets(config);
#define TAX_ARRAY(label, member, entries)                                                                              \
    fields[count++] = (AgoraField){                                                                                    \
        .name = label, .dtype = AGORA_F64, .offset = offset + offsetof(TaxState, member), .rank = 1, .shape = {entries}}
    TAX_ARRAY("tax_rates", rates, brackets);
    TAX_ARRAY("last_coin", last_coin, num_agents);
    TAX_ARRAY("last_incomes", last_incomes, num_agents);
    TAX_ARRAY("last_marginal_rates", last_marginal_rates, num_agents);
    TAX_ARRAY("last_taxes", last_taxes, num_agents);
#undef TAX_ARRAY
    fields[count++] =
        (AgoraField){.name = "rate_limit", .dtype = AGORA_F64, .offset = offset + offsetof(TaxState, limit)};
    fields[count++] =
        (AgoraField){.name = "taxes_collected", .dtype = AGORA_F64, .offset = offset + offsetof(TaxState, collected)};
    fields[count++] = (AgoraField){.name = "tax_day", .dtype = AGORA_I32, .offset = offset + offsetof(TaxState, day)};
    return count;
}

/* ---- the planner ---- */

void tax_planner_actions(const TaxConfig *config, AgoraGroup *group)
{
    int32_t brackets = tax_num_brackets(config);
    group->has_action_mask = config->model != TAX_RATES;
    group->action_parts = config->model == TAX_LEVELS || config->model == TAX_RATES ? brackets : 1;
    group->action_kind = config->model == TAX_RATES    ? AGORA_CONTINUOUS
                         : config->model == TAX_LEVELS ? AGORA_MULTI_DISCRETE
                                                       : AGORA_DISCRETE;
    for (int32_t part = 0; part < group->action_parts; part++) {
        group->choices[part] = config->model == TAX_LEVELS ? 1 + (int32_t)config->levels.count : 1;
        group->action_low[part] = -1;
        group->action_high[part] = 1;
    }
}

/* Whether the planner may name a level now. */
static bool can_name(const TaxConfig *config, const TaxState *state, int64_t level)
{
    return state->day == 1 && numbers_of(&config->levels)[level] <= state->limit;
}

void tax_planner_mask(const TaxConfig *config, const TaxState *state, uint8_t *mask)
{
    int64_t levels = config->model == TAX_LEVELS ? config->levels.count : 0;
    mask[0] = 1;
    for (int64_t level = 0; level < levels; level++)
        mask[1 + level] = can_name(config, state, level);
    for (int32_t b = 1; b < tax_num_brackets(config) && levels > 0; b++)
        memcpy(mask + b * (1 + levels), mask, (size_t)(1 + levels));
}

/* ---- days ---- */

void tax_reset(const TaxConfig *config, uint64_t episode, TaxState *state)
{
    double share = config->annealing_slope * ((double)episode - config->annealing_start);
    double highest = config->model == TAX_LEVELS ? numbers_of(&config->levels)[config->levels.count - 1] : config->rate_max;
    state->limit = config->is_annealed ? (share > 1 ? 1 : share > 0 ? share : 0) * highest : highest;
    state->day = 1;
    for (int32_t b = 0; b < tax_num_brackets(config); b++) {
        double rate = config->model == TAX_FIXED    ? fmin(numbers_of(&config->rates)[b], state->limit)
                      : config->model == TAX_LEVELS ? numbers_of(&config->levels)[0]
                                                    : 0;
        state->rates[b] = rate;
    }
}

static void set_rates(const TaxConfig *config, const void *actions, TaxDraw draw, void *source, TaxState *state)
{
    for (int32_t b = 0; b < tax_num_brackets(config); b++) {
        if (config->model == TAX_LEVELS) {
            int32_t choice = ((const int32_t *)actions)[b];
            if (choice > 0 && can_name(config, state, choice - 1))
                state->rates[b] = numbers_of(&config->levels)[choice - 1];
        } else if (config->model == TAX_RATES) {
            double rate = (double)((const float *)actions)[b];
            if (rate < 0)
                rate = config->rate_min + (state->limit - config->rate_min) * draw(source);
            state->rates[b] = fmin(fmax(rate, config->rate_min), state->limit);
        }
    }
}

double tax_due(const TaxConfig *config, const double *rates, double income)
{
    const double *cutoffs = numbers_of(&config->cutoffs);
    int32_t brackets = tax_num_brackets(config);
    double taxes[TAX_MAX_BRACKETS];
    for (int32_t b = 0; b < brackets; b++) {
        double past = income > cutoffs[b] ? income - cutoffs[b] : 0;
        if (b + 1 < brackets && past > cutoffs[b + 1] - cutoffs[b])
            past = cutoffs[b + 1] - cutoffs[b];
        taxes[b] = rates[b] * past;
    }
    return welfare_sum(taxes, brackets);
}

double tax_marginal_rate(const TaxConfig *config, const double *rates, double income)
{
    const double *cutoffs = numbers_of(&config->cutoffs);
    int32_t b = tax_num_brackets(config) - 1;
    if (!(income >= 0))
        return 0;
    while (income < cutoffs[b])
        b--;
    return rates[b];
}

static void collect(const TaxConfig *config, int32_t num_agents, double *coin, const double *escrow, TaxState *state)
{
    double revenue = 0;
    for (int32_t i = 0; i < num_agents; i++) {
        double income = (coin[i] + escrow[i]) - state->last_coin[i];
        double paid = fmin(coin[i], tax_due(config, state->rates, income));
        coin[i] -= paid;
        revenue += paid;
        state->last_incomes[i] = income;
        state->last_taxes[i] = paid;
        state->last_marginal_rates[i] = tax_marginal_rate(config, state->rates, income);
    }
    state->collected = fmin(state->collected + revenue, MAX_COIN);
    for (int32_t i = 0; i < num_agents; i++) {
        coin[i] += revenue / num_agents;
        state->last_coin[i] = fmin(coin[i] + escrow[i], MAX_COIN);
    }
}

void tax_play_day(const TaxConfig *config, int32_t num_agents, const void *actions, TaxDraw draw, void *source,
                  double *coin, const double *escrow, TaxState *state)
{
    if (state->day == 1)
        set_rates(config, actions, draw, source, state);
    if (state->day == config->period) {
        collect(config, num_agents, coin, escrow, state);
        state->day = 0;
    }
    state->day++;
}
