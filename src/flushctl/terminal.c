/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "flushctl/terminal.h"

/* A second screen without a cursor, and back; and how a line of it is cleared.
 */
#define ENTER	     "\033[?1049h\033[?25l"
#define LEAVE	     "\033[?25h\033[?1049l"
#define CLEARED_LINE "\033[%zu;1H\033[K"

enum { WIDTH_DEFAULT = 80, HEIGHT_DEFAULT = 24 };

static struct termios settings; /* as they were */
static bool has_settings;	/* standard input has some */
static volatile sig_atomic_t is_entered;
static volatile sig_atomic_t is_new; /* another size, or continued */

/* ---- what it is ---------------------------------------------------- */

static bool
is_dumb(void)
{
	const char *term = getenv("TERM");

	return !term || *term == '\0' || strcmp(term, "dumb") == 0;
}

static bool
has_colours(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return !is_dumb() && !(no_colour && *no_colour);
}

void
terminal_size(size_t *width, size_t *height)
{
	struct winsize size;

	*width = WIDTH_DEFAULT;
	*height = HEIGHT_DEFAULT;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (size.ws_col > 0)
		*width = size.ws_col;
	if (size.ws_row > 0)
		*height = size.ws_row;
}

int
terminal_width(void)
{
	size_t width, height;

	if (!isatty(STDOUT_FILENO))
		return 0;
	terminal_size(&width, &height);
	return (int)width;
}

void
terminal_style(struct status_style *style)
{
	style->now_sec = clock_wall_ms() / 1000;
	style->width = (size_t)terminal_width();
	style->has_colours = style->width > 0 && has_colours();
}

/* ---- enter and leave ----------------------------------------------- */

/* All of these are safe in a signal handler. If the terminal is gone, there is
 * nothing to be done. */
static void
take_over(void)
{
	struct termios own = settings;

	own.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	own.c_cc[VMIN] = 1;
	own.c_cc[VTIME] = 0;
	if ((has_settings && tcsetattr(STDIN_FILENO, TCSANOW, &own) < 0) ||
	    write(STDOUT_FILENO, ENTER, sizeof(ENTER) - 1) < 0)
		return;
}

static void
give_back(void)
{
	if (write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1) < 0 ||
	    (has_settings && tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) < 0))
		return;
}

/* End as the signal would have ended us. */
static void
on_end(int number)
{
	terminal_leave();
	signal(number, SIG_DFL);
	raise(number);
}

/*
 * Stop as the signal would have stopped us: not at all where nobody could have
 * us go on.
 */
static void
on_stop(int number)
{
	const int error = errno;
	struct sigaction ours;
	sigset_t set;

	give_back();
	sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, &ours);
	raise(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* Here it goes on. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(number, &ours, NULL);
	take_over();
	is_new = 1;
	errno = error;
}

static void
on_resize(int number)
{
	(void)number;
	is_new = 1;
}

static void
handle(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};
	struct sigaction old;

	sigfillset(&action.sa_mask);
	/* Whoever started us may have had it ignored. */
	if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

bool
terminal_enter(void)
{
	static const int ends[] = {
	    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT, SIGSEGV};

	if (!isatty(STDOUT_FILENO) || is_dumb())
		return false;
	has_settings = tcgetattr(STDIN_FILENO, &settings) == 0;
	is_entered = 1;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		handle(ends[i], on_end);
	handle(SIGTSTP, on_stop);
	handle(SIGWINCH, on_resize);
	take_over();
	return true;
}

void
terminal_leave(void)
{
	if (!is_entered)
		return;
	is_entered = 0;
	give_back();
}

/* ---- show and wait ------------------------------------------------- */

/*
 * Each line in its place, over what was there, so that nothing flickers and
 * nothing moves. A line is cleared before it is written: behind a full one the
 * last character would go.
 */
int
terminal_show(const char *lines)
{
	struct buf out = BUF_INIT;
	size_t width, height;
	int rc;

	terminal_size(&width, &height);
	for (size_t row = 1; row <= height; row++) {
		const size_t len = strcspn(lines, "\n");

		buf_add_format(&out, CLEARED_LINE, row);
		buf_add(&out, lines, len);
		lines += len + (lines[len] != '\0');
	}
	rc = io_write_all(STDOUT_FILENO, out.data, out.len);
	buf_release(&out);
	return rc;
}

static enum terminal_key
read_key(void)
{
	char keys[64];
	const ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? TERMINAL_NONE
							 : TERMINAL_QUIT;
	if (n == 0 || memchr(keys, 'q', (size_t)n) ||
	    memchr(keys, 'Q', (size_t)n))
		return TERMINAL_QUIT;
	return TERMINAL_REDRAW;
}

enum terminal_key
terminal_wait(int timeout_ms)
{
	struct pollfd p = {
	    .fd = has_settings ? STDIN_FILENO : -1, .events = POLLIN};
	const int rc = poll(&p, 1, timeout_ms);

	if (is_new) {
		is_new = 0;
		return TERMINAL_REDRAW;
	}
	if (rc > 0)
		return read_key();
	return TERMINAL_NONE;
}
