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
    double n = (x * INVERSE_LOG2 + TO_INTEGER) - TO_INTEGER;
    double r = (n * LOG2_HIGH - x) + n * LOG2_LOW;
    double sum = 1.0 / 6227020800;
    sum = sum * r + 1.0 / 479001600;
    sum = sum * r + 1.0 / 39916800;
    sum = sum * r + 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880;
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 1.0 / 2;
    sum = (sum * r) * r + r;
    /* 2^-n in two factors, since n may pass 1022; only the last product rounds. */
    int64_t whole = (int64_t)n, half = whole / 2;
    uint64_t bits[2] = {(uint64_t)(1023 - half) << 52, (uint64_t)(1023 - (whole - half)) << 52};
    double powers[2];
    memcpy(powers, bits, sizeof powers);
    return (1 + sum) * powers[0] * powers[1];
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

/* log(1 + exp(-x)) for x in (-746, 746). Beyond 37 the logarithm's argument is so near to 1 that it equals its linear part. */
static inline double particles_softplus_of_minus(double x)
{
    if (x > 37)
        return particles_exp_of_minus(x);
    double rest = particles_log_of_one_plus(particles_exp_of_minus(x >= 0 ? x : -x));
    return x >= 0 ? rest : -x + rest;
}

#endif
