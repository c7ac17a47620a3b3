#include "rng.h"

/* Round and key constants of Salmon et al. 2011, table 2 (Random123's philox.h). */
static const uint64_t MULTIPLIER_0 = 0xD2E7470EE14C6C93u, MULTIPLIER_1 = 0xCA5A826395121157u;
static const uint64_t WEYL_0 = 0x9E3779B97F4A7C15u, WEYL_1 = 0xBB67AE8584CAA73Bu;
enum { ROUNDS = 10 };

void agora_philox4x64(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4])
{
    uint64_t a = counter[0], b = counter[1], c = counter[2], d = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        unsigned __int128 product_0 = (unsigned __int128)MULTIPLIER_0 * a;
        unsigned __int128 product_1 = (unsigned __int128)MULTIPLIER_1 * c;
        a = (uint64_t)(product_1 >> 64) ^ b ^ k0;
        b = (uint64_t)product_1;
        c = (uint64_t)(product_0 >> 64) ^ d ^ k1;
        d = (uint64_t)product_0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

uint64_t agora_draw(AgoraRng *rng)
{
    uint64_t block[4];
    agora_philox4x64((uint64_t[4]){rng->draws / 4, rng->episode, 0, 0}, (uint64_t[2]){rng->seed, rng->stream}, block);
    return block[rng->draws++ % 4];
}

uint32_t agora_draw_below(AgoraRng *rng, uint32_t count)
{
    uint64_t product = (agora_draw(rng) >> 32) * count;
    if ((uint32_t)product < count) { /* seldom; the threshold is below count, and costs a division */
        uint32_t threshold = (uint32_t)-count % count;
        while ((uint32_t)product < threshold)
            product = (agora_draw(rng) >> 32) * count;
    }
    return (uint32_t)(product >> 32);
}

void agora_deal_cards(AgoraRng *rng, int32_t deck, int32_t count, uint8_t *cards)
{
    uint8_t left[256];
    for (int32_t card = 0; card < deck; card++)
        left[card] = (uint8_t)card;
    for (int32_t dealt = 0; dealt < count;) {
        int32_t next = dealt;
        uint64_t orders = 1;
        while (next < count && orders * (uint64_t)(deck - next) <= UINT32_MAX)
            orders *= (uint64_t)(deck - next++);
        uint32_t number = agora_draw_below(rng, (uint32_t)orders);
        for (; dealt < next; dealt++) {
            uint32_t rest = (uint32_t)(deck - dealt), pick = number % rest;
            number /= rest;
            cards[dealt] = left[pick];
            left[pick] = left[rest - 1];
        }
    }
}

double agora_draw_unit(AgoraRng *rng)
{
    return (double)(agora_draw(rng) >> 11) * 0x1p-53;
}
