/* A bracket tax on income, shared by the worlds of the economy.
 *
 * Time is cut into periods. On the first day of a period its rates are set; on the last day every agent pays on what its
 * coin grew since the last such day, and the revenue is given back in equal parts. Nobody pays more than the coin at hand
 * (coin in open orders is safe), and a loss pays nothing.
 *
 * How rates are set is the model:
 *   TAX_FREE_MARKET  all 0
 *   TAX_FIXED        one schedule, capped by the limit
 *   TAX_LEVELS       the planner names a level for each bracket; 0 keeps the rate that stands
 *   TAX_RATES        the planner names the rates themselves; a negative number leaves a bracket to chance
 */
#ifndef AGORA_TAX_H
#define AGORA_TAX_H

#include "../../games/core/game.h"

enum {
    TAX_MAX_AGENTS = 128,
    TAX_MAX_BRACKETS = AGORA_MAX_ACTION_PARTS,
    TAX_MAX_LEVELS = 128,
};

/* Coin that one agent can have, and so earn: far beyond any economy, and far from where sums of doubles lose cents. */
#define TAX_MAX_COIN 1e12

typedef enum TaxModel { TAX_FREE_MARKET, TAX_FIXED, TAX_LEVELS, TAX_RATES, TAX_NUM_MODELS } TaxModel;

typedef struct TaxConfig {
    AgoraSpan cutoffs; /* [B] double, from 0 upwards, coin: where brackets begin; the last one has no end */
    AgoraSpan rates;   /* [B] double in [0, 1]; TAX_FIXED */
    AgoraSpan levels;  /* [L] double in [0, 1], not falling: what the planner may name; TAX_LEVELS */
    int32_t model;     /* a TaxModel */
    int32_t period;    /* days, >= 1 */
    double rate_min, rate_max; /* 0 <= rate_min <= rate_max <= 1 */
    uint8_t is_annealed;
    double annealing_start, annealing_slope; /* limit: rate_max * clip(slope * (episode - start), 0, 1) */
} TaxConfig;

typedef struct TaxState {
    double rates[TAX_MAX_BRACKETS];              /* in force */
    double limit;                                /* no rate of this episode may be higher */
    double last_coin[TAX_MAX_AGENTS];            /* after the last tax day */
    double last_incomes[TAX_MAX_AGENTS];         /* of the last period; 0 before the first tax day */
    double last_marginal_rates[TAX_MAX_AGENTS];  /* at those incomes */
    double last_taxes[TAX_MAX_AGENTS];           /* paid on them */
    double collected;                            /* in this episode */
    int32_t day;                                 /* of the period, 1 to period: the day that the next step plays */
} TaxState;

/* The fields of a config that holds a TaxConfig as its member `tax`. */
#define TAX_CONFIG_FIELDS(Config)                                                                                      \
    {.name = "bracket_cutoffs", .dtype = AGORA_F64, .offset = offsetof(Config, tax.cutoffs), .is_span = true},         \
    {.name = "bracket_rates", .dtype = AGORA_F64, .offset = offsetof(Config, tax.rates), .is_span = true},             \
    {.name = "rate_levels", .dtype = AGORA_F64, .offset = offsetof(Config, tax.levels), .is_span = true},              \
    {.name = "tax_model", .dtype = AGORA_I32, .offset = offsetof(Config, tax.model)},                                  \
    {.name = "tax_period", .dtype = AGORA_I32, .offset = offsetof(Config, tax.period)},                                \
    {.name = "rate_min", .dtype = AGORA_F64, .offset = offsetof(Config, tax.rate_min)},                                \
    {.name = "rate_max", .dtype = AGORA_F64, .offset = offsetof(Config, tax.rate_max)},                                \
    {.name = "is_tax_annealed", .dtype = AGORA_U8, .offset = offsetof(Config, tax.is_annealed)},                       \
    {.name = "annealing_start", .dtype = AGORA_F64, .offset = offsetof(Config, tax.annealing_start)},                  \
    {.name = "annealing_slope", .dtype = AGORA_F64, .offset = offsetof(Config, tax.annealing_slope)}

bool tax_check_config(const TaxConfig *config, AgoraError *error);
bool tax_check_state(const TaxConfig *config, int32_t num_agents, const TaxState *state, AgoraError *error);

/* Appends the fields of a TaxState that lies `offset` bytes into the world's state; returns how many there are then. */
int32_t tax_state_fields(const TaxConfig *config, int32_t num_agents, size_t offset, AgoraField *fields, int32_t count);

/* Sets the action space of the planner's group. */
void tax_planner_actions(const TaxConfig *config, AgoraGroup *group);
/* The planner's mask, where it has one. */
void tax_planner_mask(const TaxConfig *config, const TaxState *state, uint8_t *mask);

/* Whether bytes are all 0, as parts of a state must be that a config does not use. */
bool tax_is_blank(const void *bytes, size_t size);

static inline int32_t tax_num_brackets(const TaxConfig *config) { return (int32_t)config->cutoffs.count; }

/* Begins an episode, the env's `episode`-th, from 0, in a zeroed state. */
void tax_reset(const TaxConfig *config, uint64_t episode, TaxState *state);

/* Where the numbers in [0, 1) come from that TAX_RATES may ask for. */
typedef double (*TaxDraw)(void *source);

/* One day: sets the rates on the first of a period, collects on the last. `actions` are the planner's; `coin` [N] is at
 * hand, `escrow` [N] in open orders. */
void tax_play_day(const TaxConfig *config, int32_t num_agents, const void *actions, TaxDraw draw, void *source,
                  double *coin, const double *escrow, TaxState *state);

double tax_due(const TaxConfig *config, const double *rates, double income);

/* Of the bracket that an income lies in; 0 below 0. */
double tax_marginal_rate(const TaxConfig *config, const double *rates, double income);

#endif
