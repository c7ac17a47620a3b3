#include "power.h"

#include <stdint.h>
#include <string.h>

static const double LOG2_HIGH = 0x1.62e42feep-1, LOG2_LOW = 0x1.a39ef35793c76p-33; /* n * LOG2_HIGH is exact */

/* Splits a positive number into m in [1 / sqrt 2, sqrt 2) and a power of two. */
static double split(double x, double *exponent)
{
    uint64_t bits;
    double shift = 0;
    if (x < 0x1p-1022) { /* subnormal */
        x *= 0x1p54;
        shift = 54;
    }
    memcpy(&bits, &x, sizeof bits);
    *exponent = (double)((int64_t)(bits >> 52) - 1023) - shift;
    bits = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp0) {
        m /= 2;
        *exponent += 1;
    }
    return m;
}

double welfare_log(double x)
{
    static const double INVERSE_ODDS[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                          1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
    double exponent, m = split(x, &exponent), s = (m - 1) / (m + 1), z = s * s, sum = INVERSE_ODDS[0];
    for (int k = 1; k < 10; k++)
        sum = sum * z + INVERSE_ODDS[k];
    return exponent * LOG2_HIGH + (2 * s + (2 * s * z * sum + exponent * LOG2_LOW));
}

/* exp x for |x| below 700: x = n log 2 + r, and exp r by its Taylor polynomial; 0.35^14 / 14! = 5e-18 is left out. */
static double exp_of(double x)
{
    static const double INVERSE_LOG2 = 0x1.71547652b82fep+0, TO_INTEGER = 0x1.8p52;
    static const double INVERSE_FACTORIALS[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
        1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       1.0 / 2,      1,           1};
    double n = (x * INVERSE_LOG2 + TO_INTEGER) - TO_INTEGER, r = (x - n * LOG2_HIGH) - n * LOG2_LOW;
    double sum = INVERSE_FACTORIALS[0];
    for (int k = 1; k < 14; k++)
        sum = sum * r + INVERSE_FACTORIALS[k];
    uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

double welfare_power(double x, double exponent)
{
    if (exponent == 0)
        return 1;
    if (x <= 0)
        return 0;
    double power = exponent * welfare_log(x);
    return exp_of(power > 700 ? 700 : power < -700 ? -700 : power);
}
