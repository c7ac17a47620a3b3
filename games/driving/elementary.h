/* Elementary functions in plain double arithmetic, because those of C libraries differ between machines in their last
 * bit and a trajectory must have one hash everywhere. Relative errors stay below 1e-15 on the ranges used here; the
 * coefficients interpolate the functions at Chebyshev nodes (or are those of the Taylor series, where said).
 *
 * Sines, arc tangents and arc sines are rounded correctly but for one argument in thousands, as good C libraries' are: a
 * car that comes to a stand magnifies the last bits of its way (README, "Beside highway-env").
 */
#ifndef AGORA_DRIVING_ELEMENTARY_H
#define AGORA_DRIVING_ELEMENTARY_H

#include <math.h>
#include <stdbool.h>
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

/* A double as two of 26 bits, whose products with the like are exact (Dekker 1971). */
static inline double upper_half(double x)
{
    double shifted = x * 134217729.0;
    return shifted - (shifted - x);
}

/* Of an angle with |x| <= 1e6, counted from the nearest multiple of pi / 32; those have their sines in a table, the first
 * 26 bits and the rest. Taylor series for what is beyond. */
static inline Direction direction_of(double x)
{
    static const double SINES[17][2] = {
        {0x0.0p+0, 0x0.0p+0}, {0x1.917a6cp-4, -0x1.eb25ea0f138c7p-31}, {0x1.8f8b84p-3, -0x1.cb2cfaa4da337p-30},
        {0x1.294063p-2, -0x1.2a60fa574a369p-30}, {0x1.87de2a8p-2, -0x1.51569d2e59dbap-30},
        {0x1.e2b5d38p-2, 0x1.bd8ec78362475p-36}, {0x1.1c73b38p-1, 0x1.ae68c86c9774ap-29},
        {0x1.44cf328p-1, -0x1.7b7114f3fc4afp-28}, {0x1.6a09e68p-1, -0x1.80c4336f74d05p-29},
        {0x1.8bc8068p-1, 0x1.8a8ba05a743dap-28}, {0x1.a9b6628p-1, 0x1.0ea1a3033ec62p-29},
        {0x1.c38b2fp-1, 0x1.80bdb0d23e9d1p-29}, {0x1.d906bdp-1, -0x1.9ae573aea067cp-30},
        {0x1.e9f4158p-1, -0x1.39d225a27d387p-29}, {0x1.f6297dp-1, -0x1.1469faa77a357p-34},
        {0x1.fd88dap-1, 0x1.e89292cf04139p-28}, {0x1p+0, 0x0.0p+0}};
    double steps = nearest(x * (32 / DRIVING_PI));
    /* pi / 32 in three parts; the first two have 28 bits, so that their products with 2^24 steps are exact. */
    double near = x - steps * 0x1.921fb54p-4, more = steps * 0x1.10b4612p-34, far = near - more, taken = near - far;
    double far_rest = ((near - (far + taken)) - (more - taken)) + steps * 0x1.676733ae8fe48p-64;
    double y = far + far_rest, y_up = upper_half(y), y_low = (y - y_up) + ((far - y) + far_rest), z = y * y;
    double beyond = y * z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880)))); /* sin y - y */
    double short_of = z * (0.5 + z * (-1.0 / 24 + z * (1.0 / 720 + z * (-1.0 / 40320))));           /* 1 - cos y */
    uint64_t step = (uint64_t)(int64_t)steps; /* of the circle's 64, in its last bits */
    const double *s = SINES[step & 15], *c = SINES[16 - (step & 15)];
    double s_all = s[0] + s[1], c_all = c[0] + c[1];
    double c_y = c[0] * y_up, s_y = s[0] * y_up, sine = s[0] + c_y, cosine = c[0] - s_y;
    double sine_rest = s[1] + c[0] * y_low + c[1] * y + (c_all * beyond - s_all * short_of);
    double cosine_rest = c[1] - s[0] * y_low - s[1] * y - (s_all * beyond + c_all * short_of);
    sine += ((s[0] - sine) + c_y) + sine_rest;
    cosine += ((c[0] - cosine) - s_y) + cosine_rest;
    switch (step >> 4 & 3) {
    case 0: return (Direction){cosine, sine};
    case 1: return (Direction){-sine, cosine};
    case 2: return (Direction){-cosine, -sine};
    default: return (Direction){sine, -cosine};
    }
}

/* Of n / (d + d_rest), 0 <= n <= d, as a sum with `rest`, far more exact than a double. The nearest eighth is taken off
 * first: atan(n / d) = atan(k / 8) + atan((n - d k / 8) / (d + n k / 8)). */
static inline double arc_tangent_of_quotient(double n, double d, double d_rest, double *rest)
{
    static const double HIGH[] = {0x0.0p+0, 0x1.fd5ba9aac2f6ep-4, 0x1.f5b75f92c80ddp-3, 0x1.6f61941e4def1p-2,
                                  0x1.dac670561bb4fp-2, 0x1.1e00babdefeb4p-1, 0x1.4978fa3269ee1p-1,
                                  0x1.700a7c5784634p-1, 0x1.921fb54442d18p-1};
    static const double LOW[] = {0x0.0p+0, -0x1.cd37686760c17p-59, 0x1.8ab6e3cf7afbdp-57, -0x1.c63aae6f6e918p-56,
                                 0x1.a2b7f222f65e2p-56, -0x1.928df287a668fp-58, 0x1.2419a87f2a458p-56,
                                 -0x1.8c34d25aadef6p-56, 0x1.1a62633145c07p-55};
    static const double C[] = {-1.0 / 3, 1.0 / 5, -1.0 / 7, 1.0 / 9, -1.0 / 11, 1.0 / 13}; /* Taylor's, to 2^-60 */
    double eighths = nearest(8 * (n / d)), c = 0.125 * eighths;
    double d_up = upper_half(d), n_up = upper_half(n);
    double above = n - c * d_up, taken = c * (d - d_up), top = above - taken;
    double top_rest = ((above - top) - taken) - c * d_rest;
    double added = c * n, added_rest = (c * n_up - added) + c * (n - n_up);
    double bottom = d + added, bottom_rest = ((d - bottom) + added) + (added_rest + d_rest);
    double t = top / bottom, t_up = upper_half(t), bottom_up = upper_half(bottom), product = t * bottom;
    double excess = ((t_up * bottom_up - product) + t_up * (bottom - bottom_up) + (t - t_up) * bottom_up) +
                    (t - t_up) * (bottom - bottom_up);
    double t_rest = ((top - product) - excess + top_rest - t * bottom_rest) / bottom;
    double z = t * t, p = C[0] + z * (C[1] + z * (C[2] + z * (C[3] + z * (C[4] + z * C[5]))));
    int k = (int)eighths;
    double angle = HIGH[k] + t;
    *rest = ((HIGH[k] - angle) + t) + (LOW[k] + t_rest + t * z * p);
    return angle;
}

static inline double arc_tangent_2(double y, double x)
{
    const double quarter = 0x1.921fb54442d18p+0, quarter_rest = 0x1.1a62633145c07p-54; /* pi / 2 */
    double a = fabs(y), b = fabs(x), rest;
    if (a == 0 && b == 0)
        return 0;
    bool is_steep = a > b;
    double angle = arc_tangent_of_quotient(is_steep ? b : a, is_steep ? a : b, 0, &rest);
    if (is_steep || x < 0) { /* from the nearer axis to the positive one */
        double axis = is_steep ? quarter : 2 * quarter, axis_rest = is_steep ? quarter_rest : 2 * quarter_rest;
        double sign = (x < 0) == is_steep ? 1 : -1, sum = axis + sign * angle;
        rest = ((axis - sum) + sign * angle) + (axis_rest + sign * rest);
        angle = sum;
    }
    angle += rest;
    return y < 0 ? -angle : angle;
}

static inline double arc_tangent(double x) { return arc_tangent_2(x, 1); }

/* |x| <= sqrt(1 / 2): the angle whose tangent is x / sqrt(1 - x^2), that root to twice a double's digits; small ones by
 * Taylor's series. */
static inline double arc_sine(double x)
{
    if (fabs(x) < 0.1) {
        static const double C[] = {1.0 / 6,       3.0 / 40,        15.0 / 336,        105.0 / 3456,
                                   945.0 / 42240, 10395.0 / 599040, 135135.0 / 9676800, 2027025.0 / 175472640};
        double z = x * x, z2 = z * z, p = (C[4] + C[5] * z) + z2 * (C[6] + C[7] * z);
        return x + x * z * ((C[0] + C[1] * z) + z2 * ((C[2] + C[3] * z) + z2 * p));
    }
    double n = fabs(x), n_up = upper_half(n), n_low = n - n_up, square = n * n;
    double square_rest = ((n_up * n_up - square) + 2 * n_up * n_low) + n_low * n_low;
    double left = 1 - square, left_rest = ((1 - left) - square) - square_rest;
    double d = sqrt(left), d_up = upper_half(d), d_low = d - d_up;
    double d_rest = (((left - d_up * d_up) - 2 * d_up * d_low) - d_low * d_low + left_rest) / (2 * d);
    double rest, angle = arc_tangent_of_quotient(n, d, d_rest, &rest);
    angle += rest;
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
