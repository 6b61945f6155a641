/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "flushctl/errand.h"
#include "flushctl/interrupt.h"
#include "flushctl/request.h"
#include "flushctl/sweep.h"
#include "flushctl/verb.h"

/* One of hold, release, retry and remove, as it was called. */
struct steering {
	const struct change *change;
	const char *name;
	struct request request;
	struct targets targets;
};

static int
sweep_spool(const struct errand *e, struct spool *s, struct tally *tally)
{
	return sweep_run(e->context, e->target, s, tally);
}

static int
print_line(const char *text)
{
	return verb_write(text, strlen(text));
}

static void
add_count(struct buf *b, uint64_t count, const char *what)
{
	buf_add_format(b, "%ju message%s%s", (uintmax_t)count,
	    count == 1 ? "" : "s", what);
}

/* ---- do it --------------------------------------------------------- */

static int
print_count(const struct steering *s, const char *site, const struct tally *t)
{
	struct buf line = BUF_INIT;
	int status;

	if (site)
		buf_add_format(&line, "%s: ", site);
	add_count(&line, t->count, " ");
	buf_add_format(&line, "%s\n", s->change->done);
	if (t->sending > 0)
		buf_add_format(&line,
		    "%ju of them %s being sent, and may still arrive\n",
		    (uintmax_t)t->sending, t->sending == 1 ? "was" : "were");
	status = print_line(line.data);
	buf_release(&line);
	return status;
}

/*
 * The last line; none where nothing was done and it was said why. The status,
 * which then is what it was so far.
 */
static int
print_total(const struct steering *s, const struct tally *total, int status)
{
	if (total->count == 0 && status != STATUS_DONE)
		return status;
	if (print_count(s, NULL, total) != STATUS_DONE)
		return STATUS_FAILED;
	return total->count == 0 ? STATUS_NOT_FOUND : status;
}

/* Retried ones that are being sent are as they should be. */
static bool
is_late(const struct change *c)
{
	return c == &change_hold || c == &change_remove;
}

static int
sweep_one(const struct steering *s, struct errand *e, struct tally *total)
{
	struct tally one = {0};
	int status = errand_run(e, &one);

	if (!is_late(s->change))
		one.sending = 0;
	if (s->targets.count > 1 && one.count > 0 &&
	    print_count(s, e->target->name, &one) != STATUS_DONE)
		status = STATUS_FAILED;
	total->count += one.count;
	total->sending += one.sending;
	return status;
}

static int
sweep_all(const struct steering *s)
{
	const struct sweep sweep = {
	    .change = s->change, .filter = &s->request.filter};
	struct errand errand = {
	    .run = sweep_spool, .context = &sweep, .progress = s->change->done};
	struct tally total = {0};
	int worst = STATUS_DONE;

	interrupt_defer(INTERRUPT_KILLS);
	for (size_t i = 0; i < s->targets.count && !interrupt_has_come(); i++) {
		int status;

		errand.target = &s->targets.list[i];
		status = sweep_one(s, &errand, &total);
		if (status > worst)
			worst = status;
	}
	worst = print_total(s, &total, worst);
	if (interrupt_has_come())
		log_error("interrupted: there may be more");
	interrupt_obey();
	return worst;
}

/* ---- ask first ----------------------------------------------------- */

static bool
is_yes(void)
{
	char answer[16];

	return fgets(answer, sizeof(answer), stdin) &&
	       (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
}

/* What would be removed, and from where. */
struct rehearsed {
	struct tally total;
	size_t spools;	   /* in which there is some */
	const char *spool; /* the last of these */
};

static int
rehearse(const struct steering *s, struct rehearsed *r)
{
	const struct sweep sweep = {.change = s->change,
	    .filter = &s->request.filter,
	    .is_rehearsal = true};
	struct errand errand = {.run = sweep_spool, .context = &sweep};
	int worst = STATUS_DONE;

	for (size_t i = 0; i < s->targets.count; i++) {
		const uint64_t before = r->total.count;
		int status;

		errand.target = &s->targets.list[i];
		status = errand_run(&errand, &r->total);
		if (status > worst)
			worst = status;
		if (r->total.count == before)
			continue;
		r->spools++;
		r->spool = errand.target->name;
	}
	return worst;
}

/* How many go, of what; STATUS_DONE if that is wanted. */
static int
ask(const struct steering *s)
{
	struct buf question = BUF_INIT;
	struct rehearsed r = {0};
	int status = rehearse(s, &r);

	if (r.total.count == 0)
		return print_total(s, &r.total, status);
	buf_add_str(&question, "Remove ");
	add_count(&question, r.total.count, "");
	if (r.spools == 1)
		buf_add_format(&question, " of %s", r.spool);
	else
		buf_add_format(&question, " of %zu sites", r.spools);
	buf_add_str(
	    &question, "? They are not sent, and nobody is told. [y/N] ");
	if (io_write_all(STDERR_FILENO, question.data, question.len) < 0)
		status = STATUS_FAILED;
	else if (is_yes())
		status = STATUS_DONE;
	else
		status = print_line("nothing was removed\n") == STATUS_DONE
			     ? STATUS_NOT_FOUND
			     : STATUS_FAILED;
	buf_release(&question);
	return status;
}

/* ---- the verbs ----------------------------------------------------- */

/* What is there must say which messages, and only once. */
static int
check(const struct steering *s)
{
	const struct request *r = &s->request;
	const bool has_filter = !filter_is_all(&r->filter);

	if (r->word_count > 0 && (r->is_all || has_filter))
		return verb_usage(
		    s->name, "either queue ids, or --all and filters");
	if (r->word_count == 0 && !r->is_all && !has_filter)
		return verb_usage(
		    s->name, "queue ids, a filter or --all are wanted");
	if (!s->change->apply && !r->is_yes &&
	    !(isatty(STDIN_FILENO) && isatty(STDERR_FILENO)))
		return verb_usage(
		    s->name, "without a terminal to ask at, --yes is wanted");
	return STATUS_DONE;
}

static int
steer(const struct change *c, const struct selection *selection, int argc,
    char **argv)
{
	const unsigned int takes = WHERE_ANY | REQUEST_WORDS | REQUEST_FILTER |
				   REQUEST_ALL |
				   (c->apply ? 0U : (unsigned)REQUEST_YES);
	struct steering s = {.change = c, .name = argv[0]};
	int status = request_parse(&s.request, selection, takes, argc, argv);

	if (status == STATUS_DONE)
		status = check(&s);
	if (status == STATUS_DONE)
		status = targets_find(&s.targets, &s.request.selection, argv[0],
		    true, s.request.words, s.request.word_count);
	if (status == STATUS_DONE && !c->apply && !s.request.is_yes)
		status = ask(&s);
	if (status == STATUS_DONE)
		status = sweep_all(&s);
	targets_release(&s.targets);
	return status;
}

static int
run_hold(const struct selection *selection, int argc, char **argv)
{
	return steer(&change_hold, selection, argc, argv);
}

static int
run_release(const struct selection *selection, int argc, char **argv)
{
	return steer(&change_release, selection, argc, argv);
}

static int
run_retry(const struct selection *selection, int argc, char **argv)
{
	return steer(&change_retry, selection, argc, argv);
}

static int
run_remove(const struct selection *selection, int argc, char **argv)
{
	return steer(&change_remove, selection, argc, argv);
}

#define ARGUMENTS "ID ... | FILTER ..."
#define WHICH                                                                  \
	"\n"                                                                   \
	"  ID, SITE/ID    these messages\n"                                    \
	"\n" REQUEST_FILTER_HEADING                                            \
	"  --all          any message\n" REQUEST_FILTER_HELP

const struct verb verb_hold = {
    .name = "hold",
    .summary = "put messages on hold: they are not sent",
    .arguments = ARGUMENTS,
    .help = "Put messages on hold: they are not sent until they are "
	    "released.\n" WHICH,
    .takes_where = true,
    .run = run_hold,
};

const struct verb verb_release = {
    .name = "release",
    .summary = "take messages off hold",
    .arguments = ARGUMENTS,
    .help = "Take messages off hold: they are due at once, if somebody is "
	    "still to get them.\n" WHICH,
    .takes_where = true,
    .run = run_release,
};

const struct verb verb_retry = {
    .name = "retry",
    .summary = "try messages at once",
    .arguments = ARGUMENTS,
    .help = "Try messages at once: those that wait, and those that failed and "
	    "nobody\nwas told.\n" WHICH,
    .takes_where = true,
    .run = run_retry,
};

const struct verb verb_remove = {
    .name = "remove",
    .summary = "remove messages",
    .arguments = "[--yes] " ARGUMENTS,
    .help = "Remove messages. They are not sent, and nobody is told. On a "
	    "terminal it asks\nfirst.\n" WHICH "\n"
	    "  --yes          do not ask\n",
    .takes_where = true,
    .run = run_remove,
};
