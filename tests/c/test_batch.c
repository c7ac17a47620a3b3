#include "check.h"
#include "rig.h"

#include "../../games/matrix/matrix.h"
#include "../../games/probe/probe.h"

#include <math.h>
#include <string.h>

#define SPAN(array) {.data = array, .count = sizeof array / sizeof array[0]}

/* Two players, two actions, three rounds; the reward of player 0 is 1, 2, 3 or 4, that of player 1 ten times as much. */
static const int32_t TWO_BY_TWO[] = {2, 2};
static const double PAYOFFS[] = {1, 2, 3, 4, 10, 20, 30, 40};
static const MatrixConfig GAME = {
    .num_actions = SPAN(TWO_BY_TWO), .payoffs = SPAN(PAYOFFS), .horizon = 3, .memory = 1};

static const uint8_t MELODY[] = {0, 1};
static const ProbeConfig PROBE = {.melody = SPAN(MELODY),
                                  .quota = 9,
                                  .values = {1, 1, 1, 1},
                                  .speed = 0.1f,
                                  .radius = 0.1f,
                                  .horizon = 5,
                                  .stock = {1, 1, 1, 1},
                                  .stamina = {9, 9},
                                  .max_mistakes = 9};

static Rig *start(int32_t num_envs, AgoraAutoreset autoreset)
{
    Rig *rig = rig_create(&agora_matrix, &GAME, num_envs, 1, autoreset);
    agora_batch_reset(rig->batch, NULL);
    return rig;
}

/* Every env plays (a, b). */
static int32_t play(Rig *rig, int32_t a, int32_t b)
{
    AgoraError error;
    int32_t *actions = rig->arrays[0].actions;
    for (int32_t e = 0; e < rig->num_envs; e++) {
        actions[2 * e] = a;
        actions[2 * e + 1] = b;
    }
    return agora_batch_step(rig->batch, &error);
}

static int test_create_refuses_counts_below_one_and_bad_configs(void)
{
    AgoraError error;
    MatrixConfig bad = GAME;
    CHECK(!agora_batch_create(&agora_matrix, &GAME, 0, 1, AGORA_SAME_STEP, &error));
    CHECK(strstr(error.text, "got 0 and 1"));
    CHECK(!agora_batch_create(&agora_matrix, &GAME, 1, -3, AGORA_SAME_STEP, &error));
    CHECK(strstr(error.text, "got 1 and -3"));
    bad.horizon = 0;
    CHECK(!agora_batch_create(&agora_matrix, &bad, 1, 1, AGORA_SAME_STEP, &error));
    CHECK(strstr(error.text, "horizon must be at least 1, got 0"));
    return 0;
}

static int test_step_before_reset_is_refused(void)
{
    AgoraError error;
    Rig *rig = rig_create(&agora_matrix, &GAME, 3, 1, AGORA_SAME_STEP);
    CHECK(agora_batch_step(rig->batch, &error) == -1 && strstr(error.text, "env 0 has no episode yet"));
    agora_batch_reset(rig->batch, (uint8_t[]){1, 0, 1});
    CHECK(agora_batch_step(rig->batch, &error) == -1 && strstr(error.text, "env 1 has no episode yet"));
    CHECK(!agora_batch_set_state(rig->batch, 1, agora_batch_state(rig->batch, 0), &error));
    agora_batch_reset(rig->batch, (uint8_t[]){0, 1, 0});
    CHECK(agora_batch_step(rig->batch, &error) == 0);
    rig_destroy(rig);
    return 0;
}

static int test_rewards_returns_and_lengths_are_those_worked_by_hand(void)
{
    Rig *rig = start(2, AGORA_SAME_STEP);
    CHECK(play(rig, 0, 1) == 0 && rig->arrays[0].rewards[0] == 2 && rig->arrays[0].rewards[1] == 20);
    CHECK(play(rig, 1, 1) == 0 && rig->arrays[0].rewards[2] == 4 && rig->arrays[0].rewards[3] == 40);
    CHECK(play(rig, 1, 0) == 2 && rig->log.ended[0] && rig->log.ended[1]);
    CHECK(rig->log.lengths[0] == 3 && rig->log.returns[0] == 2 + 4 + 3 && rig->log.returns[3] == 20 + 40 + 30);
    CHECK(play(rig, 0, 0) == 0 && !rig->log.ended[0] && rig->arrays[0].rewards[0] == 1);
    rig_destroy(rig);
    return 0;
}

/* Observation of this game: bias, own last action one-hot, the other's. */
static int test_same_step_keeps_the_last_observation_and_shows_the_next_first(void)
{
    static const float LAST[] = {1, 0, 1, 1, 0}, FIRST[] = {1, 0, 0, 0, 0};
    Rig *rig = start(1, AGORA_SAME_STEP);
    play(rig, 0, 0);
    play(rig, 0, 0);
    CHECK(play(rig, 1, 0) == 1);
    CHECK(memcmp(rig->arrays[0].final_observations, LAST, sizeof LAST) == 0);
    CHECK(memcmp(rig->arrays[0].observations, FIRST, sizeof FIRST) == 0);
    CHECK(rig->arrays[0].rewards[0] == 3 && rig->arrays[0].terminations[0] == 1);
    rig_destroy(rig);
    return 0;
}

static int test_next_step_ignores_the_action_and_gives_no_reward(void)
{
    static const float LAST[] = {1, 0, 1, 1, 0}, FIRST[] = {1, 0, 0, 0, 0};
    Rig *rig = start(1, AGORA_NEXT_STEP);
    play(rig, 0, 0);
    play(rig, 0, 0);
    CHECK(play(rig, 1, 0) == 1 && memcmp(rig->arrays[0].observations, LAST, sizeof LAST) == 0);
    CHECK(play(rig, 1, 1) == 0 && memcmp(rig->arrays[0].observations, FIRST, sizeof FIRST) == 0);
    CHECK(rig->arrays[0].rewards[0] == 0 && rig->arrays[0].terminations[0] == 0 && !rig->log.ended[0]);
    CHECK(play(rig, 1, 1) == 0 && rig->arrays[0].rewards[0] == 4);
    rig_destroy(rig);
    return 0;
}

static int test_disabled_refuses_to_step_what_is_over_until_it_is_reset(void)
{
    AgoraError error;
    Rig *rig = start(2, AGORA_DISABLED);
    play(rig, 0, 0);
    play(rig, 0, 0);
    CHECK(play(rig, 0, 0) == 2);
    uint64_t before = rig_hash_env(rig, 1, 0);
    CHECK(agora_batch_step(rig->batch, &error) == -1 && strstr(error.text, "episode of env 0 is over"));
    agora_batch_reset(rig->batch, (uint8_t[]){1, 0});
    CHECK(agora_batch_step(rig->batch, &error) == -1 && strstr(error.text, "episode of env 1 is over"));
    CHECK(rig_hash_env(rig, 1, 0) == before);
    agora_batch_reset(rig->batch, (uint8_t[]){0, 1});
    CHECK(agora_batch_step(rig->batch, &error) == 0);
    rig_destroy(rig);
    return 0;
}

static int test_actions_outside_their_space_are_refused_and_change_nothing(void)
{
    AgoraError error;
    Rig *rig = rig_create(&agora_probe, &PROBE, 3, 1, AGORA_SAME_STEP);
    agora_batch_reset(rig->batch, NULL);
    static const float BAD_NUMBERS[] = {1.0001f, -2, NAN, INFINITY, -INFINITY};
    static const int32_t BAD_CHOICES[] = {-1, 5, INT32_MAX, INT32_MIN};
    uint64_t before = rig_hash_env(rig, 2, 0);
    for (int i = 0; i < 5; i++) {
        rig_choose(rig, 0, 0);
        ((float *)rig->arrays[0].actions)[(2 * 3 + 1) * 2 + 1] = BAD_NUMBERS[i];
        CHECK(agora_batch_step(rig->batch, &error) == -1);
        CHECK(strstr(error.text, "of walker_1 in env 2, part 1 is outside its space [-1, 1]"));
    }
    for (int i = 0; i < 4; i++) {
        rig_choose(rig, 0, 0);
        ((int32_t *)rig->arrays[1].actions)[(1 * 2 + 0) * 2 + 1] = BAD_CHOICES[i];
        CHECK(agora_batch_step(rig->batch, &error) == -1);
        CHECK(strstr(error.text, "of picker_0 in env 1, part 1 is outside its space {0, ..., 3}"));
        rig_choose(rig, 0, 0);
        ((int32_t *)rig->arrays[2].actions)[2] = BAD_CHOICES[i];
        CHECK(agora_batch_step(rig->batch, &error) == -1);
        CHECK(strstr(error.text, "of caller_0 in env 2 is outside its space {0, ..., 4}"));
    }
    CHECK(rig_hash_env(rig, 2, 0) == before);
    rig_destroy(rig);
    return 0;
}

static int test_a_masked_reset_leaves_the_others_alone(void)
{
    Rig *rig = start(3, AGORA_SAME_STEP);
    play(rig, 1, 0);
    uint64_t before[] = {rig_hash_env(rig, 0, 0), rig_hash_env(rig, 1, 0), rig_hash_env(rig, 2, 0)};
    agora_batch_reset(rig->batch, (uint8_t[]){0, 1, 0});
    CHECK(rig_hash_env(rig, 0, 0) == before[0] && rig_hash_env(rig, 2, 0) == before[2]);
    CHECK(rig_hash_env(rig, 1, 0) != before[1] && rig->arrays[0].rewards[2] == 0);
    rig_destroy(rig);
    return 0;
}

static int test_resets_count_episodes_and_a_seed_starts_again(void)
{
    Rig *rig = rig_create(&agora_probe, &PROBE, 1, 1, AGORA_SAME_STEP);
    uint64_t firsts[4];
    for (int i = 0; i < 4; i++) {
        if (i % 2 == 0)
            agora_batch_seed(rig->batch, 17, 0);
        agora_batch_reset(rig->batch, NULL);
        firsts[i] = rig_hash_env(rig, 0, 0);
    }
    CHECK(firsts[0] == firsts[2] && firsts[1] == firsts[3] && firsts[0] != firsts[1]);
    rig_destroy(rig);
    return 0;
}

static int test_a_set_state_must_be_valid(void)
{
    AgoraError error;
    Rig *rig = start(1, AGORA_SAME_STEP);
    MatrixState state = *(const MatrixState *)agora_batch_state(rig->batch, 0);
    uint64_t before = rig_hash_env(rig, 0, 0);
    state.last_actions[1] = 2;
    CHECK(!agora_batch_set_state(rig->batch, 0, &state, &error));
    CHECK(strstr(error.text, "last_actions[0, 1] must be in [-1, 1], got 2"));
    CHECK(rig_hash_env(rig, 0, 0) == before);
    state.last_actions[1] = 1;
    CHECK(agora_batch_set_state(rig->batch, 0, &state, &error));
    CHECK(((const float *)rig->arrays[0].observations)[4] == 1);
    rig_destroy(rig);
    return 0;
}

static int test_statistics_belong_to_the_episode_that_ended(void)
{
    Rig *rig = rig_create(&agora_probe, &PROBE, 4, 2, AGORA_SAME_STEP);
    agora_batch_reset(rig->batch, NULL);
    for (uint64_t t = 0; t < 40; t++) {
        int32_t walkers[4] = {0};
        for (int32_t e = 0; e < 4; e++)
            walkers[e] = ((const ProbeState *)agora_batch_state(rig->batch, e))->population;
        rig_step(rig, 0, t);
        for (int32_t e = 0; e < 4; e++) {
            CHECK(!rig->log.ended[e] || rig->log.statistics[4 * e] == walkers[e]);
            CHECK(!rig->log.ended[e] || rig->log.lengths[e] <= PROBE.horizon);
        }
    }
    rig_destroy(rig);
    return 0;
}

int main(void)
{
    RUN(test_create_refuses_counts_below_one_and_bad_configs);
    RUN(test_step_before_reset_is_refused);
    RUN(test_rewards_returns_and_lengths_are_those_worked_by_hand);
    RUN(test_same_step_keeps_the_last_observation_and_shows_the_next_first);
    RUN(test_next_step_ignores_the_action_and_gives_no_reward);
    RUN(test_disabled_refuses_to_step_what_is_over_until_it_is_reset);
    RUN(test_actions_outside_their_space_are_refused_and_change_nothing);
    RUN(test_a_masked_reset_leaves_the_others_alone);
    RUN(test_resets_count_episodes_and_a_seed_starts_again);
    RUN(test_a_set_state_must_be_valid);
    RUN(test_statistics_belong_to_the_episode_that_ended);
    return NUM_FAILED;
}
