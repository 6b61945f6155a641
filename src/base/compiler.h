/* SPDX-License-Identifier: ISC */
/*
 * compiler.h - what the compiler can check for us
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define MUST_CHECK	       __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN	       __attribute__((noreturn))
#define UNUSED		       __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#include "base/banned.h"

#endif
