/* Powers for utilities. Our own, because the C library's differ from machine to machine, and with them trajectories. */
#ifndef AGORA_WELFARE_POWER_H
#define AGORA_WELFARE_POWER_H

/* log x for finite x > 0, within a few ulp of 1: the exponent times log 2, and log m = 2 atanh((m - 1) / (m + 1)) for m in
 * [1 / sqrt 2, sqrt 2), where the first term left out of the series is below 0.172^23 / 23 = 1e-19. */
double welfare_log(double x);

/* x^exponent for x >= 0 and exponent >= 0, relative error below 1e-14 where the result is below 1e30. 0^0 is 1. */
double welfare_power(double x, double exponent);

#endif
