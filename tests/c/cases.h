/* The worlds under test. A new world needs one entry in cases.c; a compiled world without one fails test_determinism. */
#ifndef CASES_H
#define CASES_H

#include "game.h"

typedef struct Case {
    const char *label;
    const AgoraWorld *world;
    const void *config;
    uint64_t hash; /* of the run in test_determinism.c, which prints the actual one when it differs */
} Case;

extern const Case CASES[];
extern const int32_t NUM_CASES;

#endif
