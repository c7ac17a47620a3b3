#include "game.h"

#include <stdarg.h>
#include <stdio.h>

bool agora_fail(AgoraError *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

bool agora_check_range(const char *name, int32_t value, int32_t low, int32_t high, AgoraError *error)
{
    return (value >= low && value <= high) ||
           agora_fail(error, "%s must be in [%d, %d], got %d", name, low, high, value);
}

bool agora_check_share(const char *name, double value, AgoraError *error)
{
    return (value >= 0 && value <= 1) || agora_fail(error, "%s must be in [0, 1], got %g", name, value);
}

bool agora_check_deal(const char *name, const uint8_t *cards, int32_t count, int32_t deck, AgoraError *error)
{
    bool is_dealt[256] = {false};
    for (int32_t i = 0; i < count; i++) {
        if (cards[i] >= deck || is_dealt[cards[i]])
            return agora_fail(error, "%s[%d] must be in [0, %d] and there once, got %d", name, i, deck - 1, cards[i]);
        is_dealt[cards[i]] = true;
    }
    return true;
}
