/* Goofspiel for 2 to 10 players, with the rules and information-state tensors of OpenSpiel's goofspiel.
 *
 * Every player holds the cards 0 .. C-1 of one suit; another suit is the prizes, of which T are turned up, one a turn, in
 * random, ascending or descending order. Card c counts c + 1 points. All bid one card at once; the highest bid takes the
 * prize, equal highest bids discard it, and bid cards are gone. With T = C the last turn leaves no choice and is played
 * within the step before it, so an episode has T - 1 steps.
 *
 * Observation of player i, float32 in [0, 1]; it tells all that the player has seen so far. "Rotated" starts with player
 * i and wraps around; S = C (C + 1) / 2 + 1:
 *
 *   all players' cards open            bids hidden (`imp_info`)
 *   size   content                     size   content
 *   P x S  points, one-hot, rotated    P x S  points, one-hot, rotated
 *   T x C  prizes so far, one-hot      C      own hand
 *   P x C  hands, rotated              T x P  who took each prize, one-hot; 0: nobody; with `egocentric` the places after i
 *                                      T x C  prizes so far, one-hot
 *                                      T x C  own bids so far, one-hot
 *
 * An illegal bid counts as the lowest card in hand.
 */
#ifndef AGORA_GOOFSPIEL_H
#define AGORA_GOOFSPIEL_H

#include "../core/game.h"

enum { GOOFSPIEL_MIN_PLAYERS = 2, GOOFSPIEL_MAX_PLAYERS = 10, GOOFSPIEL_MIN_CARDS = 2, GOOFSPIEL_MAX_CARDS = 16 };

typedef enum GoofspielOrder { GOOFSPIEL_RANDOM, GOOFSPIEL_ASCENDING, GOOFSPIEL_DESCENDING, GOOFSPIEL_ORDERS } GoofspielOrder;

/* What the players get at the end: the winners share 1 and the others -1, or nobody anything if all are equal; points
 * minus the mean of all players; or points. */
typedef enum GoofspielReturns {
    GOOFSPIEL_WIN_LOSS,
    GOOFSPIEL_POINT_DIFFERENCE,
    GOOFSPIEL_TOTAL_POINTS,
    GOOFSPIEL_RETURNS
} GoofspielReturns;

typedef struct GoofspielConfig {
    int32_t players;      /* P */
    int32_t num_cards;    /* C */
    int32_t num_turns;    /* T, in [1, C] */
    int32_t points_order; /* a GoofspielOrder */
    int32_t returns_type; /* a GoofspielReturns */
    uint8_t imp_info, egocentric;
} GoofspielConfig;

typedef struct GoofspielState {
    int16_t points[GOOFSPIEL_MAX_PLAYERS];
    uint8_t turn;                                              /* turns played */
    uint8_t padding;
    uint8_t prizes[GOOFSPIEL_MAX_CARDS];                       /* [T]: of every turn, those to come included */
    uint8_t winners[GOOFSPIEL_MAX_CARDS];                      /* [T]: 1 + who took it; 0: nobody, or not yet */
    uint8_t hands[GOOFSPIEL_MAX_PLAYERS * GOOFSPIEL_MAX_CARDS]; /* [P, C]: 1 = still in hand */
    uint8_t bids[GOOFSPIEL_MAX_CARDS * GOOFSPIEL_MAX_PLAYERS];  /* [T, P]: the cards bid; then 0 */
} GoofspielState;

extern const AgoraWorld agora_goofspiel;

#endif
