#include "social.h"

#include "power.h"

#include <math.h>
#include <string.h>

double welfare_sum(const double *numbers, int32_t count)
{
    double sum = 0;
    int32_t i = 0;
    if (count >= 8) {
        double parts[8];
        memcpy(parts, numbers, sizeof parts);
        for (i = 8; i + 8 <= count; i += 8)
            for (int32_t k = 0; k < 8; k++)
                parts[k] += numbers[i + k];
        sum = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]));
    }
    for (; i < count; i++)
        sum += numbers[i];
    return sum;
}

double welfare_isoelastic(double coin, double eta)
{
    if (eta == 1)
        return welfare_log(coin > 1 ? coin : 1);
    return (welfare_power(coin, 1 - eta) - 1) / (1 - eta);
}

/* Shell's sort with Ciura's gaps (2001): small, in place, and quick on the nearly sorted. */
static void sort(double *numbers, int32_t count)
{
    static const int32_t GAPS[] = {57, 23, 10, 4, 1};
    for (int32_t g = 0; g < 5; g++)
        for (int32_t i = GAPS[g]; i < count; i++) {
            double number = numbers[i];
            int32_t k = i;
            for (; k >= GAPS[g] && numbers[k - GAPS[g]] > number; k -= GAPS[g])
                numbers[k] = numbers[k - GAPS[g]];
            numbers[k] = number;
        }
}

/* The reference's two formulas: by all pairs for few agents, by the Lorenz curve from 30 agents on. */
static double gini(const double *coin, int32_t num_agents)
{
    double count = num_agents, total = welfare_sum(coin, num_agents), sum = 0, cumulated = 0, sorted[WELFARE_MAX_AGENTS];
    if (num_agents < 30) {
        for (int32_t i = 0; i < num_agents; i++)
            for (int32_t j = 0; j < i; j++)
                sum += fabs(coin[i] - coin[j]);
        return num_agents < 2 ? 0 : 2 * sum / (2 * count * total + 1e-10) / ((count - 1) / count);
    }
    memcpy(sorted, coin, (size_t)num_agents * sizeof *coin);
    sort(sorted, num_agents);
    for (int32_t i = 0; i < num_agents; i++) {
        cumulated += sorted[i];
        sum += cumulated;
    }
    return 1 - 2 / (count + 1) * (sum / (total + 1e-10));
}

double welfare_equality(const double *coin, int32_t num_agents) { return 1 - gini(coin, num_agents); }

static double weighted_by_inverse(const double *values, const double *incomes, int32_t num_agents)
{
    double weights = 0, sum = 0;
    for (int32_t i = 0; i < num_agents; i++) {
        double weight = 1 / (incomes[i] > 1 ? incomes[i] : 1);
        weights += weight;
        sum += weight * values[i];
    }
    return sum / weights;
}

double welfare_value(WelfareObjective objective, int32_t num_agents, const double *coin, const double *incomes,
                     const double *utilities, double equality_weight)
{
    double least = utilities[0];
    switch (objective) {
    case WELFARE_INVERSE_INCOME_COIN:
        return weighted_by_inverse(coin, coin, num_agents);
    case WELFARE_INVERSE_INCOME_UTILITY:
        return weighted_by_inverse(utilities, incomes, num_agents);
    case WELFARE_UTILITARIAN:
        return welfare_sum(utilities, num_agents) / num_agents;
    case WELFARE_RAWLSIAN:
        for (int32_t i = 1; i < num_agents; i++)
            least = utilities[i] < least ? utilities[i] : least;
        return least;
    default:
        return (equality_weight * welfare_equality(coin, num_agents) + (1 - equality_weight)) *
               welfare_sum(coin, num_agents) / num_agents;
    }
}
