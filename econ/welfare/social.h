/* Utilities and social welfare, shared by the worlds of the economy. Formulas and their sources: __init__.py beside this
 * file, which has the same in NumPy for recorded episodes. */
#ifndef AGORA_WELFARE_SOCIAL_H
#define AGORA_WELFARE_SOCIAL_H

#include <stdint.h>

enum { WELFARE_MAX_AGENTS = 128 };

typedef enum WelfareObjective {
    WELFARE_EQUALITY_PRODUCTIVITY, /* equality (to a weight) times productivity per agent */
    WELFARE_INVERSE_INCOME_COIN,   /* coin, weighted by 1 / max(coin, 1) */
    WELFARE_INVERSE_INCOME_UTILITY, /* utility, weighted by 1 / max(income, 1) */
    WELFARE_UTILITARIAN,           /* mean utility */
    WELFARE_RAWLSIAN,              /* least utility */
    WELFARE_NUM_OBJECTIVES,
} WelfareObjective;

/* Sum in NumPy's order: one after the other below 8 numbers, in 8 interleaved parts from there on. */
double welfare_sum(const double *numbers, int32_t count);

/* (c^(1 - eta) - 1) / (1 - eta) for c >= 0 and eta in [0, 1); log(max(c, 1)) for eta = 1. */
double welfare_isoelastic(double coin, double eta);

/* 1 - the Gini index, normalised so that one owner of everything gives 0. */
double welfare_equality(const double *coin, int32_t num_agents);

/* `incomes` weigh the utilities of WELFARE_INVERSE_INCOME_UTILITY. `equality_weight` in [0, 1]; 0: productivity alone. */
double welfare_value(WelfareObjective objective, int32_t num_agents, const double *coin, const double *incomes,
                     const double *utilities, double equality_weight);

#endif
