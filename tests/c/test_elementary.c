/* Elementary functions beside the C library's in extended precision, which rounds to the nearest double almost always. */
#include "../../games/driving/elementary.h"
#include "check.h"
#include "rng.h"

#include <float.h>
#include <stdbool.h>

enum { DRAWS = 200000 };

static double draw_between(AgoraRng *rng, double low, double high)
{
    return low + (high - low) * agora_draw_unit(rng);
}

/* The library's long double has to be longer than a double for that. */
static bool is_nearest(double ours, long double exact) { return LDBL_MANT_DIG <= DBL_MANT_DIG || ours == (double)exact; }

static int test_sines_and_cosines_are_rounded_correctly_but_for_one_in_thousands(void)
{
    AgoraRng rng = {.seed = 1};
    int wrong = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = draw_between(&rng, -1, 1) * (i % 3 == 0 ? 0.01 : i % 3 == 1 ? 7 : 1e6);
        Direction way = direction_of(x);
        wrong += !is_nearest(way.sine, sinl((long double)x)) || !is_nearest(way.cosine, cosl((long double)x));
    }
    CHECK(wrong < DRAWS / 1000);
    return 0;
}

static int test_arc_tangents_are_rounded_correctly_but_for_one_in_thousands(void)
{
    AgoraRng rng = {.seed = 2};
    int wrong = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = draw_between(&rng, -100, 100), y = draw_between(&rng, -100, 100) * (i % 3 == 0 ? 1e-4 : 1);
        wrong += !is_nearest(arc_tangent_2(y, x), atan2l((long double)y, (long double)x));
    }
    CHECK(wrong < DRAWS / 1000);
    return 0;
}

static int test_arc_sines_are_rounded_correctly_but_for_one_in_thousands(void)
{
    AgoraRng rng = {.seed = 4};
    int wrong = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = draw_between(&rng, -0.7071, 0.7071) * (i % 3 == 0 ? 0.05 : 1);
        wrong += !is_nearest(arc_sine(x), asinl((long double)x));
    }
    CHECK(wrong < DRAWS / 1000);
    CHECK(arc_sine(0) == 0);
    CHECK(arc_sine(1e-9) == 1e-9);
    return 0;
}

static int test_arc_tangents_of_the_axes_are_exact(void)
{
    CHECK(arc_tangent_2(0, 1) == 0);
    CHECK(arc_tangent_2(1, 0) == DRIVING_PI / 2);
    CHECK(arc_tangent_2(-1, 0) == -DRIVING_PI / 2);
    CHECK(arc_tangent_2(0, -1) == DRIVING_PI);
    CHECK(arc_tangent_2(1, 1) == DRIVING_PI / 4);
    CHECK(arc_tangent_2(0, 0) == 0);
    return 0;
}

static int test_the_other_functions_have_relative_errors_below_1e_15(void)
{
    AgoraRng rng = {.seed = 3};
    for (int i = 0; i < DRAWS; i++) {
        double x = draw_between(&rng, -1, 1), base = draw_between(&rng, 1e-3, 3), exponent = draw_between(&rng, 1, 10);
        CHECK(fabs(logarithm(base) - log(base)) <= 1e-15 * fmax(fabs(log(base)), 0.1));
        CHECK(fabs(exponential(x) - exp(x)) <= 1e-15 * exp(x));
        CHECK(fabs(power(base, exponent) - pow(base, exponent)) <= 2e-14 * pow(base, exponent));
    }
    return 0;
}

int main(void)
{
    RUN(test_sines_and_cosines_are_rounded_correctly_but_for_one_in_thousands);
    RUN(test_arc_tangents_are_rounded_correctly_but_for_one_in_thousands);
    RUN(test_arc_sines_are_rounded_correctly_but_for_one_in_thousands);
    RUN(test_arc_tangents_of_the_axes_are_exact);
    RUN(test_the_other_functions_have_relative_errors_below_1e_15);
    return NUM_FAILED;
}
