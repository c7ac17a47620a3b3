/* One trajectory per case, whatever the threads, the batch and the optimisation level: the hash of all that a run shows
 * is a constant in cases.c, and the Makefile runs this at -O0 and at -O2.
 */
#include "cases.h"
#include "check.h"
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#ifdef AGORA_SANITIZED
/* What a sanitizer looks for shows in fewer turns; the recorded trajectories are compared whole in every build. */
enum { NUM_SHARED_TURNS = 50 };
static const int32_t THREADS[] = {1, 8};
#else
enum { NUM_SHARED_TURNS = 250 };
static const int32_t THREADS[] = {1, 2, 3, 4, 5, 6, 7, 8};
#endif
enum { NUM_ENVS = 12, NUM_TURNS = 250, SEED = 42, NUM_THREADS = sizeof THREADS / sizeof THREADS[0] };

static int test_every_compiled_world_has_a_case(void)
{
    int32_t missing = 0;
    for (int32_t w = 0; w < agora_num_worlds; w++) {
        bool has_case = false;
        for (int32_t c = 0; c < NUM_CASES; c++)
            has_case |= CASES[c].world == agora_worlds[w];
        if (!has_case)
            printf("world %s needs an entry in tests/c/cases.c\n", agora_worlds[w]->name);
        missing += !has_case;
    }
    CHECK(missing == 0);
    return 0;
}

static uint64_t run_case(const Case *one, int32_t num_threads, uint64_t num_turns, uint64_t hashes[NUM_ENVS])
{
    Rig *rig = rig_create(one->world, one->config, NUM_ENVS, num_threads, AGORA_SAME_STEP);
    memset(hashes, 0, NUM_ENVS * sizeof *hashes);
    agora_batch_seed(rig->batch, SEED, 0);
    agora_batch_reset(rig->batch, NULL);
    for (int32_t e = 0; e < NUM_ENVS; e++)
        hashes[e] = rig_hash_env(rig, e, hashes[e]);
    rig_run(rig, 0, 0, num_turns, hashes);
    rig_destroy(rig);
    return rig_fold(0, hashes, NUM_ENVS * sizeof *hashes);
}

static int test_trajectories_have_their_recorded_hashes_whatever_the_threads(void)
{
    int32_t num_wrong = 0;
    for (int32_t c = 0; c < NUM_CASES; c++)
        for (int32_t i = 0; i < NUM_THREADS; i++) {
            uint64_t hashes[NUM_ENVS], hash = run_case(&CASES[c], THREADS[i], NUM_TURNS, hashes);
            if (hash == CASES[c].hash)
                continue;
            printf("%s, %d threads: the hash is 0x%016llx, cases.c says 0x%016llx\n", CASES[c].label, THREADS[i],
                   (unsigned long long)hash, (unsigned long long)CASES[c].hash);
            num_wrong++;
        }
    CHECK(num_wrong == 0);
    return 0;
}

static int test_envs_do_not_notice_how_many_others_there_are(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        uint64_t expected[NUM_ENVS], actual[NUM_ENVS];
        run_case(&CASES[c], 1, NUM_SHARED_TURNS, expected);
        for (int32_t num_envs = 1; num_envs < NUM_ENVS; num_envs += 3) {
            Rig *rig = rig_create(CASES[c].world, CASES[c].config, num_envs, 2, AGORA_SAME_STEP);
            agora_batch_seed(rig->batch, SEED, 0);
            agora_batch_reset(rig->batch, NULL);
            for (int32_t e = 0; e < num_envs; e++)
                actual[e] = rig_hash_env(rig, e, 0);
            rig_run(rig, 0, 0, NUM_SHARED_TURNS, actual);
            CHECK(memcmp(actual, expected, (size_t)num_envs * sizeof *actual) == 0);
            rig_destroy(rig);
        }
    }
    return 0;
}

static int test_a_batch_can_begin_at_any_env_number(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        uint64_t expected[NUM_ENVS], actual[NUM_ENVS];
        run_case(&CASES[c], 1, NUM_SHARED_TURNS, expected);
        for (int32_t first = 1; first < NUM_ENVS; first += 5) {
            int32_t count = NUM_ENVS - first;
            Rig *rig = rig_create(CASES[c].world, CASES[c].config, count, 2, AGORA_SAME_STEP);
            agora_batch_seed(rig->batch, SEED, (uint64_t)first);
            agora_batch_reset(rig->batch, NULL);
            for (int32_t e = 0; e < count; e++)
                actual[e] = rig_hash_env(rig, e, 0);
            rig_run(rig, first, 0, NUM_SHARED_TURNS, actual);
            CHECK(memcmp(actual, expected + first, (size_t)count * sizeof *actual) == 0);
            rig_destroy(rig);
        }
    }
    return 0;
}

/* Moves envs [first, first + count) of `whole` into a batch of their own, and continues their hashes there. */
static void run_part(const Case *one, const Rig *whole, int32_t first, int32_t count, int32_t threads, uint64_t *hashes)
{
    AgoraError error;
    Rig *part = rig_create(one->world, one->config, count, threads, AGORA_SAME_STEP);
    size_t size = agora_batch_snapshot_size(whole->batch);
    void *bytes = malloc(size);
    for (int32_t e = 0; e < count; e++) {
        agora_batch_snapshot(whole->batch, first + e, bytes);
        if (!agora_batch_restore(part->batch, e, bytes, size, &error)) {
            printf("%s: %s\n", one->label, error.text);
            exit(1);
        }
    }
    rig_run(part, first, 10, NUM_SHARED_TURNS, hashes + first);
    free(bytes);
    rig_destroy(part);
}

static int test_any_split_of_the_envs_into_batches_goes_on_the_same_way(void)
{
    static const int32_t SPLITS[][4] = {{12}, {1, 11}, {5, 7}, {3, 4, 5}, {2, 1, 8, 1}};
    for (int32_t c = 0; c < NUM_CASES; c++) {
        Rig *whole = rig_create(CASES[c].world, CASES[c].config, NUM_ENVS, 2, AGORA_SAME_STEP);
        uint64_t expected[NUM_ENVS] = {0}, actual[5][NUM_ENVS] = {{0}}, warm_up[NUM_ENVS] = {0};
        agora_batch_seed(whole->batch, SEED, 0);
        agora_batch_reset(whole->batch, NULL);
        rig_run(whole, 0, 0, 10, warm_up);
        for (int32_t s = 0; s < 5; s++)
            for (int32_t i = 0, first = 0; i < 4; first += SPLITS[s][i++])
                if (SPLITS[s][i] > 0)
                    run_part(&CASES[c], whole, first, SPLITS[s][i], 1 + (i + s) % 4, actual[s]);
        rig_run(whole, 0, 10, NUM_SHARED_TURNS, expected);
        for (int32_t s = 0; s < 5; s++)
            CHECK(memcmp(actual[s], expected, sizeof expected) == 0);
        rig_destroy(whole);
    }
    return 0;
}

static int test_seeds_repeat_and_differ(void)
{
    const Case *one = NULL;
    for (int32_t c = 0; c < NUM_CASES && !one; c++)
        if (strcmp(CASES[c].world->name, "probe") == 0)
            one = &CASES[c];
    CHECK(one);
    Rig *rig = rig_create(one->world, one->config, NUM_ENVS, 1, AGORA_SAME_STEP);
    uint64_t hashes[3][NUM_ENVS] = {{0}};
    static const uint64_t SEEDS[] = {1, 2, 1};
    for (int i = 0; i < 3; i++) {
        agora_batch_seed(rig->batch, SEEDS[i], 0);
        agora_batch_reset(rig->batch, NULL);
        rig_run(rig, 0, 0, 50, hashes[i]);
    }
    CHECK(memcmp(hashes[0], hashes[1], sizeof hashes[0]) != 0);
    CHECK(memcmp(hashes[0], hashes[2], sizeof hashes[0]) == 0);
    rig_destroy(rig);
    return 0;
}

int main(void)
{
    RUN(test_every_compiled_world_has_a_case);
    RUN(test_trajectories_have_their_recorded_hashes_whatever_the_threads);
    RUN(test_envs_do_not_notice_how_many_others_there_are);
    RUN(test_a_batch_can_begin_at_any_env_number);
    RUN(test_any_split_of_the_envs_into_batches_goes_on_the_same_way);
    RUN(test_seeds_repeat_and_differ);
    return NUM_FAILED;
}
