/* A child of fork() has none of the parent's threads. Batches must work there all the same, and give the same results:
 * Python's multiprocessing and Ray's workers may fork a process that has stepped a batch.
 */
#include "cases.h"
#include "check.h"
#include "rig.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUM_ENVS = 9, NUM_TURNS = 40 };

static Rig *start(const Case *one, int32_t num_threads)
{
    Rig *rig = rig_create(one->world, one->config, NUM_ENVS, num_threads, AGORA_SAME_STEP);
    agora_batch_reset(rig->batch, NULL);
    return rig;
}

/* Whether the child, run as `work(argument)`, ended by itself with 0. */
static bool is_child_content(int (*work)(void *), void *argument)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(60); /* a child that waits for threads which it does not have must fail, not hang */
        _exit(work(argument));
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

typedef struct Continuation {
    const Case *one;
    Rig *rig;
    uint64_t expected[NUM_ENVS];
} Continuation;

static int go_on(void *argument)
{
    const Continuation *continuation = argument;
    uint64_t hashes[NUM_ENVS] = {0};
    rig_run(continuation->rig, 0, 10, NUM_TURNS, hashes);
    rig_destroy(continuation->rig);
    return memcmp(hashes, continuation->expected, sizeof hashes) != 0;
}

static int test_a_child_can_step_and_destroy_its_parents_batch(void)
{
    for (int32_t c = 0; c < NUM_CASES; c++) {
        uint64_t warm_up[NUM_ENVS] = {0}, hashes[NUM_ENVS] = {0};
        Continuation continuation = {.one = &CASES[c], .rig = start(&CASES[c], 4)};
        Rig *twin = start(&CASES[c], 1);
        rig_run(continuation.rig, 0, 0, 10, warm_up);
        rig_run(twin, 0, 0, 10, warm_up);
        rig_run(twin, 0, 10, NUM_TURNS, continuation.expected);
        CHECK(is_child_content(go_on, &continuation));
        rig_run(continuation.rig, 0, 10, NUM_TURNS, hashes); /* and the parent goes on undisturbed */
        CHECK(memcmp(hashes, continuation.expected, sizeof hashes) == 0);
        rig_destroy(continuation.rig);
        rig_destroy(twin);
    }
    return 0;
}

#ifndef AGORA_THREAD_SANITIZER /* which forbids new threads in a child */
static int start_anew(void *argument)
{
    Continuation *continuation = argument;
    uint64_t warm_up[NUM_ENVS] = {0};
    rig_destroy(continuation->rig);
    continuation->rig = start(continuation->one, 3);
    rig_run(continuation->rig, 0, 0, 10, warm_up);
    return is_child_content(go_on, continuation) ? go_on(continuation) : 1;
}

static int test_a_child_can_make_batches_with_threads_and_fork_again(void)
{
    uint64_t warm_up[NUM_ENVS] = {0};
    Continuation continuation = {.one = &CASES[0], .rig = start(&CASES[0], 2)};
    rig_run(continuation.rig, 0, 0, 10, warm_up);
    Rig *twin = start(&CASES[0], 1);
    rig_run(twin, 0, 0, 10, warm_up);
    rig_run(twin, 0, 10, NUM_TURNS, continuation.expected);
    CHECK(is_child_content(start_anew, &continuation));
    rig_destroy(continuation.rig);
    rig_destroy(twin);
    return 0;
}
#endif

int main(void)
{
    RUN(test_a_child_can_step_and_destroy_its_parents_batch);
#ifndef AGORA_THREAD_SANITIZER
    RUN(test_a_child_can_make_batches_with_threads_and_fork_again);
#endif
    return NUM_FAILED;
}
