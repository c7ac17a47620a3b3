#include "check.h"
#include "rng.h"

#include <stdbool.h>
#include <string.h>

/* Random123 1.14, examples/kat_vectors, lines "philox4x64 10". */
static int test_philox_gives_the_known_answers(void)
{
    static const struct {
        uint64_t counter[4], key[2], answer[4];
    } KNOWN[] = {
        {{0, 0, 0, 0},
         {0, 0},
         {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}},
        {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
         {UINT64_MAX, UINT64_MAX},
         {0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}},
        {{0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
         {0x452821e638d01377, 0xbe5466cf34e90c6c},
         {0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}},
    };
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        uint64_t out[4];
        agora_philox4x64(KNOWN[i].counter, KNOWN[i].key, out);
        CHECK(memcmp(out, KNOWN[i].answer, sizeof out) == 0);
    }
    return 0;
}

static int test_draws_are_the_words_of_consecutive_blocks(void)
{
    AgoraRng rng = {.seed = 7, .stream = 3, .episode = 11};
    for (uint64_t block = 0; block < 5; block++) {
        uint64_t words[4];
        agora_philox4x64((uint64_t[4]){block, 11, 0, 0}, (uint64_t[2]){7, 3}, words);
        for (int i = 0; i < 4; i++)
            CHECK(agora_draw(&rng) == words[i]);
    }
    CHECK(rng.draws == 20);
    return 0;
}

static int test_seed_stream_and_episode_each_change_the_draws(void)
{
    AgoraRng rngs[] = {{.seed = 0}, {.seed = 1}, {.stream = 1}, {.episode = 1}};
    uint64_t draws[4];
    for (int i = 0; i < 4; i++) {
        draws[i] = agora_draw(&rngs[i]);
        for (int j = 0; j < i; j++)
            CHECK(draws[i] != draws[j]);
    }
    return 0;
}

static int test_draw_below_stays_below_and_meets_every_number(void)
{
    AgoraRng rng = {.seed = 5};
    for (uint32_t count = 1; count <= 12; count++) {
        uint32_t seen = 0;
        for (int i = 0; i < 600; i++) {
            uint32_t number = agora_draw_below(&rng, count);
            CHECK(number < count);
            seen |= 1u << number;
        }
        CHECK(seen == (1u << count) - 1);
    }
    CHECK(agora_draw_below(&rng, 1) == 0);
    for (int i = 0; i < 100; i++)
        CHECK(agora_draw_below(&rng, UINT32_MAX) < UINT32_MAX);
    return 0;
}

/* Of 2^32 numbers, 2^32 mod 3 * 2^30 = 2^30 would favour the low end: one draw in four must be refused. */
static int test_draw_below_draws_again_where_a_number_would_favour_the_low_end(void)
{
    enum { DRAWS = 40000 };
    AgoraRng rng = {.seed = 6};
    int in_low_third = 0;
    for (int i = 0; i < DRAWS; i++)
        in_low_third += agora_draw_below(&rng, 3u << 30) < (1u << 30);
    CHECK(rng.draws > DRAWS * 1.3 && rng.draws < DRAWS * 1.37); /* expected 4/3; 5 standard deviations are 0.017 */
    CHECK(in_low_third > DRAWS * 0.32 && in_low_third < DRAWS * 0.347);
    return 0;
}

static int test_dealt_cards_differ_and_every_order_comes(void)
{
    AgoraRng rng = {.seed = 9};
    uint8_t cards[256], seen[256] = {0};
    agora_deal_cards(&rng, 256, 0, cards);
    CHECK(rng.draws == 0);
    agora_deal_cards(&rng, 256, 256, cards);
    for (int i = 0; i < 256; i++)
        CHECK(!seen[cards[i]]++);
    uint32_t orders = 0; /* of two cards of three: bit 3 a + b */
    rng.draws = 0;
    for (int i = 0; i < 200; i++) {
        agora_deal_cards(&rng, 3, 2, cards);
        orders |= 1u << (3 * cards[0] + cards[1]);
    }
    CHECK(rng.draws == 200); /* one number each */
    AgoraRng twin = rng;
    for (int i = 0; i < 200; i++) {
        uint8_t few[5];
        agora_deal_cards(&rng, 9, 5, cards);
        agora_deal_few_cards(&twin, 9, 5, few);
        CHECK(memcmp(few, cards, sizeof few) == 0);
    }
    CHECK(orders == (1u << 1 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 7));
    return 0;
}

static int test_draw_unit_is_in_the_half_open_interval_with_53_bits(void)
{
    AgoraRng rng = {.seed = 8}, twin = rng;
    double sum = 0;
    for (int i = 0; i < 4000; i++) {
        double unit = agora_draw_unit(&rng);
        CHECK(unit >= 0 && unit < 1);
        CHECK(unit * 0x1p53 == (double)(agora_draw(&twin) >> 11));
        sum += unit;
    }
    CHECK(sum / 4000 > 0.475 && sum / 4000 < 0.525); /* 5 standard deviations of a mean of 4000: 0.023 */
    return 0;
}

int main(void)
{
    RUN(test_philox_gives_the_known_answers);
    RUN(test_draws_are_the_words_of_consecutive_blocks);
    RUN(test_seed_stream_and_episode_each_change_the_draws);
    RUN(test_draw_below_stays_below_and_meets_every_number);
    RUN(test_draw_below_draws_again_where_a_number_would_favour_the_low_end);
    RUN(test_dealt_cards_differ_and_every_order_comes);
    RUN(test_draw_unit_is_in_the_half_open_interval_with_53_bits);
    return NUM_FAILED;
}
