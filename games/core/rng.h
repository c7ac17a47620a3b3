/* Chance for worlds: Philox4x64-10, a counter-based generator (Salmon et al. 2011, "Parallel random numbers: as easy
 * as 1, 2, 3"; the same function as numpy.random.Philox).
 *
 * The n-th number of an episode is a pure function of (seed, env number, episode, n). So what happens in an env depends
 * neither on its neighbours nor on threads, and a saved state needs no generator beside it. The env number is the env's
 * index in its batch, counted from where the caller says (agora_batch_seed): one env alone can be any env of a batch.
 */
#ifndef AGORA_RNG_H
#define AGORA_RNG_H

#include <stdint.h>

typedef struct AgoraRng {
    uint64_t seed;    /* key, word 0 */
    uint64_t stream;  /* key, word 1: the env's number */
    uint64_t episode; /* counter, word 1 */
    uint64_t draws;   /* numbers used in this episode; counter word 0 is draws / 4 */
} AgoraRng;

/* The block of four numbers at `counter` under `key`. */
void agora_philox4x64(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4]);

/* Uniform on all 64-bit numbers. */
uint64_t agora_draw(AgoraRng *rng);

/* Uniform on {0, ..., count - 1}; count > 0. Exact: numbers that would favour the low end are drawn again
 * (Lemire 2019). */
uint32_t agora_draw_below(AgoraRng *rng, uint32_t count);

/* Deals `count` different cards of {0, ..., deck - 1}, every order equally likely; 0 <= count <= deck <= 256.
 * One number decides about as many cards as its bits allow. */
void agora_deal_cards(AgoraRng *rng, int32_t deck, int32_t count, uint8_t *cards);

/* The same for a few cards: with constant sizes it needs no divisions. deck * (deck - 1) * ... fits 32 bits. */
static inline void agora_deal_few_cards(AgoraRng *rng, int32_t deck, int32_t count, uint8_t *cards)
{
    uint32_t orders = 1;
    uint8_t left[256];
    for (int32_t card = 0; card < deck; card++)
        left[card] = (uint8_t)card;
    for (int32_t i = 0; i < count; i++)
        orders *= (uint32_t)(deck - i);
    uint32_t number = agora_draw_below(rng, orders);
    for (int32_t i = 0; i < count; i++) {
        uint32_t rest = (uint32_t)(deck - i), pick = number % rest;
        number /= rest;
        cards[i] = left[pick];
        left[pick] = left[rest - 1];
    }
}

/* Uniform on [0, 1) with 53 bits. */
double agora_draw_unit(AgoraRng *rng);

#endif
