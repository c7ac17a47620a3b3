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
    double exponent, m = split(x, &exponent), s = (m - 1) / (m + 1), z = s * s, sum = 1.0 / 21;
    for (int odd = 19; odd >= 3; odd -= 2)
        sum = sum * z + 1.0 / odd;
    return exponent * LOG2_HIGH + (2 * s + (2 * s * z * sum + exponent * LOG2_LOW));
}

/* exp x for |x| below 700: x = n log 2 + r, and exp r by its Taylor polynomial; 0.35^14 / 14! = 5e-18 is left out. */
static double exp_of(double x)
{
    static const double INVERSE_LOG2 = 0x1.71547652b82fep+0, TO_INTEGER = 0x1.8p52;
    double n = (x * INVERSE_LOG2 + TO_INTEGER) - TO_INTEGER, r = (x - n * LOG2_HIGH) - n * LOG2_LOW, sum = 1;
    for (int k = 13; k >= 1; k--)
        sum = 1 + sum * r / k;
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
