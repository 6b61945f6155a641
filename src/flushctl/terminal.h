/* SPDX-License-Identifier: ISC */
/*
 * terminal.h - what standard output is, and a screen of one's own on it
 *
 *   No library: what is used here every terminal has had for forty years. One
 *   that has not says TERM=dumb.
 */
#ifndef FLUSHCTL_TERMINAL_H
#define FLUSHCTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "flushctl/status_table.h"

/* Its columns; 0: it is no terminal. */
int terminal_width(void);

/* Fill in colours, width and time, for output that is just printed. */
void terminal_style(struct status_style *style);

/* ---- a screen ------------------------------------------------------ */

enum terminal_key { TERMINAL_NONE, TERMINAL_QUIT, TERMINAL_REDRAW };

/*
 * Take the screen over, if standard output is a terminal that has one; else
 * false, and there is nothing to be left. However this process ends, by a
 * signal too, but for SIGKILL, the terminal is then as it was; so it is while
 * it is stopped.
 */
bool terminal_enter(void) MUST_CHECK;
void terminal_leave(void);

/* Columns and lines of the screen, as they are now. */
void terminal_size(size_t *width, size_t *height);

/* Show lines, from the top, in place of what is shown. 0 or -errno. */
int terminal_show(const char *lines) MUST_CHECK;

/* Wait for so long: QUIT if q was pressed or nothing more can be, REDRAW if the
 * screen is another or a key was pressed, or NONE. */
enum terminal_key terminal_wait(int timeout_ms);

#endif
