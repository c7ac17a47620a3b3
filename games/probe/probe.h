/* A conformance world. It is no game: it holds in one place everything that core/game.h allows, so that tests of the
 * engine and of the faces above it meet each case without waiting for a game that happens to have it.
 *
 * Three groups share an episode and little else:
 *
 *   walkers (3, continuous)     move on the field [-1, 1]^2 towards a beacon while one wind blows on all of them
 *   pickers (2, multi-discrete) take items from four bins and put them back, under action masks
 *   caller  (1, discrete)       repeats a melody, one call a step
 *
 * Who is there: an episode has 1 to 3 walkers, drawn at reset; the other slots stay empty. Who leaves, and when:
 *   a walker    terminated at the beacon (reward 1) or when its stamina, drawn at reset, is used up (reward -1)
 *   a picker    terminated with the take that fills its quota
 *   the caller  terminated with its last allowed mistake
 *   everybody who is left after `horizon` steps is truncated.
 * The episode is over when nobody is left. An agent that is out, or was never there, has reward, flags and infos 0,
 * and an observation of zeros.
 *
 * Rewards: a walker that walks on gets -distance / 4; a picker the value of the bin it took from, minus the value of
 * the bin it put into; the caller 1 / (times this call stands in the melody) if right, -0.5 if wrong. All in [-1, 1].
 *
 * Observation of a walker, float32 in [-2, 2]:
 *
 *   offset  size  content
 *   0       2     own position
 *   2       2     beacon minus own position
 *   4       2 x 3 the other walkers, after the own index and wrapping around: position minus own, 1 if there
 *   10      1     stamina left, as a part of the largest possible
 *   11      1     steps taken, as a part of the horizon
 *
 * Observation of a picker, float32 in [0, 1]:
 *
 *   offset  size  content
 *   0       4     items in each bin, as a part of all items
 *   4       5     own hand, one-hot: empty, or the bin that the item came from
 *   9       5     the other's hand
 *   14      1     items taken, as a part of the quota
 *   15      1     steps taken, as a part of the horizon
 *
 * Observation of the caller, uint8 [5 rows, 5 columns, 3 channels], a picture of the field:
 *   channel 0: 80 for each walker in the cell; channel 1: 255 at the beacon; channel 2: row 0 shows the next call of the
 *   melody, row 1 the caller's last call, each as 255 in its column.
 *
 * Actions: a walker gives its velocity (2 numbers in [-1, 1]); a picker what to do (wait, take, put) and with which bin;
 * the caller one of 5 calls. Illegal picks do nothing. When both pickers reach for the last item of a bin, a coin decides.
 */
#ifndef AGORA_PROBE_H
#define AGORA_PROBE_H

#include "../core/game.h"

enum {
    PROBE_WALKERS = 3,
    PROBE_PICKERS = 2,
    PROBE_BINS = 4,
    PROBE_CALLS = 5,
    PROBE_CELLS = 5,      /* rows and columns of the caller's picture */
    PROBE_MAX_STOCK = 10000, /* items of one bin; so that all items together fit a uint16 */
};

typedef enum ProbePick { PROBE_WAIT, PROBE_TAKE, PROBE_PUT, PROBE_PICKS } ProbePick;

typedef struct ProbeConfig {
    AgoraSpan melody;          /* [any length >= 1] uint8, each < PROBE_CALLS */
    int64_t quota;             /* takes after which a picker leaves, >= 1 */
    double gust;               /* largest wind along an axis, field units per step, in [0, 1] */
    float values[PROBE_BINS];  /* reward of a take, in [0, 1]; live */
    float speed;               /* field units per step at full velocity, in [0, 1]; live */
    float radius;              /* a walker this near to the beacon has arrived; field units, in [0, 1] */
    int32_t horizon;           /* steps, >= 1 */
    int32_t stock[PROBE_BINS]; /* items at reset, in [0, PROBE_MAX_STOCK] */
    int16_t stamina[2];        /* lowest and highest number of steps that a walker can last, >= 1 */
    uint8_t max_mistakes;      /* wrong calls after which the caller leaves, >= 1 */
} ProbeConfig;

typedef struct ProbeModel {
    float call_values[PROBE_CALLS]; /* reward of a right call; 0 for a call that the melody lacks */
    int32_t num_items;              /* in all bins at reset */
} ProbeModel;

typedef struct ProbeState {
    double wind[2];                     /* of the last step, field units */
    int64_t taken[PROBE_PICKERS];       /* takes so far */
    int64_t melody_position;            /* index of the next call */
    float beacon[2];
    float positions[PROBE_WALKERS][2];
    int32_t steps;
    int16_t stamina[PROBE_WALKERS];     /* steps left */
    int16_t last_call;                  /* -1 before the first */
    uint16_t bins[PROBE_BINS];          /* items */
    uint16_t right_calls, arrivals;     /* right_calls stops counting at 65535 */
    uint8_t hands[PROBE_PICKERS];       /* 0: empty; b + 1: an item of bin b */
    uint8_t walker_alive[PROBE_WALKERS];
    uint8_t picker_alive[PROBE_PICKERS];
    uint8_t caller_alive;
    uint8_t mistakes;
    uint8_t population;                 /* walkers at reset */
} ProbeState;

extern const AgoraWorld agora_probe;

#endif
