/* Copyright (c) 2026, perucompras.respaldo contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preloaded: what a program reads as the time of day is MONTH_SHIFT seconds from the true one. Nothing else is touched: sleeps, deadlines and durations go by the
 * monotonic clock. (libfaketime 0.9.10 either fakes that clock too, so that a wait with a limit never ends, or lets no program of Python 3.11 sleep.)
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void)
{
    const char *told = getenv("MONTH_SHIFT");
    return told ? (time_t)strtoll(told, NULL, 10) : 0;
}

int clock_gettime(clockid_t which, struct timespec *at)
{
    int status = (int)syscall(SYS_clock_gettime, which, at);
    if (status == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        at->tv_sec += shift();
    return status;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (at && clock_gettime(CLOCK_REALTIME, &now) == 0) {
        at->tv_sec = now.tv_sec;
        at->tv_usec = now.tv_nsec / 1000;
    }
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, at) == 0 ? base : 0;
}
