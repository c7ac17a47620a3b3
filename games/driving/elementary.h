/* Elementary functions in plain double arithmetic, because those of C libraries differ between machines in their last
 * bit and a trajectory must have one hash everywhere. Relative errors stay below 1e-15 on the ranges used here; the
 * coefficients interpolate the functions at Chebyshev nodes (or are those of the Taylor series, where said).
 */
#ifndef AGORA_DRIVING_ELEMENTARY_H
#define AGORA_DRIVING_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define DRIVING_PI 3.14159265358979323846

static inline double clip(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

typedef struct Direction {
    double cosine, sine;
} Direction;

/* Taylor series to x^15 and x^16, |x| <= pi / 4. */
static inline double sine_near_zero(double x)
{
    double z = x * x;
    double p = -1.0 / 1307674368000.0;
    p = p * z + 1.0 / 6227020800.0;
    p = p * z - 1.0 / 39916800.0;
    p = p * z + 1.0 / 362880.0;
    p = p * z - 1.0 / 5040.0;
    p = p * z + 1.0 / 120.0;
    p = p * z - 1.0 / 6.0;
    return x + x * z * p;
}

static inline double cosine_near_zero(double x)
{
    double z = x * x;
    double p = 1.0 / 20922789888000.0;
    p = p * z - 1.0 / 87178291200.0;
    p = p * z + 1.0 / 479001600.0;
    p = p * z - 1.0 / 3628800.0;
    p = p * z + 1.0 / 40320.0;
    p = p * z - 1.0 / 720.0;
    p = p * z + 1.0 / 24.0;
    return 1 - (0.5 * z - z * z * p);
}

/* Of an angle with |x| <= 1e6. */
static inline Direction direction_of(double x)
{
    if (fabs(x) <= 0.25 * DRIVING_PI)
        return (Direction){cosine_near_zero(x), sine_near_zero(x)};
    double quarters = floor(x * (2 / DRIVING_PI) + 0.5);
    /* pi / 2 in three parts of 33 bits, so that the products are exact for 2^20 quarters. */
    double y = ((x - quarters * 0x1.921fb544p+0) - quarters * 0x1.0b4611a6p-34) - quarters * 0x1.3198a2ep-69;
    double c = cosine_near_zero(y), s = sine_near_zero(y);
    switch ((int64_t)quarters & 3) {
    case 0: return (Direction){c, s};
    case 1: return (Direction){-s, c};
    case 2: return (Direction){-c, -s};
    default: return (Direction){s, -c};
    }
}

static inline double arc_tangent(double x)
{
    static const double C[] = {-0x1.5555555555546p-2, 0x1.9999999990a9fp-3,  -0x1.2492491dd4b29p-3,
                               0x1.c71c6dd1ca28cp-4,  -0x1.745c7f8421f5cp-4, 0x1.3b068efc532d3p-4,
                               -0x1.105e40d85ead1p-4, 0x1.d5eb9ad0804cfp-5,  -0x1.6f4657797fec3p-5,
                               0x1.74bea059cee80p-6};
    double y = fabs(x), offset = 0, sign = 1;
    if (y > 1) {
        y = 1 / y;
        offset = 0.5 * DRIVING_PI;
        sign = -1;
    }
    if (y > 0.41421356237309503) { /* tan(pi / 8) */
        offset += sign * 0.25 * DRIVING_PI;
        y = (y - 1) / (y + 1);
    }
    double z = y * y, p = C[9];
    for (int k = 8; k >= 0; k--)
        p = p * z + C[k];
    double angle = offset + sign * (y + y * z * p);
    return x < 0 ? -angle : angle;
}

static inline double arc_tangent_2(double y, double x)
{
    if (x == 0 && y == 0)
        return 0;
    if (fabs(y) > fabs(x)) {
        double angle = arc_tangent(x / y);
        return (y > 0 ? 0.5 : -0.5) * DRIVING_PI - angle;
    }
    double angle = arc_tangent(y / x);
    return x > 0 ? angle : y >= 0 ? angle + DRIVING_PI : angle - DRIVING_PI;
}

/* |x| <= 1 */
static inline double arc_sine(double x)
{
    static const double C[] = {0x1.555555555554fp-3, 0x1.3333333336da5p-4, 0x1.6db6db684b6a1p-5, 0x1.f1c71f95269afp-6,
                               0x1.6e8b2b3b10be4p-6, 0x1.1c593c7b1d958p-6, 0x1.c87265d47ef49p-7, 0x1.8522ddffa6208p-7,
                               0x1.ff5fc4d14c735p-8, 0x1.06b9d26d10838p-6, -0x1.603991d6060e0p-7, 0x1.cd864394d2ff2p-6};
    double y = fabs(x);
    int is_steep = y > 0.5;
    double z = is_steep ? 0.5 * (1 - y) : y * y;
    y = is_steep ? sqrt(z) : y;
    double p = C[11];
    for (int k = 10; k >= 0; k--)
        p = p * z + C[k];
    double angle = y + y * z * p;
    angle = is_steep ? 0.5 * DRIVING_PI - 2 * angle : angle;
    return x < 0 ? -angle : angle;
}

/* x > 0, not subnormal */
static inline double logarithm(double x)
{
    static const double C[] = {0x1.5555555555558p-2, 0x1.99999999952e2p-3, 0x1.2492492df148dp-3, 0x1.c71c62e5800a1p-4,
                               0x1.7462b4ab2ef6bp-4, 0x1.39fe606542dddp-4, 0x1.2b584aae78a61p-4};
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t shifted = bits - 0x3FE6A09E667F3BCDu; /* of sqrt(1 / 2) */
    int64_t exponent = (int64_t)shifted >> 52;
    bits -= (uint64_t)exponent << 52;
    double mantissa; /* in [sqrt(1 / 2), sqrt(2)) */
    memcpy(&mantissa, &bits, sizeof mantissa);
    double t = (mantissa - 1) / (mantissa + 1), z = t * t, p = C[6];
    for (int k = 5; k >= 0; k--)
        p = p * z + C[k];
    return (double)exponent * 0x1.62e42fefa39efp-1 + 2 * (t + t * z * p);
}

static inline double exponential(double x)
{
    static const double C[] = {0x1.0000000000001p-1,  0x1.5555555555556p-3,  0x1.5555555553d68p-5,
                               0x1.11111111109b5p-7,  0x1.6c16c17889ef1p-10, 0x1.a01a01a7c2efep-13,
                               0x1.a019b9149a45bp-16, 0x1.71de0db2f6b40p-19, 0x1.28917c899f8c2p-22,
                               0x1.af389ecfbef75p-26};
    x = clip(x, -700, 700);
    double whole = floor(x * 0x1.71547652b82fep+0 + 0.5);
    double r = (x - whole * 0x1.62e42ffp-1) + whole * 0x1.718432a1b0e26p-35;
    double p = C[9];
    for (int k = 8; k >= 0; k--)
        p = p * r + C[k];
    uint64_t bits = (uint64_t)(1023 + (int64_t)whole) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return scale * (1 + (r + r * r * p));
}

/* base >= 0 */
static inline double power(double base, double exponent)
{
    if (base < 1e-300)
        return exponent == 0;
    return exponential(exponent * logarithm(base));
}

/* Into [-pi, pi), rounding as the reference does. */
static inline double wrap_angle(double x)
{
    double y = x + DRIVING_PI;
    if (!(y >= 0 && y < 2 * DRIVING_PI))
        y -= 2 * DRIVING_PI * floor(y / (2 * DRIVING_PI));
    return y - DRIVING_PI;
}

/* Away from zero by a hundredth at least, so that it can stand below a fraction line. */
static inline double not_zero(double x) { return fabs(x) > 0.01 ? x : x >= 0 ? 0.01 : -0.01; }

#endif
