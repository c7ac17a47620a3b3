/* Slotted Aloha: stations share a channel with their neighbours, after the world of Wang et al. 2022 ("Context-aware
 * sparse deep coordination graphs", MACO) as Chen and Zhang 2023 use it.
 *
 * One step: every station idles or sends. A station with a packet whose neighbours all idle gets it through, which pays
 * the team `success_reward`; one with a packet beside a sender fails and keeps it, which costs `collision_penalty`. A
 * station that sends without a packet is neither paid nor fined, but its neighbours fail all the same. Then every
 * station receives a packet with probability `arrival`; packets beyond `capacity` are lost.
 *
 * Observation, float [1 to 3] per station: its own backlog; with shows_last, 1 if it sent in the last step; with
 * shows_parity, 1 in every second step from the second on. Actions: 0 idle, 1 send. With mask_empty a station without a
 * packet may only idle, and a 1 counts as 0.
 * Infos: `sent` and `failed`, 1 where that happened in this step.
 */
#ifndef AGORA_ALOHA_H
#define AGORA_ALOHA_H

#include "../core/game.h"

enum {
    ALOHA_MAX_STATIONS = 64,
    ALOHA_MAX_CAPACITY = 255, /* packets */
};

/* What a station did in the last step. */
typedef enum AlohaOutcome {
    ALOHA_IDLE, /* also before the first step */
    ALOHA_SENT,
    ALOHA_FAILED,
    ALOHA_NOISE, /* sent without a packet */
    ALOHA_NUM_OUTCOMES,
} AlohaOutcome;

typedef struct AlohaConfig {
    AgoraSpan neighbours;     /* [N, N] uint8, 1 where two stations disturb each other; symmetric, 0 on the diagonal */
    int32_t num_agents;       /* N, 1 to ALOHA_MAX_STATIONS */
    int32_t capacity;         /* packets, 1 to ALOHA_MAX_CAPACITY */
    int32_t start_backlog;    /* packets, 0 to capacity */
    double arrival;           /* probability in [0, 1] */
    double success_reward;    /* for each packet that gets through */
    double collision_penalty; /* for each that fails, taken off */
    uint8_t mask_empty;
    uint8_t shows_last, shows_parity; /* memory that lets stations take turns */
    int32_t horizon;          /* steps */
} AlohaConfig;

typedef struct AlohaModel {
    uint64_t neighbours[ALOHA_MAX_STATIONS]; /* bit j of i: they disturb each other */
} AlohaModel;

typedef struct AlohaState {
    int32_t timestep;
    int32_t packets;    /* that got through */
    int32_t collisions; /* that failed */
    uint8_t backlogs[ALOHA_MAX_STATIONS];
    uint8_t outcomes[ALOHA_MAX_STATIONS]; /* AlohaOutcome */
} AlohaState;

extern const AgoraWorld agora_aloha;

#endif
