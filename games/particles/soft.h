/* exp and log for rules. Our own, because the C library's differ from machine to machine, and with them trajectories. */
#ifndef AGORA_PARTICLES_SOFT_H
#define AGORA_PARTICLES_SOFT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* exp(-x) for x in [0, 746), within 1 ulp or so. x = n log 2 - r, and exp(r) by its Taylor polynomial: the first term
 * left out is below 0.35^14 / 14! = 5e-18. */
static inline double particles_exp_of_minus(double x)
{
    static const double LOG2_HIGH = 0x1.62e42feep-1, LOG2_LOW = 0x1.a39ef35793c76p-33; /* n * LOG2_HIGH is exact */
    static const double INVERSE_LOG2 = 0x1.71547652b82fep+0, TO_INTEGER = 0x1.8p52;
    double shifted = x * INVERSE_LOG2 + TO_INTEGER, n = shifted - TO_INTEGER; /* n stands in the last bits of the first */
    double r = (n * LOG2_HIGH - x) + n * LOG2_LOW;
    /* In pairs, and pairs of pairs, so that few products wait for each other. */
    double r2 = r * r, r4 = r2 * r2, r8 = r4 * r4;
    double low = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
    double middle = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
    double high = (1.0 / 3628800 + r * (1.0 / 39916800)) + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));
    double sum = r + r2 * ((low + r4 * middle) + r8 * high);
    /* 2^-n in two factors, since n may pass 1022; only the last product rounds. */
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    uint64_t whole = bits & 0xfff, half = whole >> 1;
    uint64_t one = (1023 - half) << 52, other = (1023 - (whole - half)) << 52;
    double one_power, other_power;
    memcpy(&one_power, &one, sizeof one);
    memcpy(&other_power, &other, sizeof other);
    return (1 + sum) * one_power * other_power;
}

/* log(1 + t) for t in [0, 1] as 2 artanh(s), s = t / (2 + t) <= 1/3; the first term left out is below 9^-17 / 35. */
static inline double particles_log_of_one_plus(double t)
{
    static const double TERMS[] = {1.0 / 33, 1.0 / 31, 1.0 / 29, 1.0 / 27, 1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19,
                                   1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
    double s = t / (2 + t), z = s * s, sum = TERMS[0];
    for (size_t k = 1; k < sizeof TERMS / sizeof TERMS[0]; k++)
        sum = sum * z + TERMS[k];
    return 2 * s + 2 * s * (sum * z);
}

/* log(1 + exp(-x)), where `power` is exp(-|x|). Beyond 37 the logarithm's argument is so near to 1 that it equals its
 * linear part. */
static inline double particles_softplus_of_minus(double x, double power)
{
    if (x > 37)
        return power;
    double rest = particles_log_of_one_plus(power);
    return x >= 0 ? rest : -x + rest;
}

#endif
