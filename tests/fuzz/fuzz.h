/* SPDX-License-Identifier: ISC */
/*
 * fuzz.h - what the fuzz targets share
 *
 *   Each fuzz_NAME.c is a target: a function that takes any bytes, gives them
 *   to one part of the program, and checks what must hold whatever they are.
 *   `make fuzz` links it with libFuzzer, which looks for bytes that break it;
 *   `make test` with replay.c, which reads those of corpus/NAME again.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

/* The target; libFuzzer wants this name. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the process unless the claim holds. */
#define FUZZ_CHECK(claim)                                                      \
	((claim) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #claim))

NORETURN void fuzz_fail(const char *file, int line, const char *claim);

/* ---- bytes ------------------------------------------------------------ */

/* Bytes that are still to be read. */
struct fuzz_input {
	const char *at;
	size_t len;
};

struct fuzz_input fuzz_input(const uint8_t *data, size_t size);

/* Take the next byte; 0 behind the last. */
unsigned char fuzz_byte(struct fuzz_input *in);

/* Take what stands in front of the next c, and c too; without one, all. */
struct fuzz_input fuzz_until(struct fuzz_input *in, char c);

/*
 * A copy for free(), of exactly these bytes, so that a sanitizer sees every
 * look beyond them. Never NULL.
 */
char *fuzz_copy(const char *data, size_t len) MUST_CHECK;

/* The same with so many more bytes of room behind them. */
char *fuzz_copy_with_room(const char *data, size_t len, size_t room) MUST_CHECK;

bool fuzz_is_equal(const struct buf *b, const char *data, size_t len);

/* True if there is a byte below 32, or 127. */
bool fuzz_has_control(const char *data, size_t len);

/* ---- pieces ----------------------------------------------------------- */

/*
 * The next number of a sequence that begins with *state; the same one for the
 * same start, so that what was found once is found again.
 */
uint32_t fuzz_random(uint32_t *state);

/* How many of len bytes come in the next piece: 1 to max, at most len. */
size_t fuzz_piece(uint32_t *state, size_t len, uint32_t max);

#endif
