/* SPDX-License-Identifier: ISC */
/*
 * input.h - the message on standard input
 */
#ifndef SENDMAIL_INPUT_H
#define SENDMAIL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

/*
 * Append the message to text, up to end of file: until then the caller may
 * still cancel it by ending us. But at a terminal, where somebody waits, a line
 * of a single dot is the end, too, unless dots are literal. 0 or -errno:
 * -EMSGSIZE as soon as text holds more than limit bytes, and whoever wants
 * more of it calls again with a greater limit.
 */
int input_read(bool is_dot_literal, size_t limit, struct buf *text) MUST_CHECK;

/*
 * Read what the caller still has to say, lest he dies of SIGPIPE; *bytes grows
 * by how much that was. Nobody types the rest of what is refused.
 */
void input_drain(uint64_t *bytes);

#endif
