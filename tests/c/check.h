/* A test is a function `static int test_<sentence>(void)` that returns 0, or 1 from the first CHECK that fails.
 * main() names each with RUN and returns NUM_FAILED.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int num_failed;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                                      \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

#define RUN(test)                                                                                                      \
    do {                                                                                                               \
        int has_failed = test();                                                                                       \
        printf("%s %s\n", has_failed ? "FAILED" : "passed", #test);                                                    \
        fflush(stdout);                                                                                                \
        num_failed += has_failed;                                                                                      \
    } while (0)

#define NUM_FAILED (num_failed > 0)

#endif
