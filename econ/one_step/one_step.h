/* The one-step economy of the AI Economist: a planner sets tax rates, then every worker chooses its hours once.
 *
 * A period has `tax_period` steps (2 in the reference). On its first step the planner sets rates and nobody can work; on the
 * others every worker picks 0 to `hours` hours, which pay hours times its skill. Taxes are collected on the last step and
 * given back in equal parts. With a horizon of several periods the same repeats; coin adds up, labor is that of the last
 * step in which the worker worked.
 *
 * Rewards are changes: of a worker's utility, of the planner's objective.
 *
 * Observation of a worker, float32, B brackets, N workers:
 *
 *   offset    size  content
 *   0         B     marginal rates in force
 *   B         1     1 before the first step of a period
 *   B+1       1     1 before the last step of a period
 *   B+2       N     all incomes of the last period, rising, over tax_period
 *   B+2+N     1     own marginal rate at the income of this period so far
 *   B+3+N     1     day of the period over tax_period
 *   B+4+N     1     own skill over max_skill
 *   B+5+N     1     steps taken over the horizon
 *
 * Observation of the planner:
 *
 *   0         B     marginal rates in force
 *   B         1, 1  first and last step, as above
 *   B+2       N     incomes, as above
 *   B+2+N     1     day of the period over tax_period
 *   B+3+N     1     steps taken over the horizon
 *   B+4+N     1     equality of coin
 *   B+5+N     1     productivity per worker over 1000
 *   B+6+N     3 N   per worker: marginal rate now; income of the last period over tax_period; marginal rate there
 */
#ifndef AGORA_ONE_STEP_H
#define AGORA_ONE_STEP_H

#include "../taxation/tax.h"

enum {
    ONE_STEP_MAX_WORKERS = TAX_MAX_AGENTS,
    ONE_STEP_MAX_HOURS = 1000,
};

typedef enum OneStepUtility {
    ONE_STEP_LABOR_COST, /* coin - labor_cost hours^labor_exponent */
    ONE_STEP_ISOELASTIC, /* (coin^(1 - eta) - 1) / (1 - eta) - labor_cost hours */
} OneStepUtility;

typedef struct OneStepConfig {
    TaxConfig tax;
    AgoraSpan skills; /* [N] double: coin an hour, in [0, max_skill] */
    double max_skill; /* coin an hour, > 0 */
    int32_t hours;    /* most hours in a step, 1 to ONE_STEP_MAX_HOURS */
    int32_t utility;  /* an OneStepUtility */
    double labor_cost, labor_exponent, isoelastic_eta;
    int32_t objective;      /* of the planner: a WelfareObjective */
    double equality_weight; /* of equality in the first objective, in [0, 1] */
    int32_t horizon;        /* steps */
} OneStepConfig;

typedef struct OneStepModel {
    double labor_costs[ONE_STEP_MAX_HOURS + 1]; /* by hours */
} OneStepModel;

typedef struct OneStepState {
    TaxState tax;
    double coin[ONE_STEP_MAX_WORKERS];
    double production[ONE_STEP_MAX_WORKERS]; /* coin earned in this episode, before taxes */
    double utilities[ONE_STEP_MAX_WORKERS];
    double welfare; /* the planner's objective */
    int32_t labor[ONE_STEP_MAX_WORKERS]; /* hours of the last step in which the worker worked */
    int32_t timestep;
} OneStepState;

extern const AgoraWorld agora_one_step;

#endif
