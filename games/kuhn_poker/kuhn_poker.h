/* Kuhn poker for 2 to 10 players, with the rules and information-state tensors of OpenSpiel's kuhn_poker.
 *
 * P players put 1 chip each into the pot and get one card each of P + 1. Player 0 begins; each in turn passes (0) or
 * bets (1). Once somebody has bet, every other player has one more decision: to bet, which is to call, or to pass, which
 * is to fold. Who has bet has put 2 chips in. The highest card among those who bet takes the pot; if nobody did, the
 * highest card of all.
 *
 * Observation of player i, float32 in [0, 1]; it tells all that the player has seen so far:
 *
 *   offset  size           content
 *   0       P              i, one-hot
 *   P       P + 1          own card, one-hot
 *   2P + 1  (2P - 1) x 2   for each action so far, in order: pass, bet, one-hot
 *
 * A waiting player's action is not read, and its mask leaves action 0.
 */
#ifndef AGORA_KUHN_POKER_H
#define AGORA_KUHN_POKER_H

#include "../core/game.h"

enum { KUHN_MIN_PLAYERS = 2, KUHN_MAX_PLAYERS = 10, KUHN_MAX_ACTIONS = 2 * KUHN_MAX_PLAYERS - 1 };

typedef enum KuhnAction { KUHN_PASS, KUHN_BET, KUHN_ACTIONS } KuhnAction;

typedef struct KuhnConfig {
    int32_t players; /* P */
} KuhnConfig;

typedef struct KuhnState {
    int16_t to_move;                    /* player; -1 when the hand is over */
    uint8_t cards[KUHN_MAX_PLAYERS];    /* each player's, different, in [0, P]; dealt at reset */
    uint8_t history[KUHN_MAX_ACTIONS];  /* 1 + each action so far; then 0 */
    uint8_t num_actions;                /* so far */
    uint8_t first_bet;                  /* 1 + the index in `history` of the first bet; 0: none yet */
    uint8_t padding;
} KuhnState;

/* Hands of two, which are most of them, are looked up: what the rules make of every history. */
enum { KUHN_PAIR_ACTIONS = 3, KUHN_PAIR_LINES = 27, KUHN_PAIR_FEATURES = 11 };

typedef struct KuhnLine {
    int16_t to_move;                            /* as in the state */
    uint8_t history[KUHN_PAIR_ACTIONS], num_actions, first_bet;
    uint8_t is_over;
    uint8_t masks[2 * KUHN_ACTIONS];
    float rewards[2][2]; /* of both players, if player 0 has the lower card, and if the higher; 0 before the end */
} KuhnLine;

typedef struct KuhnModel {
    KuhnLine lines[KUHN_PAIR_LINES]; /* at the number that has the history as its digits, base 3, lowest first */
    float observations[KUHN_PAIR_LINES][2][3][KUHN_PAIR_FEATURES]; /* of each line, player and own card */
} KuhnModel;

extern const AgoraWorld agora_kuhn_poker;

#endif
