/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/privilege.h"
#include "sendmail/guard.h"
#include "sendmail/visit.h"

enum {
	GUARD_TIMEOUT_SEC = 60, /* all that one visit may take */
};

/* ---- open ---------------------------------------------------------- */

/*
 * If the directory is exchanged behind our back, open_ours() sees that it is
 * not ours.
 */
int
visit_become_owner(const char *dir)
{
	struct stat st;

	if (geteuid() != 0 || lstat(dir, &st) < 0 || st.st_uid == 0)
		return 0;
	return privilege_become(st.st_uid, st.st_gid);
}

void
visit_open(struct visit *v, const char *dir)
{
	*v = (struct visit){
	    .dir = dir,
	    .dir_fd = spool_open_dir(dir),
	    .patience_ms = VISIT_PATIENCE_MS,
	};
}

void
visit_close(struct visit *v)
{
	if (v->dir_fd >= 0)
		close(v->dir_fd);
	v->dir_fd = -EBADF;
}

/* As root only what is root's: a hostile file must not be read as root. */
static int
open_ours(const struct visit *v, struct spool **spool)
{
	struct stat st;

	if (v->dir_fd < 0)
		return v->dir_fd;
	if (fstat(v->dir_fd, &st) < 0)
		return -errno;
	if (geteuid() == 0 && st.st_uid != 0)
		return -EPERM;
	/* Not the path again: the first visit may have changed to the spool
	 * and the path be a relative one. */
	return spool_open_fd(v->dir_fd, spool);
}

/* ---- visit --------------------------------------------------------- */

/* What is done with the spool meanwhile. */
struct errand {
	int (*run)(struct spool *s, int64_t deadline_ms, struct errand *e);
	const struct composed *message;
	struct submit_result *result;
	struct listing *listing;
};

static int
visit(struct visit *v, struct errand *e)
{
	const int64_t begin_ms = clock_boot_ms();
	struct spool *spool = NULL;
	int rc;

	guard_begin(v->dir, GUARD_TIMEOUT_SEC);
	rc = open_ours(v, &spool);
	if (rc == 0)
		rc = e->run(spool, begin_ms + v->patience_ms, e);
	spool_close(spool);
	guard_end();
	v->patience_ms -= clock_boot_ms() - begin_ms;
	return rc;
}

static int
look(struct spool *s, int64_t deadline_ms, struct errand *e)
{
	return spool_look(s, deadline_ms, e->result);
}

int
visit_look(struct visit *v, struct submit_result *r)
{
	*r = (struct submit_result){0};
	return visit(v, &(struct errand){.run = look, .result = r});
}

static int
submit(struct spool *s, int64_t deadline_ms, struct errand *e)
{
	const struct composed *m = e->message;

	return spool_submit(s, &m->envelope, m->pieces, m->piece_count,
	    m->envelope.submitted_ms, deadline_ms, e->result);
}

int
visit_submit(struct visit *v, const struct composed *m, struct submit_result *r)
{
	*r = (struct submit_result){0};
	return visit(
	    v, &(struct errand){.run = submit, .message = m, .result = r});
}

static int
list(struct spool *s, int64_t deadline_ms, struct errand *e)
{
	int rc = spool_begin(s, SPOOL_READ, 0, deadline_ms);

	if (rc == 0)
		rc = listing_read_page(e->listing, s);
	spool_abort(s);
	return rc;
}

int
visit_list(struct visit *v, struct listing *l)
{
	return visit(v, &(struct errand){.run = list, .listing = l});
}
