/* SPDX-License-Identifier: ISC */
/*
 * banned.h - functions that have no safe use here do not compile
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison strtok atoi atol atoll gmtime localtime ctime asctime

#endif
