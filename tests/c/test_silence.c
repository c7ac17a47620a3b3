/* A step allocates nothing, prints nothing and reads no clock. The linker sends these calls of the engine and of the
 * worlds here (--wrap, see CMakeLists.txt), where they are counted; sanitizers bring an allocator of their own, so this
 * test belongs to the plain builds.
 */
#include "cases.h"
#include "check.h"
#include "rig.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static atomic_int calls;

#define COUNTED(type, name, parameters, arguments)                                                                     \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        atomic_fetch_add(&calls, 1);                                                                                   \
        return __real_##name arguments;                                                                                \
    }

COUNTED(void *, malloc, (size_t size), (size))
COUNTED(void *, calloc, (size_t count, size_t size), (count, size))
COUNTED(void *, realloc, (void *memory, size_t size), (memory, size))
COUNTED(void *, aligned_alloc, (size_t unit, size_t size), (unit, size))
COUNTED(void, free, (void *memory), (memory))
COUNTED(int, puts, (const char *text), (text))
COUNTED(int, putchar, (int character), (character))
COUNTED(size_t, fwrite, (const void *bytes, size_t size, size_t count, FILE *file), (bytes, size, count, file))
COUNTED(int, vfprintf, (FILE *file, const char *format, va_list list), (file, format, list))
COUNTED(time_t, time, (time_t *out), (out))
COUNTED(clock_t, clock, (void), ())
COUNTED(int, clock_gettime, (clockid_t clock, struct timespec *out), (clock, out))
COUNTED(int, rand, (void), ())
COUNTED(char *, getenv, (const char *name), (name))

int __wrap_printf(const char *format, ...);
int __wrap_printf(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    atomic_fetch_add(&calls, 1);
    int written = __real_vfprintf(stdout, format, list);
    va_end(list);
    return written;
}

int __wrap_fprintf(FILE *file, const char *format, ...);
int __wrap_fprintf(FILE *file, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    atomic_fetch_add(&calls, 1);
    int written = __real_vfprintf(file, format, list);
    va_end(list);
    return written;
}

static int test_the_counter_counts(void)
{
    int before = atomic_load(&calls);
    void *volatile memory = malloc(1); /* volatile: the pair could be optimised away */
    free(memory);
    CHECK(atomic_load(&calls) == before + 2);
    return 0;
}

static int test_steps_and_resets_call_none_of_them(void)
{
    static const AgoraAutoreset MODES[] = {AGORA_SAME_STEP, AGORA_NEXT_STEP};
    for (int32_t c = 0; c < NUM_CASES; c++)
        for (int m = 0; m < 2; m++) {
            uint64_t hashes[8] = {0};
            Rig *rig = rig_create(CASES[c].world, CASES[c].config, 8, 3, MODES[m]);
            int before = atomic_load(&calls);
            agora_batch_seed(rig->batch, 1, 0);
            agora_batch_reset(rig->batch, NULL);
            rig_run(rig, 0, 0, 200, hashes);
            CHECK(atomic_load(&calls) == before);
            rig_destroy(rig);
        }
    return 0;
}

int main(void)
{
    RUN(test_the_counter_counts);
    RUN(test_steps_and_resets_call_none_of_them);
    return NUM_FAILED;
}
