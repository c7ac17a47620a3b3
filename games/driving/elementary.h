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

/* Of two numbers that are numbers; the library's functions are calls, for the sake of those that are none. */
static inline double smaller_of(double a, double b) { return a < b ? a : b; }
static inline double larger_of(double a, double b) { return a > b ? a : b; }

/* The nearest whole number, |x| < 2^51: what is added leaves no bits for a fraction. */
static inline double nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

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
    double quarters = nearest(x * (2 / DRIVING_PI));
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
    double z2 = z * z, z4 = z2 * z2;
    double low = (C[0] + C[1] * z) + z2 * (C[2] + C[3] * z), middle = (C[4] + C[5] * z) + z2 * (C[6] + C[7] * z);
    double p = low + z4 * (middle + z4 * ((C[8] + C[9] * z) + z2 * (C[10] + C[11] * z)));
    double angle = y + y * z * p;
    angle = is_steep ? 0.5 * DRIVING_PI - 2 * angle : angle;
    return x < 0 ? -angle : angle;
}

/* Logarithms, exponentials and powers have no branches and touch exponents by whole numbers only, so that a loop over
 * them becomes vector instructions. */
static inline double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* x > 0, not subnormal */
static inline double logarithm(double x)
{
    static const double C[] = {0x1.5555555555558p-2, 0x1.99999999952e2p-3, 0x1.2492492df148dp-3, 0x1.c71c62e5800a1p-4,
                               0x1.7462b4ab2ef6bp-4, 0x1.39fe606542dddp-4, 0x1.2b584aae78a61p-4};
    /* By 1,023 too large, as exponents of doubles are; the mantissa is then in [sqrt(1 / 2), sqrt(2)). */
    uint64_t bits = to_bits(x), exponent = (bits - 0x3FE6A09E667F3BCDu + ((uint64_t)1023 << 52)) >> 52;
    double mantissa = from_bits(bits - (exponent << 52) + ((uint64_t)1023 << 52));
    double whole = from_bits(exponent | 0x4330000000000000u) - (0x1p52 + 1023);
    double t = (mantissa - 1) / (mantissa + 1), z = t * t, z2 = z * z;
    double p = (C[0] + C[1] * z) + z2 * ((C[2] + C[3] * z) + z2 * ((C[4] + C[5] * z) + z2 * C[6]));
    return whole * 0x1.62e42fefa39efp-1 + 2 * (t + t * z * p);
}

/* |x| <= 700 */
static inline double exponential(double x)
{
    static const double C[] = {0x1.0000000000001p-1,  0x1.5555555555556p-3,  0x1.5555555553d68p-5,
                               0x1.11111111109b5p-7,  0x1.6c16c17889ef1p-10, 0x1.a01a01a7c2efep-13,
                               0x1.a019b9149a45bp-16, 0x1.71de0db2f6b40p-19, 0x1.28917c899f8c2p-22,
                               0x1.af389ecfbef75p-26};
    double shifted = x * 0x1.71547652b82fep+0 + 0x1.8p52, whole = shifted - 0x1.8p52;
    double r = (x - whole * 0x1.62e42ffp-1) + whole * 0x1.718432a1b0e26p-35;
    double r2 = r * r, r4 = r2 * r2;
    double low = (C[0] + C[1] * r) + r2 * (C[2] + C[3] * r), middle = (C[4] + C[5] * r) + r2 * (C[6] + C[7] * r);
    double p = low + r4 * (middle + r4 * (C[8] + C[9] * r));
    double scale = from_bits((to_bits(shifted) - to_bits(0x1.8p52) + 1023) << 52); /* 2 to the power of whole */
    return scale * (1 + (r + r2 * p));
}

/* base in [1e-30, 1e30], |exponent| <= 10 */
static inline double power(double base, double exponent) { return exponential(exponent * logarithm(base)); }

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
